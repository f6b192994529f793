DROP TRIGGER message_delivery_forward_only
-- next
CREATE TRIGGER message_delivery_forward_only BEFORE UPDATE ON message_delivery WHEN OLD.state IN ('sent', 'stopped') OR NEW.state = 'queued' AND OLD.state = 'failed' OR NEW.attempts < OLD.attempts BEGIN SELECT RAISE(ABORT, 'message_delivery: states only move queued, failed, sent or stopped; attempts only grow'); END
-- next
DROP TRIGGER message_delivery_kept
-- next
CREATE TRIGGER message_delivery_kept BEFORE DELETE ON message_delivery BEGIN SELECT RAISE(ABORT, 'message_delivery: states only move queued, failed, sent or stopped; attempts only grow'); END
