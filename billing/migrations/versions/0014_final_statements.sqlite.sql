CREATE TABLE deposit_set_off (
    receipt_id INTEGER NOT NULL,
    deposit_id INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_deposit_set_off PRIMARY KEY (receipt_id),
    CONSTRAINT fk_deposit_set_off_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT fk_deposit_set_off_deposit_id FOREIGN KEY(deposit_id) REFERENCES deposit (id),
    CONSTRAINT ck_deposit_set_off_amount CHECK (amount > 0 AND reason <> '')
)
-- next
CREATE INDEX ix_deposit_set_off_deposit_id ON deposit_set_off (deposit_id)
-- next
CREATE TABLE final_statement (
    id INTEGER NOT NULL,
    lease VARCHAR(64) NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    closed_on DATE NOT NULL,
    balance BIGINT NOT NULL,
    content TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_final_statement PRIMARY KEY (id),
    CONSTRAINT uq_final_statement_lease UNIQUE (lease),
    CONSTRAINT fk_final_statement_lease FOREIGN KEY(lease) REFERENCES lease (code)
)
-- next
CREATE INDEX ix_final_statement_tenant ON final_statement (tenant)
-- next
CREATE TRIGGER deposit_set_off_no_update BEFORE UPDATE ON deposit_set_off BEGIN SELECT RAISE(ABORT, 'deposit_set_off: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_set_off_no_delete BEFORE DELETE ON deposit_set_off BEGIN SELECT RAISE(ABORT, 'deposit_set_off: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER final_statement_no_update BEFORE UPDATE ON final_statement BEGIN SELECT RAISE(ABORT, 'final_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER final_statement_no_delete BEFORE DELETE ON final_statement BEGIN SELECT RAISE(ABORT, 'final_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_set_off_no_replace_1 BEFORE INSERT ON deposit_set_off WHEN EXISTS (SELECT 1 FROM deposit_set_off WHERE receipt_id = NEW.receipt_id) BEGIN SELECT RAISE(ABORT, 'deposit_set_off: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER final_statement_no_replace_1 BEFORE INSERT ON final_statement WHEN EXISTS (SELECT 1 FROM final_statement WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'final_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER final_statement_no_replace_2 BEFORE INSERT ON final_statement WHEN EXISTS (SELECT 1 FROM final_statement WHERE lease = NEW.lease) BEGIN SELECT RAISE(ABORT, 'final_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
