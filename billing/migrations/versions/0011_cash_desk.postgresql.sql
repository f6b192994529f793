CREATE TABLE cash_receipt (
    receipt_id BIGINT NOT NULL,
    year INTEGER NOT NULL,
    serial BIGINT NOT NULL,
    taken_on DATE NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    stamp_duty BIGINT NOT NULL,
    stamp_on_top INTEGER NOT NULL,
    content TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cash_receipt PRIMARY KEY (receipt_id),
    CONSTRAINT uq_cash_receipt_year_serial UNIQUE (year, serial),
    CONSTRAINT ck_cash_receipt_amount CHECK (serial > 0 AND amount > 0 AND stamp_duty >= 0 AND stamp_on_top IN (0, 1))
)
-- next
CREATE TRIGGER cash_receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cash_receipt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION cash_receipt_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'cash_receipt: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER cash_receipt_receipt_id_exists AFTER INSERT ON cash_receipt REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION cash_receipt_receipt_id_exists()
