CREATE TABLE cash_receipt (
    receipt_id INTEGER NOT NULL,
    year INTEGER NOT NULL,
    serial BIGINT NOT NULL,
    taken_on DATE NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    amount BIGINT NOT NULL,
    stamp_duty BIGINT NOT NULL,
    stamp_on_top INTEGER NOT NULL,
    content TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_cash_receipt PRIMARY KEY (receipt_id),
    CONSTRAINT uq_cash_receipt_year_serial UNIQUE (year, serial),
    CONSTRAINT fk_cash_receipt_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT ck_cash_receipt_amount CHECK (serial > 0 AND amount > 0 AND stamp_duty >= 0 AND stamp_on_top IN (0, 1))
)
-- next
CREATE TRIGGER cash_receipt_no_update BEFORE UPDATE ON cash_receipt BEGIN SELECT RAISE(ABORT, 'cash_receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cash_receipt_no_delete BEFORE DELETE ON cash_receipt BEGIN SELECT RAISE(ABORT, 'cash_receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cash_receipt_no_replace_1 BEFORE INSERT ON cash_receipt WHEN EXISTS (SELECT 1 FROM cash_receipt WHERE receipt_id = NEW.receipt_id) BEGIN SELECT RAISE(ABORT, 'cash_receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cash_receipt_no_replace_2 BEFORE INSERT ON cash_receipt WHEN EXISTS (SELECT 1 FROM cash_receipt WHERE year = NEW.year AND serial = NEW.serial) BEGIN SELECT RAISE(ABORT, 'cash_receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
