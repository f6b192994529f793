CREATE TABLE receipt (
    id BIGINT NOT NULL,
    means VARCHAR(8) NOT NULL,
    reference TEXT NOT NULL,
    value_date DATE NOT NULL,
    tenant VARCHAR(64) COLLATE "C",
    site VARCHAR(64) COLLATE "C",
    amount BIGINT NOT NULL,
    payer_text TEXT NOT NULL,
    asked TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_receipt PRIMARY KEY (id),
    CONSTRAINT uq_receipt_means_reference_value_date UNIQUE (means, reference, value_date),
    CONSTRAINT ck_receipt_means CHECK (means IN ('transfer', 'cheque', 'cash', 'bill', 'card', 'deposit')),
    CONSTRAINT ck_receipt_amount CHECK (amount > 0 AND reference <> '')
)
-- next
CREATE INDEX ix_receipt_tenant ON receipt (tenant)
-- next
CREATE TABLE receipt_leg (
    receipt_id BIGINT NOT NULL,
    kind VARCHAR(20) NOT NULL,
    amount BIGINT NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    CONSTRAINT pk_receipt_leg PRIMARY KEY (receipt_id, kind),
    CONSTRAINT ck_receipt_leg_kind CHECK (kind IN ('money', 'rent_withholding', 'vat_withholding', 'bank_charges')),
    CONSTRAINT ck_receipt_leg_amount CHECK (amount > 0)
)
-- next
CREATE TABLE receipt_certificate (
    receipt_id BIGINT NOT NULL,
    kind VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    number TEXT NOT NULL,
    certified_on DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_receipt_certificate PRIMARY KEY (receipt_id, kind, version),
    CONSTRAINT ck_receipt_certificate_number CHECK (number <> '' AND version > 0)
)
-- next
CREATE TABLE receipt_event (
    receipt_id BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    happened_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    reason TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_receipt_event PRIMARY KEY (receipt_id, kind),
    CONSTRAINT ck_receipt_event_kind CHECK (kind IN ('cleared', 'bounced')),
    CONSTRAINT ck_receipt_event_reason CHECK (kind = 'cleared' OR reason IS NOT NULL)
)
-- next
CREATE TABLE placement (
    id BIGINT NOT NULL,
    receipt_id BIGINT NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    placed_on DATE NOT NULL,
    in_receipt INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_placement PRIMARY KEY (id),
    CONSTRAINT ck_placement_amount CHECK (amount > 0 AND in_receipt IN (0, 1))
)
-- next
CREATE INDEX ix_placement_receipt_id ON placement (receipt_id)
-- next
CREATE INDEX ix_placement_tenant ON placement (tenant)
-- next
CREATE TABLE placement_withdrawal (
    id BIGINT NOT NULL,
    placement_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    withdrawn_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_placement_withdrawal PRIMARY KEY (id),
    CONSTRAINT ck_placement_withdrawal_amount CHECK (amount > 0 AND reason <> '')
)
-- next
CREATE INDEX ix_placement_withdrawal_placement_id ON placement_withdrawal (placement_id)
-- next
CREATE TABLE allocation (
    id BIGINT NOT NULL,
    placement_id BIGINT,
    credit_note_id BIGINT,
    document_id BIGINT NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    doubtful BIGINT NOT NULL,
    allocated_on DATE NOT NULL,
    how VARCHAR(10) NOT NULL,
    in_receipt INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_allocation PRIMARY KEY (id),
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
    allocation_id BIGINT NOT NULL,
    undone_on DATE NOT NULL,
    reason TEXT NOT NULL,
    in_return INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_allocation_undoing PRIMARY KEY (allocation_id),
    CONSTRAINT ck_allocation_undoing_reason CHECK (reason <> '' AND in_return IN (0, 1))
)
-- next
CREATE TABLE refund (
    id BIGINT NOT NULL,
    means VARCHAR(8) NOT NULL,
    reference TEXT NOT NULL,
    refunded_on DATE NOT NULL,
    receipt_id BIGINT,
    placement_id BIGINT,
    credit_note_id BIGINT,
    tenant VARCHAR(64) COLLATE "C",
    amount BIGINT NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_refund PRIMARY KEY (id),
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
    CONSTRAINT ck_settlement_act CHECK (act IN ('allocated', 'undone', 'cleared', 'issued', 'refunded', 'written_off', 'recovered'))
)
-- next
CREATE INDEX ix_settlement_settled_on ON settlement (settled_on)
-- next
CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER receipt_leg_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_leg FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER receipt_certificate_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_certificate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER receipt_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER placement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON placement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER placement_withdrawal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON placement_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER allocation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER allocation_undoing_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation_undoing FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER refund_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER settlement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON settlement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION receipt_leg_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'receipt_leg: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER receipt_leg_receipt_id_exists AFTER INSERT ON receipt_leg REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION receipt_leg_receipt_id_exists()
-- next
CREATE FUNCTION receipt_certificate_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt_leg p WHERE p.receipt_id = a.receipt_id AND p.kind = a.kind)) THEN RAISE EXCEPTION 'receipt_certificate: a row refers to no row of receipt_leg' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER receipt_certificate_receipt_id_exists AFTER INSERT ON receipt_certificate REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION receipt_certificate_receipt_id_exists()
-- next
CREATE FUNCTION receipt_event_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'receipt_event: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER receipt_event_receipt_id_exists AFTER INSERT ON receipt_event REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION receipt_event_receipt_id_exists()
-- next
CREATE FUNCTION placement_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'placement: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER placement_receipt_id_exists AFTER INSERT ON placement REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION placement_receipt_id_exists()
-- next
CREATE FUNCTION placement_withdrawal_placement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.placement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.id = a.placement_id)) THEN RAISE EXCEPTION 'placement_withdrawal: a row refers to no row of placement' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER placement_withdrawal_placement_id_exists AFTER INSERT ON placement_withdrawal REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION placement_withdrawal_placement_id_exists()
-- next
CREATE FUNCTION allocation_placement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.placement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.id = a.placement_id)) THEN RAISE EXCEPTION 'allocation: a row refers to no row of placement' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER allocation_placement_id_exists AFTER INSERT ON allocation REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION allocation_placement_id_exists()
-- next
CREATE FUNCTION allocation_credit_note_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.credit_note_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.credit_note_id)) THEN RAISE EXCEPTION 'allocation: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER allocation_credit_note_id_exists AFTER INSERT ON allocation REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION allocation_credit_note_id_exists()
-- next
CREATE FUNCTION allocation_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.document_id)) THEN RAISE EXCEPTION 'allocation: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER allocation_document_id_exists AFTER INSERT ON allocation REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION allocation_document_id_exists()
-- next
CREATE FUNCTION allocation_undoing_allocation_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.allocation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM allocation p WHERE p.id = a.allocation_id)) THEN RAISE EXCEPTION 'allocation_undoing: a row refers to no row of allocation' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER allocation_undoing_allocation_id_exists AFTER INSERT ON allocation_undoing REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION allocation_undoing_allocation_id_exists()
-- next
CREATE FUNCTION refund_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'refund: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER refund_receipt_id_exists AFTER INSERT ON refund REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_receipt_id_exists()
-- next
CREATE FUNCTION refund_placement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.placement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.id = a.placement_id)) THEN RAISE EXCEPTION 'refund: a row refers to no row of placement' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER refund_placement_id_exists AFTER INSERT ON refund REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_placement_id_exists()
-- next
CREATE FUNCTION refund_credit_note_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.credit_note_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.credit_note_id)) THEN RAISE EXCEPTION 'refund: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER refund_credit_note_id_exists AFTER INSERT ON refund REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_credit_note_id_exists()
-- next
CREATE FUNCTION settlement_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document_vat p WHERE p.document_id = a.document_id AND p.rate = a.rate)) THEN RAISE EXCEPTION 'settlement: a row refers to no row of document_vat' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER settlement_document_id_exists AFTER INSERT ON settlement REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION settlement_document_id_exists()
