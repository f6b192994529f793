CREATE TABLE debt_act (
    id INTEGER NOT NULL,
    document_id BIGINT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    decided_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    vat BIGINT NOT NULL,
    from_doubtful BIGINT NOT NULL,
    reason TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_debt_act PRIMARY KEY (id),
    CONSTRAINT ck_debt_act_kind CHECK (kind IN ('doubtful', 'reinstated', 'provisioned', 'released', 'written_off', 'recovered')),
    CONSTRAINT ck_debt_act_amount CHECK (amount > 0 AND vat BETWEEN 0 AND amount AND from_doubtful BETWEEN 0 AND amount),
    CONSTRAINT ck_debt_act_said CHECK (reason <> '' AND asked_by <> '' AND approved_by <> ''),
    CONSTRAINT ck_debt_act_two_people CHECK (lower(asked_by) <> lower(approved_by)),
    CONSTRAINT fk_debt_act_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
-- next
CREATE INDEX ix_debt_act_document_id ON debt_act (document_id)
-- next
CREATE INDEX ix_debt_act_tenant ON debt_act (tenant)
-- next
CREATE TRIGGER debt_act_no_update BEFORE UPDATE ON debt_act BEGIN SELECT RAISE(ABORT, 'debt_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER debt_act_no_delete BEFORE DELETE ON debt_act BEGIN SELECT RAISE(ABORT, 'debt_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER debt_act_no_replace_1 BEFORE INSERT ON debt_act WHEN EXISTS (SELECT 1 FROM debt_act WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'debt_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
