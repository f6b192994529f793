CREATE TABLE bank_statement_withdrawal (
    statement_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_bank_statement_withdrawal PRIMARY KEY (statement_id),
    CONSTRAINT fk_bank_statement_withdrawal_statement_id FOREIGN KEY(statement_id) REFERENCES bank_statement (id),
    CONSTRAINT ck_bank_statement_withdrawal_reason CHECK (reason <> '')
)
-- next
CREATE TRIGGER bank_statement_withdrawal_no_update BEFORE UPDATE ON bank_statement_withdrawal BEGIN SELECT RAISE(ABORT, 'bank_statement_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_statement_withdrawal_no_delete BEFORE DELETE ON bank_statement_withdrawal BEGIN SELECT RAISE(ABORT, 'bank_statement_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_statement_withdrawal_no_replace_1 BEFORE INSERT ON bank_statement_withdrawal WHEN EXISTS (SELECT 1 FROM bank_statement_withdrawal WHERE statement_id = NEW.statement_id) BEGIN SELECT RAISE(ABORT, 'bank_statement_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
