CREATE OR REPLACE FUNCTION message_delivery_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'message_delivery: states only move queued, failed, sent or stopped; attempts only grow' USING ERRCODE = 'integrity_constraint_violation'; END $$
-- next
DROP TRIGGER message_delivery_forward_only ON message_delivery
-- next
CREATE TRIGGER message_delivery_forward_only BEFORE UPDATE ON message_delivery FOR EACH ROW WHEN (OLD.state IN ('sent', 'stopped') OR NEW.state = 'queued' AND OLD.state = 'failed' OR NEW.attempts < OLD.attempts) EXECUTE FUNCTION message_delivery_back()
