CREATE TABLE funding_matrix (
    period DATE NOT NULL,
    attempt INTEGER NOT NULL,
    body BYTEA NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    CONSTRAINT pk_funding_matrix PRIMARY KEY (period, attempt)
)
-- next
CREATE TRIGGER funding_matrix_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON funding_matrix FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION funding_matrix_period_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.period IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_run p WHERE p.period = a.period)) THEN RAISE EXCEPTION 'funding_matrix: a row refers to no row of billing_run' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER funding_matrix_period_exists AFTER INSERT ON funding_matrix REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION funding_matrix_period_exists()
