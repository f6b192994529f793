PRAGMA defer_foreign_keys = ON
-- next
CREATE TABLE receipt_before AS SELECT id, means, reference, value_date, tenant, site, amount, payer_text, asked, recorded_at FROM receipt
-- next
DROP TABLE receipt
-- next
CREATE TABLE receipt (
    id INTEGER NOT NULL,
    means VARCHAR(8) NOT NULL,
    reference TEXT NOT NULL,
    value_date DATE NOT NULL,
    tenant VARCHAR(64),
    site VARCHAR(64),
    amount BIGINT NOT NULL,
    payer_text TEXT NOT NULL,
    asked TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    occurrence INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_receipt PRIMARY KEY (id),
    CONSTRAINT uq_receipt_means_reference_value_date_occurrence UNIQUE (means, reference, value_date, occurrence),
    CONSTRAINT ck_receipt_means CHECK (means IN ('transfer', 'cheque', 'cash', 'bill', 'card', 'deposit')),
    CONSTRAINT ck_receipt_amount CHECK (amount > 0 AND reference <> '')
)
-- next
INSERT INTO receipt (id, means, reference, value_date, tenant, site, amount, payer_text, asked, recorded_at) SELECT id, means, reference, value_date, tenant, site, amount, payer_text, asked, recorded_at FROM receipt_before
-- next
DROP TABLE receipt_before
-- next
CREATE INDEX ix_receipt_tenant ON receipt (tenant)
-- next
CREATE TABLE refund_before AS SELECT id, means, reference, refunded_on, receipt_id, placement_id, credit_note_id, tenant, amount, account, reason, recorded_at FROM refund
-- next
DROP TABLE refund
-- next
CREATE TABLE refund (
    id INTEGER NOT NULL,
    means VARCHAR(8) NOT NULL,
    reference TEXT NOT NULL,
    refunded_on DATE NOT NULL,
    receipt_id INTEGER,
    placement_id INTEGER,
    credit_note_id BIGINT,
    tenant VARCHAR(64),
    amount BIGINT NOT NULL,
    account VARCHAR(64) NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    occurrence INTEGER DEFAULT '1' NOT NULL,
    CONSTRAINT pk_refund PRIMARY KEY (id),
    CONSTRAINT fk_refund_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT fk_refund_placement_id FOREIGN KEY(placement_id) REFERENCES placement (id),
    CONSTRAINT fk_refund_credit_note_id FOREIGN KEY(credit_note_id) REFERENCES document (id),
    CONSTRAINT uq_refund_means_reference_refunded_on_occurrence UNIQUE (means, reference, refunded_on, occurrence),
    CONSTRAINT ck_refund_means CHECK (means IN ('transfer', 'cash')),
    CONSTRAINT ck_refund_amount CHECK (amount > 0 AND reference <> '' AND reason <> ''),
    CONSTRAINT ck_refund_source CHECK ((receipt_id IS NULL AND placement_id IS NULL AND credit_note_id IS NOT NULL AND tenant IS NOT NULL) OR (receipt_id IS NOT NULL AND credit_note_id IS NULL AND (placement_id IS NULL) = (tenant IS NULL)))
)
-- next
INSERT INTO refund (id, means, reference, refunded_on, receipt_id, placement_id, credit_note_id, tenant, amount, account, reason, recorded_at) SELECT id, means, reference, refunded_on, receipt_id, placement_id, credit_note_id, tenant, amount, account, reason, recorded_at FROM refund_before
-- next
DROP TABLE refund_before
-- next
CREATE INDEX ix_refund_credit_note_id ON refund (credit_note_id)
-- next
CREATE INDEX ix_refund_placement_id ON refund (placement_id)
-- next
CREATE INDEX ix_refund_receipt_id ON refund (receipt_id)
-- next
CREATE TABLE receipt_cancellation (
    receipt_id INTEGER NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_receipt_cancellation PRIMARY KEY (receipt_id),
    CONSTRAINT fk_receipt_cancellation_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT ck_receipt_cancellation_reason CHECK (reason <> '')
)
-- next
CREATE TABLE refund_cancellation (
    refund_id INTEGER NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_refund_cancellation PRIMARY KEY (refund_id),
    CONSTRAINT fk_refund_cancellation_refund_id FOREIGN KEY(refund_id) REFERENCES refund (id),
    CONSTRAINT ck_refund_cancellation_reason CHECK (reason <> '')
)
-- next
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_cancellation_no_update BEFORE UPDATE ON receipt_cancellation BEGIN SELECT RAISE(ABORT, 'receipt_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_cancellation_no_delete BEFORE DELETE ON receipt_cancellation BEGIN SELECT RAISE(ABORT, 'receipt_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_update BEFORE UPDATE ON refund BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_delete BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_cancellation_no_update BEFORE UPDATE ON refund_cancellation BEGIN SELECT RAISE(ABORT, 'refund_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_cancellation_no_delete BEFORE DELETE ON refund_cancellation BEGIN SELECT RAISE(ABORT, 'refund_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_no_replace_1 BEFORE INSERT ON receipt WHEN EXISTS (SELECT 1 FROM receipt WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_no_replace_2 BEFORE INSERT ON receipt WHEN EXISTS (SELECT 1 FROM receipt WHERE means = NEW.means AND reference = NEW.reference AND value_date = NEW.value_date AND occurrence = NEW.occurrence) BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_cancellation_no_replace_1 BEFORE INSERT ON receipt_cancellation WHEN EXISTS (SELECT 1 FROM receipt_cancellation WHERE receipt_id = NEW.receipt_id) BEGIN SELECT RAISE(ABORT, 'receipt_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_replace_1 BEFORE INSERT ON refund WHEN EXISTS (SELECT 1 FROM refund WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_replace_2 BEFORE INSERT ON refund WHEN EXISTS (SELECT 1 FROM refund WHERE means = NEW.means AND reference = NEW.reference AND refunded_on = NEW.refunded_on AND occurrence = NEW.occurrence) BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_cancellation_no_replace_1 BEFORE INSERT ON refund_cancellation WHEN EXISTS (SELECT 1 FROM refund_cancellation WHERE refund_id = NEW.refund_id) BEGIN SELECT RAISE(ABORT, 'refund_cancellation: rows of this table are never changed or deleted: correct by adding (R22)'); END
