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
    CONSTRAINT pk_receipt PRIMARY KEY (id),
    CONSTRAINT uq_receipt_means_reference_value_date UNIQUE (means, reference, value_date),
    CONSTRAINT ck_receipt_means CHECK (means IN ('transfer', 'cheque', 'cash', 'bill', 'card', 'deposit')),
    CONSTRAINT ck_receipt_amount CHECK (amount > 0 AND reference <> '')
)
-- next
CREATE INDEX ix_receipt_tenant ON receipt (tenant)
-- next
CREATE TABLE receipt_leg (
    receipt_id INTEGER NOT NULL,
    kind VARCHAR(20) NOT NULL,
    amount BIGINT NOT NULL,
    account VARCHAR(64) NOT NULL,
    CONSTRAINT pk_receipt_leg PRIMARY KEY (receipt_id, kind),
    CONSTRAINT fk_receipt_leg_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT ck_receipt_leg_kind CHECK (kind IN ('money', 'rent_withholding', 'vat_withholding', 'bank_charges')),
    CONSTRAINT ck_receipt_leg_amount CHECK (amount > 0)
)
-- next
CREATE TABLE receipt_certificate (
    receipt_id INTEGER NOT NULL,
    kind VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    number TEXT NOT NULL,
    certified_on DATE NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_receipt_certificate PRIMARY KEY (receipt_id, kind, version),
    CONSTRAINT fk_receipt_certificate_receipt_id_kind FOREIGN KEY(receipt_id, kind) REFERENCES receipt_leg (receipt_id, kind),
    CONSTRAINT ck_receipt_certificate_number CHECK (number <> '' AND version > 0)
)
-- next
CREATE TABLE receipt_event (
    receipt_id INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    happened_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    account VARCHAR(64) NOT NULL,
    reason TEXT,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_receipt_event PRIMARY KEY (receipt_id, kind),
    CONSTRAINT fk_receipt_event_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT ck_receipt_event_kind CHECK (kind IN ('cleared', 'bounced')),
    CONSTRAINT ck_receipt_event_reason CHECK (kind = 'cleared' OR reason IS NOT NULL)
)
-- next
CREATE TABLE placement (
    id INTEGER NOT NULL,
    receipt_id INTEGER NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    amount BIGINT NOT NULL,
    account VARCHAR(64) NOT NULL,
    placed_on DATE NOT NULL,
    in_receipt INTEGER NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_placement PRIMARY KEY (id),
    CONSTRAINT fk_placement_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT ck_placement_amount CHECK (amount > 0 AND in_receipt IN (0, 1))
)
-- next
CREATE INDEX ix_placement_receipt_id ON placement (receipt_id)
-- next
CREATE INDEX ix_placement_tenant ON placement (tenant)
-- next
CREATE TABLE placement_withdrawal (
    id INTEGER NOT NULL,
    placement_id INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    withdrawn_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_placement_withdrawal PRIMARY KEY (id),
    CONSTRAINT fk_placement_withdrawal_placement_id FOREIGN KEY(placement_id) REFERENCES placement (id),
    CONSTRAINT ck_placement_withdrawal_amount CHECK (amount > 0 AND reason <> '')
)
-- next
CREATE INDEX ix_placement_withdrawal_placement_id ON placement_withdrawal (placement_id)
-- next
CREATE TABLE allocation (
    id INTEGER NOT NULL,
    placement_id INTEGER,
    credit_note_id BIGINT,
    document_id BIGINT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    amount BIGINT NOT NULL,
    doubtful BIGINT NOT NULL,
    allocated_on DATE NOT NULL,
    how VARCHAR(10) NOT NULL,
    in_receipt INTEGER NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_allocation PRIMARY KEY (id),
    CONSTRAINT fk_allocation_placement_id FOREIGN KEY(placement_id) REFERENCES placement (id),
    CONSTRAINT fk_allocation_credit_note_id FOREIGN KEY(credit_note_id) REFERENCES document (id),
    CONSTRAINT fk_allocation_document_id FOREIGN KEY(document_id) REFERENCES document (id),
    CONSTRAINT ck_allocation_source CHECK ((placement_id IS NULL) <> (credit_note_id IS NULL)),
    CONSTRAINT ck_allocation_amount CHECK (amount > 0 AND doubtful BETWEEN 0 AND amount AND in_receipt IN (0, 1)),
    CONSTRAINT ck_allocation_how CHECK (how IN ('explicit', 'reference', 'oldest', 'credit', 'note'))
)
-- next
CREATE INDEX ix_allocation_credit_note_id ON allocation (credit_note_id)
-- next
CREATE INDEX ix_allocation_document_id ON allocation (document_id)
-- next
CREATE INDEX ix_allocation_placement_id ON allocation (placement_id)
-- next
CREATE TABLE allocation_undoing (
    allocation_id INTEGER NOT NULL,
    undone_on DATE NOT NULL,
    reason TEXT NOT NULL,
    in_return INTEGER NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_allocation_undoing PRIMARY KEY (allocation_id),
    CONSTRAINT fk_allocation_undoing_allocation_id FOREIGN KEY(allocation_id) REFERENCES allocation (id),
    CONSTRAINT ck_allocation_undoing_reason CHECK (reason <> '' AND in_return IN (0, 1))
)
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
    CONSTRAINT pk_refund PRIMARY KEY (id),
    CONSTRAINT fk_refund_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id),
    CONSTRAINT fk_refund_placement_id FOREIGN KEY(placement_id) REFERENCES placement (id),
    CONSTRAINT fk_refund_credit_note_id FOREIGN KEY(credit_note_id) REFERENCES document (id),
    CONSTRAINT uq_refund_means_reference_refunded_on UNIQUE (means, reference, refunded_on),
    CONSTRAINT ck_refund_means CHECK (means IN ('transfer', 'cash')),
    CONSTRAINT ck_refund_amount CHECK (amount > 0 AND reference <> '' AND reason <> ''),
    CONSTRAINT ck_refund_source CHECK ((receipt_id IS NULL AND placement_id IS NULL AND credit_note_id IS NOT NULL AND tenant IS NOT NULL) OR (receipt_id IS NOT NULL AND credit_note_id IS NULL AND (placement_id IS NULL) = (tenant IS NULL)))
)
-- next
CREATE INDEX ix_refund_credit_note_id ON refund (credit_note_id)
-- next
CREATE INDEX ix_refund_placement_id ON refund (placement_id)
-- next
CREATE INDEX ix_refund_receipt_id ON refund (receipt_id)
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
    CONSTRAINT pk_settlement PRIMARY KEY (document_id, act, act_id, rate),
    CONSTRAINT fk_settlement_document_id_rate FOREIGN KEY(document_id, rate) REFERENCES document_vat (document_id, rate),
    CONSTRAINT ck_settlement_act CHECK (act IN ('allocated', 'undone', 'cleared', 'issued', 'refunded', 'written_off', 'recovered'))
)
 WITHOUT ROWID
-- next
CREATE INDEX ix_settlement_settled_on ON settlement (settled_on)
-- next
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_leg_no_update BEFORE UPDATE ON receipt_leg BEGIN SELECT RAISE(ABORT, 'receipt_leg: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_leg_no_delete BEFORE DELETE ON receipt_leg BEGIN SELECT RAISE(ABORT, 'receipt_leg: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_certificate_no_update BEFORE UPDATE ON receipt_certificate BEGIN SELECT RAISE(ABORT, 'receipt_certificate: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_certificate_no_delete BEFORE DELETE ON receipt_certificate BEGIN SELECT RAISE(ABORT, 'receipt_certificate: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_event_no_update BEFORE UPDATE ON receipt_event BEGIN SELECT RAISE(ABORT, 'receipt_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_event_no_delete BEFORE DELETE ON receipt_event BEGIN SELECT RAISE(ABORT, 'receipt_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER placement_no_update BEFORE UPDATE ON placement BEGIN SELECT RAISE(ABORT, 'placement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER placement_no_delete BEFORE DELETE ON placement BEGIN SELECT RAISE(ABORT, 'placement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER placement_withdrawal_no_update BEFORE UPDATE ON placement_withdrawal BEGIN SELECT RAISE(ABORT, 'placement_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER placement_withdrawal_no_delete BEFORE DELETE ON placement_withdrawal BEGIN SELECT RAISE(ABORT, 'placement_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER allocation_no_update BEFORE UPDATE ON allocation BEGIN SELECT RAISE(ABORT, 'allocation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER allocation_no_delete BEFORE DELETE ON allocation BEGIN SELECT RAISE(ABORT, 'allocation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER allocation_undoing_no_update BEFORE UPDATE ON allocation_undoing BEGIN SELECT RAISE(ABORT, 'allocation_undoing: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER allocation_undoing_no_delete BEFORE DELETE ON allocation_undoing BEGIN SELECT RAISE(ABORT, 'allocation_undoing: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_update BEFORE UPDATE ON refund BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_delete BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER settlement_no_update BEFORE UPDATE ON settlement BEGIN SELECT RAISE(ABORT, 'settlement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER settlement_no_delete BEFORE DELETE ON settlement BEGIN SELECT RAISE(ABORT, 'settlement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_no_replace_1 BEFORE INSERT ON receipt WHEN EXISTS (SELECT 1 FROM receipt WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_no_replace_2 BEFORE INSERT ON receipt WHEN EXISTS (SELECT 1 FROM receipt WHERE means = NEW.means AND reference = NEW.reference AND value_date = NEW.value_date) BEGIN SELECT RAISE(ABORT, 'receipt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_leg_no_replace_1 BEFORE INSERT ON receipt_leg WHEN EXISTS (SELECT 1 FROM receipt_leg WHERE receipt_id = NEW.receipt_id AND kind = NEW.kind) BEGIN SELECT RAISE(ABORT, 'receipt_leg: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_certificate_no_replace_1 BEFORE INSERT ON receipt_certificate WHEN EXISTS (SELECT 1 FROM receipt_certificate WHERE receipt_id = NEW.receipt_id AND kind = NEW.kind AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'receipt_certificate: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER receipt_event_no_replace_1 BEFORE INSERT ON receipt_event WHEN EXISTS (SELECT 1 FROM receipt_event WHERE receipt_id = NEW.receipt_id AND kind = NEW.kind) BEGIN SELECT RAISE(ABORT, 'receipt_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER placement_no_replace_1 BEFORE INSERT ON placement WHEN EXISTS (SELECT 1 FROM placement WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'placement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER placement_withdrawal_no_replace_1 BEFORE INSERT ON placement_withdrawal WHEN EXISTS (SELECT 1 FROM placement_withdrawal WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'placement_withdrawal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER allocation_no_replace_1 BEFORE INSERT ON allocation WHEN EXISTS (SELECT 1 FROM allocation WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'allocation: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER allocation_undoing_no_replace_1 BEFORE INSERT ON allocation_undoing WHEN EXISTS (SELECT 1 FROM allocation_undoing WHERE allocation_id = NEW.allocation_id) BEGIN SELECT RAISE(ABORT, 'allocation_undoing: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_replace_1 BEFORE INSERT ON refund WHEN EXISTS (SELECT 1 FROM refund WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER refund_no_replace_2 BEFORE INSERT ON refund WHEN EXISTS (SELECT 1 FROM refund WHERE means = NEW.means AND reference = NEW.reference AND refunded_on = NEW.refunded_on) BEGIN SELECT RAISE(ABORT, 'refund: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER settlement_no_replace_1 BEFORE INSERT ON settlement WHEN EXISTS (SELECT 1 FROM settlement WHERE document_id = NEW.document_id AND act = NEW.act AND act_id = NEW.act_id AND rate = NEW.rate) BEGIN SELECT RAISE(ABORT, 'settlement: rows of this table are never changed or deleted: correct by adding (R22)'); END
