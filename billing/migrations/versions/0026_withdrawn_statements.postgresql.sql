CREATE TABLE bank_statement_withdrawal (
    statement_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_bank_statement_withdrawal PRIMARY KEY (statement_id),
    CONSTRAINT ck_bank_statement_withdrawal_reason CHECK (reason <> '')
)
-- next
CREATE TRIGGER bank_statement_withdrawal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_statement_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION bank_statement_withdrawal_statement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.statement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bank_statement p WHERE p.id = a.statement_id)) THEN RAISE EXCEPTION 'bank_statement_withdrawal: a row refers to no row of bank_statement' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER bank_statement_withdrawal_statement_id_exists AFTER INSERT ON bank_statement_withdrawal REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bank_statement_withdrawal_statement_id_exists()
