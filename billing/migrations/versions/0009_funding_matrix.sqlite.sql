CREATE TABLE funding_matrix (
    period DATE NOT NULL,
    attempt INTEGER NOT NULL,
    body BLOB NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    CONSTRAINT pk_funding_matrix PRIMARY KEY (period, attempt),
    CONSTRAINT fk_funding_matrix_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
CREATE TRIGGER funding_matrix_no_update BEFORE UPDATE ON funding_matrix BEGIN SELECT RAISE(ABORT, 'funding_matrix: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER funding_matrix_no_delete BEFORE DELETE ON funding_matrix BEGIN SELECT RAISE(ABORT, 'funding_matrix: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER funding_matrix_no_replace_1 BEFORE INSERT ON funding_matrix WHEN EXISTS (SELECT 1 FROM funding_matrix WHERE period = NEW.period AND attempt = NEW.attempt) BEGIN SELECT RAISE(ABORT, 'funding_matrix: rows of this table are never changed or deleted: correct by adding (R22)'); END
