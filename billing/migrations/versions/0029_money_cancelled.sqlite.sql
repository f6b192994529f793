PRAGMA defer_foreign_keys = ON
-- next
ALTER TABLE debt_act ADD COLUMN reference TEXT
-- next
ALTER TABLE debt_act ADD COLUMN booked_on DATE
-- next
CREATE TABLE deposit_movement_before AS SELECT deposit_id, movement_no, kind, moved_on, amount, money_account, reference, reason, recorded_at FROM deposit_movement
-- next
DROP TABLE deposit_movement
-- next
CREATE TABLE deposit_movement (
    deposit_id INTEGER NOT NULL,
    movement_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    moved_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    money_account TEXT NOT NULL,
    reference TEXT NOT NULL,
    reason TEXT,
    recorded_at DATETIME NOT NULL,
    booked_on DATE,
    occurrence INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_deposit_movement PRIMARY KEY (deposit_id, movement_no),
    CONSTRAINT uq_deposit_movement_deposit_id_kind_reference_occurrence UNIQUE (deposit_id, kind, reference, occurrence),
    CONSTRAINT ck_deposit_movement_kind CHECK (kind IN ('received', 'returned')),
    CONSTRAINT ck_deposit_movement_amount CHECK (amount > 0),
    CONSTRAINT ck_deposit_movement_reason CHECK (kind = 'received' OR reason IS NOT NULL),
    CONSTRAINT fk_deposit_movement_deposit_id FOREIGN KEY(deposit_id) REFERENCES deposit (id)
)
-- next
INSERT INTO deposit_movement (deposit_id, movement_no, kind, moved_on, amount, money_account, reference, reason, recorded_at) SELECT deposit_id, movement_no, kind, moved_on, amount, money_account, reference, reason, recorded_at FROM deposit_movement_before
-- next
DROP TABLE deposit_movement_before
-- next
CREATE TABLE settlement_before AS SELECT document_id, act, act_id, rate, settled_on, base, vat, vat_released, base_due, vat_due, exact, exact_due FROM settlement
-- next
DROP TABLE settlement
-- next
CREATE TABLE settlement (
    document_id BIGINT NOT NULL,
    act VARCHAR(12) NOT NULL,
    act_id BIGINT NOT NULL,
    rate INTEGER NOT NULL,
    settled_on DATE NOT NULL,
    base BIGINT NOT NULL,
    vat BIGINT NOT NULL,
    vat_released BIGINT NOT NULL,
    base_due BIGINT NOT NULL,
    vat_due BIGINT NOT NULL,
    exact TEXT,
    exact_due TEXT,
    CONSTRAINT pk_settlement PRIMARY KEY (document_id, act, act_id, rate),
    CONSTRAINT fk_settlement_document_id_rate FOREIGN KEY(document_id, rate) REFERENCES document_vat (document_id, rate),
    CONSTRAINT ck_settlement_act CHECK (act IN ('allocated', 'undone', 'cleared', 'issued', 'refunded', 'unrefunded', 'written_off', 'recovered', 'unrecovered', 'brought'))
)
 WITHOUT ROWID
-- next
INSERT INTO settlement (document_id, act, act_id, rate, settled_on, base, vat, vat_released, base_due, vat_due, exact, exact_due) SELECT document_id, act, act_id, rate, settled_on, base, vat, vat_released, base_due, vat_due, exact, exact_due FROM settlement_before
-- next
DROP TABLE settlement_before
-- next
CREATE INDEX ix_settlement_settled_on ON settlement (settled_on)
-- next
CREATE TABLE debt_cancellation (
    debt_act_id INTEGER NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    vat BIGINT NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_debt_cancellation PRIMARY KEY (debt_act_id),
    CONSTRAINT ck_debt_cancellation_reason CHECK (reason <> '' AND vat >= 0),
    CONSTRAINT fk_debt_cancellation_debt_act_id FOREIGN KEY(debt_act_id) REFERENCES debt_act (id)
)
-- next
CREATE TABLE deposit_cancellation (
    deposit_id INTEGER NOT NULL,
    movement_no INTEGER NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_deposit_cancellation PRIMARY KEY (deposit_id, movement_no),
    CONSTRAINT fk_deposit_cancellation_deposit_id_movement_no FOREIGN KEY(deposit_id, movement_no) REFERENCES deposit_movement (deposit_id, movement_no),
    CONSTRAINT ck_deposit_cancellation_reason CHECK (reason <> '')
)
-- next
CREATE TABLE certificate_withdrawal (
    receipt_id INTEGER NOT NULL,
    kind VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_certificate_withdrawal PRIMARY KEY (receipt_id, kind, version),
    CONSTRAINT fk_certificate_withdrawal_receipt_id_kind_version FOREIGN KEY(receipt_id, kind, version) REFERENCES receipt_certificate (receipt_id, kind, version),
    CONSTRAINT ck_certificate_withdrawal_reason CHECK (reason <> '')
)
-- next
CREATE TRIGGER certificate_withdrawal_no_update BEFORE UPDATE ON certificate_withdrawal BEGIN SELECT RAISE(ABORT, 'certificate_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER certificate_withdrawal_no_delete BEFORE DELETE ON certificate_withdrawal BEGIN SELECT RAISE(ABORT, 'certificate_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER settlement_no_update BEFORE UPDATE ON settlement BEGIN SELECT RAISE(ABORT, 'settlement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER settlement_no_delete BEFORE DELETE ON settlement BEGIN SELECT RAISE(ABORT, 'settlement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER debt_cancellation_no_update BEFORE UPDATE ON debt_cancellation BEGIN SELECT RAISE(ABORT, 'debt_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER debt_cancellation_no_delete BEFORE DELETE ON debt_cancellation BEGIN SELECT RAISE(ABORT, 'debt_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_update BEFORE UPDATE ON deposit_movement BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_delete BEFORE DELETE ON deposit_movement BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_cancellation_no_update BEFORE UPDATE ON deposit_cancellation BEGIN SELECT RAISE(ABORT, 'deposit_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_cancellation_no_delete BEFORE DELETE ON deposit_cancellation BEGIN SELECT RAISE(ABORT, 'deposit_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER certificate_withdrawal_no_replace_1 BEFORE INSERT ON certificate_withdrawal WHEN EXISTS (SELECT 1 FROM certificate_withdrawal WHERE receipt_id = NEW.receipt_id AND kind = NEW.kind AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'certificate_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER settlement_no_replace_1 BEFORE INSERT ON settlement WHEN EXISTS (SELECT 1 FROM settlement WHERE document_id = NEW.document_id AND act = NEW.act AND act_id = NEW.act_id AND rate = NEW.rate) BEGIN SELECT RAISE(ABORT, 'settlement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER debt_cancellation_no_replace_1 BEFORE INSERT ON debt_cancellation WHEN EXISTS (SELECT 1 FROM debt_cancellation WHERE debt_act_id = NEW.debt_act_id) BEGIN SELECT RAISE(ABORT, 'debt_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_replace_1 BEFORE INSERT ON deposit_movement WHEN EXISTS (SELECT 1 FROM deposit_movement WHERE deposit_id = NEW.deposit_id AND kind = NEW.kind AND reference = NEW.reference AND occurrence = NEW.occurrence) BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_replace_2 BEFORE INSERT ON deposit_movement WHEN EXISTS (SELECT 1 FROM deposit_movement WHERE deposit_id = NEW.deposit_id AND movement_no = NEW.movement_no) BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_cancellation_no_replace_1 BEFORE INSERT ON deposit_cancellation WHEN EXISTS (SELECT 1 FROM deposit_cancellation WHERE deposit_id = NEW.deposit_id AND movement_no = NEW.movement_no) BEGIN SELECT RAISE(ABORT, 'deposit_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
