CREATE TABLE cancellation_count (
    credit_note_id BIGINT NOT NULL,
    period DATE NOT NULL,
    CONSTRAINT pk_cancellation_count PRIMARY KEY (credit_note_id)
)
-- next
CREATE TRIGGER cancellation_count_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cancellation_count FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION cancellation_count_credit_note_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.credit_note_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.credit_note_id)) THEN RAISE EXCEPTION 'cancellation_count: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER cancellation_count_credit_note_id_exists AFTER INSERT ON cancellation_count REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION cancellation_count_credit_note_id_exists()
-- next
CREATE FUNCTION cancellation_count_period_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.period IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_run p WHERE p.period = a.period)) THEN RAISE EXCEPTION 'cancellation_count: a row refers to no row of billing_run' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER cancellation_count_period_exists AFTER INSERT ON cancellation_count REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION cancellation_count_period_exists()
