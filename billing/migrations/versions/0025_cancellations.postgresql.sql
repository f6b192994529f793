ALTER TABLE receipt ADD COLUMN occurrence INTEGER DEFAULT '1' NOT NULL
-- next
ALTER TABLE receipt DROP CONSTRAINT uq_receipt_means_reference_value_date
-- next
ALTER TABLE receipt ADD CONSTRAINT uq_receipt_means_reference_value_date_occurrence UNIQUE (means, reference, value_date, occurrence)
-- next
ALTER TABLE refund ADD COLUMN occurrence INTEGER DEFAULT '1' NOT NULL
-- next
ALTER TABLE refund DROP CONSTRAINT uq_refund_means_reference_refunded_on
-- next
ALTER TABLE refund ADD CONSTRAINT uq_refund_means_reference_refunded_on_occurrence UNIQUE (means, reference, refunded_on, occurrence)
-- next
CREATE TABLE receipt_cancellation (
    receipt_id BIGINT NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_receipt_cancellation PRIMARY KEY (receipt_id),
    CONSTRAINT ck_receipt_cancellation_reason CHECK (reason <> '')
)
-- next
CREATE TABLE refund_cancellation (
    refund_id BIGINT NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_refund_cancellation PRIMARY KEY (refund_id),
    CONSTRAINT ck_refund_cancellation_reason CHECK (reason <> '')
)
-- next
CREATE TRIGGER receipt_cancellation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_cancellation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER refund_cancellation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refund_cancellation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION receipt_cancellation_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'receipt_cancellation: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER receipt_cancellation_receipt_id_exists AFTER INSERT ON receipt_cancellation REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION receipt_cancellation_receipt_id_exists()
-- next
CREATE FUNCTION refund_cancellation_refund_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.refund_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM refund p WHERE p.id = a.refund_id)) THEN RAISE EXCEPTION 'refund_cancellation: a row refers to no row of refund' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER refund_cancellation_refund_id_exists AFTER INSERT ON refund_cancellation REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_cancellation_refund_id_exists()
