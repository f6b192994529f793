CREATE TABLE deposit (
    id INTEGER NOT NULL,
    lease VARCHAR(64) NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    site VARCHAR(64) NOT NULL,
    site_name TEXT NOT NULL,
    office TEXT NOT NULL,
    months INTEGER NOT NULL,
    monthly_rent BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    asked_on DATE NOT NULL,
    due_on DATE NOT NULL,
    seller TEXT NOT NULL,
    buyer TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_deposit PRIMARY KEY (id),
    CONSTRAINT ck_deposit_amount CHECK (months > 0 AND monthly_rent > 0 AND amount = months * monthly_rent),
    CONSTRAINT ck_deposit_due_on CHECK (due_on >= asked_on),
    CONSTRAINT uq_deposit_lease UNIQUE (lease),
    CONSTRAINT fk_deposit_lease FOREIGN KEY(lease) REFERENCES lease (code)
)
-- next
CREATE INDEX ix_deposit_tenant ON deposit (tenant)
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
    CONSTRAINT pk_deposit_movement PRIMARY KEY (deposit_id, movement_no),
    CONSTRAINT uq_deposit_movement_deposit_id_kind_reference UNIQUE (deposit_id, kind, reference),
    CONSTRAINT ck_deposit_movement_kind CHECK (kind IN ('received', 'returned')),
    CONSTRAINT ck_deposit_movement_amount CHECK (amount > 0),
    CONSTRAINT ck_deposit_movement_reason CHECK (kind = 'received' OR reason IS NOT NULL),
    CONSTRAINT fk_deposit_movement_deposit_id FOREIGN KEY(deposit_id) REFERENCES deposit (id)
)
-- next
CREATE TRIGGER deposit_no_update BEFORE UPDATE ON deposit BEGIN SELECT RAISE(ABORT, 'deposit: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_no_delete BEFORE DELETE ON deposit BEGIN SELECT RAISE(ABORT, 'deposit: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_update BEFORE UPDATE ON deposit_movement BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_delete BEFORE DELETE ON deposit_movement BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_no_replace_1 BEFORE INSERT ON deposit WHEN EXISTS (SELECT 1 FROM deposit WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'deposit: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_no_replace_2 BEFORE INSERT ON deposit WHEN EXISTS (SELECT 1 FROM deposit WHERE lease = NEW.lease) BEGIN SELECT RAISE(ABORT, 'deposit: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_replace_1 BEFORE INSERT ON deposit_movement WHEN EXISTS (SELECT 1 FROM deposit_movement WHERE deposit_id = NEW.deposit_id AND kind = NEW.kind AND reference = NEW.reference) BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER deposit_movement_no_replace_2 BEFORE INSERT ON deposit_movement WHEN EXISTS (SELECT 1 FROM deposit_movement WHERE deposit_id = NEW.deposit_id AND movement_no = NEW.movement_no) BEGIN SELECT RAISE(ABORT, 'deposit_movement: rows of this table are never changed or deleted: correct by adding (R22)'); END
