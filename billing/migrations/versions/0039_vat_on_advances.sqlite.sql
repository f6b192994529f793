CREATE TABLE advance_vat (
    id INTEGER NOT NULL,
    month DATE NOT NULL,
    receipt_id INTEGER NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    rate INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    vat BIGINT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_advance_vat PRIMARY KEY (id),
    CONSTRAINT ck_advance_vat_amount CHECK (rate > 0 AND (amount <> 0 OR vat <> 0)),
    CONSTRAINT fk_advance_vat_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id)
)
-- next
CREATE TRIGGER advance_vat_no_update BEFORE UPDATE ON advance_vat BEGIN SELECT RAISE(ABORT, 'advance_vat: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER advance_vat_no_delete BEFORE DELETE ON advance_vat BEGIN SELECT RAISE(ABORT, 'advance_vat: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER advance_vat_no_replace_1 BEFORE INSERT ON advance_vat WHEN EXISTS (SELECT 1 FROM advance_vat WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'advance_vat: rows of this table are never changed or deleted: correct by adding (R22)'); END
