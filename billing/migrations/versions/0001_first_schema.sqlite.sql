CREATE TABLE account (
    code VARCHAR(16) NOT NULL,
    label TEXT NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (code)
)
-- next
CREATE TABLE entry (
    id INTEGER NOT NULL,
    reference VARCHAR(120) NOT NULL,
    journal VARCHAR(8) NOT NULL,
    effective_on DATE NOT NULL,
    recorded_at DATETIME NOT NULL,
    label TEXT NOT NULL,
    piece VARCHAR(120) NOT NULL,
    posting_count INTEGER NOT NULL,
    CONSTRAINT pk_entry PRIMARY KEY (id),
    CONSTRAINT ck_entry_posting_count CHECK (posting_count >= 2),
    CONSTRAINT uq_entry_reference UNIQUE (reference)
)
-- next
CREATE INDEX ix_entry_effective_on ON entry (effective_on, id)
-- next
CREATE TABLE posting (
    entry_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    account VARCHAR(16) NOT NULL,
    auxiliary VARCHAR(64),
    site VARCHAR(64),
    effective_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_posting PRIMARY KEY (entry_id, line_no),
    CONSTRAINT ck_posting_line_no CHECK (line_no >= 1)
)
 WITHOUT ROWID
-- next
CREATE INDEX ix_posting_auxiliary ON posting (auxiliary, account, effective_on, amount) WHERE auxiliary IS NOT NULL
-- next
CREATE TABLE entry_counter (
    id INTEGER NOT NULL,
    last BIGINT NOT NULL,
    newest INTEGER GENERATED ALWAYS AS (nullif(last, 0)) STORED,
    CONSTRAINT pk_entry_counter PRIMARY KEY (id),
    CONSTRAINT ck_entry_counter_single CHECK (id = 1),
    CONSTRAINT fk_entry_counter_newest FOREIGN KEY(newest) REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED
)
-- next
CREATE TABLE account_day (
    account VARCHAR(16) NOT NULL,
    day DATE NOT NULL,
    debit BIGINT NOT NULL,
    credit BIGINT NOT NULL,
    CONSTRAINT pk_account_day PRIMARY KEY (account, day),
    CONSTRAINT fk_account_day_account FOREIGN KEY(account) REFERENCES account (code)
)
 WITHOUT ROWID
-- next
CREATE TABLE number_series (
    series VARCHAR(8) NOT NULL,
    year INTEGER NOT NULL,
    last BIGINT NOT NULL,
    latest_issued_on DATE NOT NULL,
    CONSTRAINT pk_number_series PRIMARY KEY (series, year),
    CONSTRAINT ck_number_series_last CHECK (last >= 0)
)
-- next
CREATE TABLE party (
    digest VARCHAR(32) NOT NULL,
    content TEXT NOT NULL,
    CONSTRAINT pk_party PRIMARY KEY (digest)
)
-- next
CREATE TABLE document (
    id BIGINT NOT NULL,
    number VARCHAR(20) NOT NULL,
    kind VARCHAR(12) NOT NULL,
    period DATE NOT NULL,
    issued_on DATE NOT NULL,
    due_on DATE NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    seller VARCHAR(32) NOT NULL,
    buyer VARCHAR(32) NOT NULL,
    net BIGINT NOT NULL,
    tax BIGINT NOT NULL,
    gross BIGINT NOT NULL,
    advantage BIGINT NOT NULL,
    contribution BIGINT NOT NULL,
    discount_ends_on DATE,
    CONSTRAINT pk_document PRIMARY KEY (id),
    CONSTRAINT ck_document_kind CHECK (kind IN ('invoice', 'credit_note')),
    CONSTRAINT ck_document_gross CHECK (gross = net + tax),
    CONSTRAINT ck_document_due_on CHECK (due_on >= issued_on),
    CONSTRAINT uq_document_tenant_period_kind UNIQUE (tenant, period, kind),
    CONSTRAINT fk_document_seller FOREIGN KEY(seller) REFERENCES party (digest),
    CONSTRAINT fk_document_buyer FOREIGN KEY(buyer) REFERENCES party (digest),
    CONSTRAINT uq_document_number UNIQUE (number)
)
-- next
CREATE INDEX ix_document_period_number ON document (period, number)
-- next
CREATE TABLE document_line (
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    service VARCHAR(64) NOT NULL,
    service_label TEXT NOT NULL,
    unit_of_measure VARCHAR(16) NOT NULL,
    revenue_account VARCHAR(16) NOT NULL,
    site VARCHAR(64) NOT NULL,
    site_name TEXT NOT NULL,
    lease VARCHAR(64),
    office TEXT NOT NULL,
    month DATE NOT NULL,
    first_day DATE,
    last_day DATE,
    days INTEGER NOT NULL,
    days_in_month INTEGER NOT NULL,
    tier VARCHAR(12) NOT NULL,
    quantity BIGINT NOT NULL,
    full_price BIGINT NOT NULL,
    unit_price BIGINT NOT NULL,
    unit_cost BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    full_amount BIGINT NOT NULL,
    cost_amount BIGINT NOT NULL,
    vat_rate INTEGER NOT NULL,
    corrects_document_id BIGINT,
    corrects_line_no INTEGER,
    CONSTRAINT pk_document_line PRIMARY KEY (document_id, line_no),
    CONSTRAINT fk_document_line_document_id FOREIGN KEY(document_id) REFERENCES document (id),
    CONSTRAINT fk_document_line_corrects_document_id_corrects_line_no FOREIGN KEY(corrects_document_id, corrects_line_no) REFERENCES document_line (document_id, line_no),
    CONSTRAINT uq_document_line_corrects_document_id_corrects_line_no UNIQUE (corrects_document_id, corrects_line_no),
    CONSTRAINT ck_document_line_tier CHECK (tier IN ('subsidised', 'market')),
    CONSTRAINT ck_document_line_positive CHECK (amount >= 0 AND quantity > 0 AND unit_price >= 0)
)
-- next
CREATE TABLE document_vat (
    document_id BIGINT NOT NULL,
    rate INTEGER NOT NULL,
    base BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_document_vat PRIMARY KEY (document_id, rate),
    CONSTRAINT fk_document_vat_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
-- next
CREATE TABLE document_file (
    document_id BIGINT NOT NULL,
    path TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    size_bytes INTEGER NOT NULL,
    rendered_at DATETIME NOT NULL,
    CONSTRAINT pk_document_file PRIMARY KEY (document_id),
    CONSTRAINT fk_document_file_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
-- next
CREATE TABLE delivery (
    document_id BIGINT NOT NULL,
    state VARCHAR(8) NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at DATETIME,
    claimed_by VARCHAR(32),
    claimed_until DATETIME,
    handed_over_at DATETIME,
    sent_at DATETIME,
    recipient TEXT NOT NULL,
    last_error TEXT,
    CONSTRAINT pk_delivery PRIMARY KEY (document_id),
    CONSTRAINT ck_delivery_state CHECK (state IN ('queued', 'failed', 'sent')),
    CONSTRAINT fk_delivery_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
-- next
CREATE INDEX ix_delivery_state_next_attempt_at ON delivery (state, next_attempt_at)
-- next
CREATE TABLE delivery_attempt (
    document_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    attempted_at DATETIME NOT NULL,
    outcome VARCHAR(8) NOT NULL,
    detail TEXT NOT NULL,
    CONSTRAINT pk_delivery_attempt PRIMARY KEY (document_id, attempt),
    CONSTRAINT fk_delivery_attempt_document_id FOREIGN KEY(document_id) REFERENCES delivery (document_id)
)
-- next
CREATE TABLE site (
    code VARCHAR(64) NOT NULL,
    name TEXT NOT NULL,
    city TEXT NOT NULL,
    capacity INTEGER,
    opened_on DATE,
    CONSTRAINT pk_site PRIMARY KEY (code)
)
-- next
CREATE TABLE service (
    code VARCHAR(64) NOT NULL,
    label TEXT NOT NULL,
    unit VARCHAR(16) NOT NULL,
    billing VARCHAR(8) NOT NULL,
    revenue_account VARCHAR(16) NOT NULL,
    price_ceiling_incl_vat BIGINT,
    CONSTRAINT pk_service PRIMARY KEY (code),
    CONSTRAINT ck_service_billing CHECK (billing IN ('advance', 'arrears')),
    CONSTRAINT ck_service_unit CHECK (unit IN ('m2_month', 'each', 'hour'))
)
-- next
CREATE TABLE tenant (
    code VARCHAR(64) NOT NULL,
    legal_name TEXT NOT NULL,
    legal_form TEXT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    incorporated_on DATE,
    admitted_on DATE,
    ice VARCHAR(15) NOT NULL,
    tax_id TEXT NOT NULL,
    trade_register TEXT NOT NULL,
    address TEXT NOT NULL,
    city TEXT NOT NULL,
    email TEXT NOT NULL,
    language VARCHAR(2) NOT NULL,
    CONSTRAINT pk_tenant PRIMARY KEY (code),
    CONSTRAINT ck_tenant_kind CHECK (kind IN ('startup', 'sme', 'large', 'subsidiary')),
    CONSTRAINT ck_tenant_language CHECK (language IN ('fr', 'ar', 'en'))
)
-- next
CREATE TABLE usage_event (
    id INTEGER NOT NULL,
    event_id VARCHAR(64) NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    site VARCHAR(64) NOT NULL,
    service VARCHAR(64) NOT NULL,
    quantity BIGINT NOT NULL,
    occurred_on DATE NOT NULL,
    CONSTRAINT pk_usage_event PRIMARY KEY (id),
    CONSTRAINT ck_usage_event_quantity CHECK (quantity > 0),
    CONSTRAINT uq_usage_event_event_id UNIQUE (event_id)
)
-- next
CREATE INDEX ix_usage_event_tenant_id ON usage_event (tenant, id)
-- next
CREATE TABLE billing_run (
    period DATE NOT NULL,
    issued_on DATE NOT NULL,
    status VARCHAR(8) NOT NULL,
    attempt INTEGER NOT NULL,
    deliver INTEGER NOT NULL,
    started_at DATETIME NOT NULL,
    completed_at DATETIME,
    cross_subsidy TEXT,
    CONSTRAINT pk_billing_run PRIMARY KEY (period),
    CONSTRAINT ck_billing_run_status CHECK (status IN ('running', 'complete'))
)
-- next
CREATE TABLE usage_billing (
    usage_event_id INTEGER NOT NULL,
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    CONSTRAINT pk_usage_billing PRIMARY KEY (usage_event_id)
)
-- next
CREATE TABLE import_log (
    id INTEGER NOT NULL,
    imported_at DATETIME NOT NULL,
    source TEXT NOT NULL,
    summary TEXT NOT NULL,
    CONSTRAINT pk_import_log PRIMARY KEY (id)
)
-- next
CREATE TABLE api_token (
    name VARCHAR(64) NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    scope VARCHAR(16) NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME,
    revoked_at DATETIME,
    CONSTRAINT pk_api_token PRIMARY KEY (name),
    CONSTRAINT ck_api_token_scope CHECK (scope IN ('finance', 'auditor', 'admin')),
    CONSTRAINT uq_api_token_token_sha256 UNIQUE (token_sha256)
)
-- next
CREATE TABLE idempotency_key (
    token VARCHAR(64) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    request_sha256 VARCHAR(64) NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_idempotency_key PRIMARY KEY (token, "key")
)
-- next
CREATE TABLE vat_rate (
    service VARCHAR(64) NOT NULL,
    effective_from DATE NOT NULL,
    rate INTEGER NOT NULL,
    CONSTRAINT pk_vat_rate PRIMARY KEY (service, effective_from),
    CONSTRAINT ck_vat_rate_rate CHECK (rate >= 0),
    CONSTRAINT fk_vat_rate_service FOREIGN KEY(service) REFERENCES service (code)
)
-- next
CREATE TABLE rate (
    site VARCHAR(64) NOT NULL,
    service VARCHAR(64) NOT NULL,
    tenant_kind VARCHAR(16) NOT NULL,
    effective_from DATE NOT NULL,
    market BIGINT NOT NULL,
    subsidised VARCHAR(32) NOT NULL,
    subsidised_price BIGINT NOT NULL,
    full_cost BIGINT NOT NULL,
    source TEXT NOT NULL,
    CONSTRAINT pk_rate PRIMARY KEY (site, service, tenant_kind, effective_from),
    CONSTRAINT ck_rate_positive CHECK (market >= 0 AND full_cost >= 0),
    CONSTRAINT ck_rate_subsidised_price CHECK (subsidised_price BETWEEN 0 AND market),
    CONSTRAINT fk_rate_site FOREIGN KEY(site) REFERENCES site (code),
    CONSTRAINT fk_rate_service FOREIGN KEY(service) REFERENCES service (code)
)
-- next
CREATE TABLE lease (
    code VARCHAR(64) NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    site VARCHAR(64) NOT NULL,
    unit TEXT NOT NULL,
    area BIGINT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    CONSTRAINT pk_lease PRIMARY KEY (code),
    CONSTRAINT ck_lease_area CHECK (area > 0),
    CONSTRAINT ck_lease_ends_on CHECK (ends_on IS NULL OR ends_on >= starts_on),
    CONSTRAINT fk_lease_tenant FOREIGN KEY(tenant) REFERENCES tenant (code),
    CONSTRAINT fk_lease_site FOREIGN KEY(site) REFERENCES site (code)
)
-- next
CREATE INDEX ix_lease_site_unit ON lease (site, unit)
-- next
CREATE INDEX ix_lease_tenant ON lease (tenant)
-- next
CREATE TABLE subsidy_grant (
    code VARCHAR(64) NOT NULL,
    funder TEXT NOT NULL,
    site VARCHAR(64),
    amount BIGINT NOT NULL,
    granted_on DATE NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_subsidy_grant PRIMARY KEY (code),
    CONSTRAINT ck_subsidy_grant_amount CHECK (amount > 0),
    CONSTRAINT fk_subsidy_grant_site FOREIGN KEY(site) REFERENCES site (code)
)
-- next
CREATE TABLE run_batch (
    period DATE NOT NULL,
    attempt INTEGER NOT NULL,
    batch_no INTEGER NOT NULL,
    first_tenant VARCHAR(64) NOT NULL,
    last_tenant VARCHAR(64) NOT NULL,
    status VARCHAR(4) NOT NULL,
    CONSTRAINT pk_run_batch PRIMARY KEY (period, attempt, batch_no),
    CONSTRAINT ck_run_batch_status CHECK (status IN ('open', 'done')),
    CONSTRAINT fk_run_batch_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
CREATE TABLE run_outcome (
    period DATE NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    status VARCHAR(8) NOT NULL,
    message TEXT,
    invoice_id BIGINT,
    credit_note_id BIGINT,
    fingerprint VARCHAR(32),
    usage_watermark BIGINT NOT NULL,
    CONSTRAINT pk_run_outcome PRIMARY KEY (period, tenant),
    CONSTRAINT ck_run_outcome_status CHECK (status IN ('issued', 'nothing', 'error')),
    CONSTRAINT fk_run_outcome_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
CREATE TABLE run_position (
    period DATE NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    site VARCHAR(64) NOT NULL,
    contribution BIGINT NOT NULL,
    draw BIGINT NOT NULL,
    advantage BIGINT NOT NULL,
    CONSTRAINT pk_run_position PRIMARY KEY (period, tenant, site),
    CONSTRAINT fk_run_position_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'posting: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'posting: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER party_no_update BEFORE UPDATE ON party BEGIN SELECT RAISE(ABORT, 'party: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER party_no_delete BEFORE DELETE ON party BEGIN SELECT RAISE(ABORT, 'party: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_no_update BEFORE UPDATE ON document BEGIN SELECT RAISE(ABORT, 'document: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_no_delete BEFORE DELETE ON document BEGIN SELECT RAISE(ABORT, 'document: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_line_no_update BEFORE UPDATE ON document_line BEGIN SELECT RAISE(ABORT, 'document_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_line_no_delete BEFORE DELETE ON document_line BEGIN SELECT RAISE(ABORT, 'document_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_vat_no_update BEFORE UPDATE ON document_vat BEGIN SELECT RAISE(ABORT, 'document_vat: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_vat_no_delete BEFORE DELETE ON document_vat BEGIN SELECT RAISE(ABORT, 'document_vat: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_file_no_update BEFORE UPDATE ON document_file BEGIN SELECT RAISE(ABORT, 'document_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_file_no_delete BEFORE DELETE ON document_file BEGIN SELECT RAISE(ABORT, 'document_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER delivery_attempt_no_update BEFORE UPDATE ON delivery_attempt BEGIN SELECT RAISE(ABORT, 'delivery_attempt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER delivery_attempt_no_delete BEFORE DELETE ON delivery_attempt BEGIN SELECT RAISE(ABORT, 'delivery_attempt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_event_no_update BEFORE UPDATE ON usage_event BEGIN SELECT RAISE(ABORT, 'usage_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_event_no_delete BEFORE DELETE ON usage_event BEGIN SELECT RAISE(ABORT, 'usage_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER run_position_no_update BEFORE UPDATE ON run_position BEGIN SELECT RAISE(ABORT, 'run_position: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER run_position_no_delete BEFORE DELETE ON run_position BEGIN SELECT RAISE(ABORT, 'run_position: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_billing_no_update BEFORE UPDATE ON usage_billing BEGIN SELECT RAISE(ABORT, 'usage_billing: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_billing_no_delete BEFORE DELETE ON usage_billing BEGIN SELECT RAISE(ABORT, 'usage_billing: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER party_no_replace_1 BEFORE INSERT ON party WHEN EXISTS (SELECT 1 FROM party WHERE digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'party: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_no_replace_1 BEFORE INSERT ON document WHEN EXISTS (SELECT 1 FROM document WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'document: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_no_replace_2 BEFORE INSERT ON document WHEN EXISTS (SELECT 1 FROM document WHERE number = NEW.number) BEGIN SELECT RAISE(ABORT, 'document: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_no_replace_3 BEFORE INSERT ON document WHEN EXISTS (SELECT 1 FROM document WHERE tenant = NEW.tenant AND period = NEW.period AND kind = NEW.kind) BEGIN SELECT RAISE(ABORT, 'document: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_line_no_replace_1 BEFORE INSERT ON document_line WHEN EXISTS (SELECT 1 FROM document_line WHERE corrects_document_id = NEW.corrects_document_id AND corrects_line_no = NEW.corrects_line_no) BEGIN SELECT RAISE(ABORT, 'document_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_line_no_replace_2 BEFORE INSERT ON document_line WHEN EXISTS (SELECT 1 FROM document_line WHERE document_id = NEW.document_id AND line_no = NEW.line_no) BEGIN SELECT RAISE(ABORT, 'document_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_vat_no_replace_1 BEFORE INSERT ON document_vat WHEN EXISTS (SELECT 1 FROM document_vat WHERE document_id = NEW.document_id AND rate = NEW.rate) BEGIN SELECT RAISE(ABORT, 'document_vat: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER document_file_no_replace_1 BEFORE INSERT ON document_file WHEN EXISTS (SELECT 1 FROM document_file WHERE document_id = NEW.document_id) BEGIN SELECT RAISE(IGNORE); END
-- next
CREATE TRIGGER delivery_attempt_no_replace_1 BEFORE INSERT ON delivery_attempt WHEN EXISTS (SELECT 1 FROM delivery_attempt WHERE document_id = NEW.document_id AND attempt = NEW.attempt) BEGIN SELECT RAISE(ABORT, 'delivery_attempt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_event_no_replace_1 BEFORE INSERT ON usage_event WHEN EXISTS (SELECT 1 FROM usage_event WHERE event_id = NEW.event_id) BEGIN SELECT RAISE(ABORT, 'usage_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_event_no_replace_2 BEFORE INSERT ON usage_event WHEN EXISTS (SELECT 1 FROM usage_event WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'usage_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER run_position_no_replace_1 BEFORE INSERT ON run_position WHEN EXISTS (SELECT 1 FROM run_position WHERE period = NEW.period AND tenant = NEW.tenant AND site = NEW.site) BEGIN SELECT RAISE(ABORT, 'run_position: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_billing_no_replace_1 BEFORE INSERT ON usage_billing WHEN EXISTS (SELECT 1 FROM usage_billing WHERE usage_event_id = NEW.usage_event_id) BEGIN SELECT RAISE(ABORT, 'usage_billing: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER posting_unsealed AFTER INSERT ON posting WHEN NEW.entry_id <= (SELECT max(id) FROM entry) OR NEW.entry_id > (SELECT last FROM entry_counter) BEGIN SELECT RAISE(ABORT, 'posting: its entry is complete, or has no number from the counter (R22)'); END
-- next
CREATE TRIGGER entry_complete BEFORE INSERT ON entry WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM entry) OR EXISTS (SELECT 1 FROM entry WHERE reference = NEW.reference) OR (SELECT count(*) <> NEW.posting_count OR sum(amount) <> 0 OR sum(account >= '9') NOT IN (0, count(*)) OR max(effective_on <> NEW.effective_on OR line_no > NEW.posting_count) FROM posting WHERE entry_id = NEW.id) BEGIN SELECT RAISE(ABORT, 'entry: its number and reference must be new, its postings complete and balanced (R22)'); END
-- next
CREATE TRIGGER entry_counter_forward_only BEFORE UPDATE ON entry_counter WHEN NEW.last < (SELECT coalesce(max(id), 0) FROM entry) BEGIN SELECT RAISE(ABORT, 'entry_counter: numbers already given cannot be given again (R22)'); END
-- next
CREATE TRIGGER entry_counter_kept BEFORE DELETE ON entry_counter BEGIN SELECT RAISE(ABORT, 'entry_counter: numbers already given cannot be given again (R22)'); END
-- next
CREATE TRIGGER number_series_forward_only BEFORE UPDATE ON number_series WHEN NEW.last < OLD.last OR NEW.latest_issued_on < OLD.latest_issued_on BEGIN SELECT RAISE(ABORT, 'number_series: numbers given and issue dates never go back (R15)'); END
-- next
CREATE TRIGGER number_series_kept BEFORE DELETE ON number_series BEGIN SELECT RAISE(ABORT, 'number_series: numbers given and issue dates never go back (R15)'); END
-- next
CREATE TRIGGER delivery_forward_only BEFORE UPDATE ON delivery WHEN OLD.state = 'sent' OR NEW.state = 'queued' AND OLD.state = 'failed' OR NEW.attempts < OLD.attempts BEGIN SELECT RAISE(ABORT, 'delivery: states only move queued, failed, sent; attempts only grow'); END
-- next
CREATE TRIGGER delivery_kept BEFORE DELETE ON delivery BEGIN SELECT RAISE(ABORT, 'delivery: states only move queued, failed, sent; attempts only grow'); END
-- next
CREATE TRIGGER run_batch_forward_only BEFORE UPDATE ON run_batch WHEN OLD.status = 'done' BEGIN SELECT RAISE(ABORT, 'run_batch: a batch is done once'); END
-- next
CREATE TRIGGER run_batch_kept BEFORE DELETE ON run_batch BEGIN SELECT RAISE(ABORT, 'run_batch: a batch is done once'); END
