CREATE TABLE account (
    code VARCHAR(16) COLLATE "C" NOT NULL,
    label TEXT NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (code)
)
-- next
CREATE TABLE entry (
    id BIGINT NOT NULL,
    reference VARCHAR(120) COLLATE "C" NOT NULL,
    journal VARCHAR(8) NOT NULL,
    effective_on DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
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
    account VARCHAR(16) COLLATE "C" NOT NULL,
    auxiliary VARCHAR(64) COLLATE "C",
    site VARCHAR(64) COLLATE "C",
    effective_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_posting PRIMARY KEY (entry_id, line_no),
    CONSTRAINT ck_posting_line_no CHECK (line_no >= 1)
)
-- next
CREATE INDEX ix_posting_auxiliary ON posting (auxiliary, account, effective_on, amount) WHERE auxiliary IS NOT NULL
-- next
CREATE TABLE entry_counter (
    id INTEGER NOT NULL,
    last BIGINT NOT NULL,
    newest BIGINT GENERATED ALWAYS AS (nullif(last, 0)) STORED,
    CONSTRAINT pk_entry_counter PRIMARY KEY (id),
    CONSTRAINT ck_entry_counter_single CHECK (id = 1),
    CONSTRAINT fk_entry_counter_newest FOREIGN KEY(newest) REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED
)
-- next
CREATE TABLE account_day (
    account VARCHAR(16) COLLATE "C" NOT NULL,
    day DATE NOT NULL,
    debit BIGINT NOT NULL,
    credit BIGINT NOT NULL,
    CONSTRAINT pk_account_day PRIMARY KEY (account, day),
    CONSTRAINT fk_account_day_account FOREIGN KEY(account) REFERENCES account (code)
)
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
    CONSTRAINT pk_document_vat PRIMARY KEY (document_id, rate)
)
-- next
CREATE TABLE document_file (
    document_id BIGINT NOT NULL,
    path TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    size_bytes INTEGER NOT NULL,
    rendered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_document_file PRIMARY KEY (document_id),
    CONSTRAINT fk_document_file_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
-- next
CREATE TABLE delivery (
    document_id BIGINT NOT NULL,
    state VARCHAR(8) NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    claimed_by VARCHAR(32),
    claimed_until TIMESTAMP WITH TIME ZONE,
    handed_over_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    recipient TEXT NOT NULL,
    last_error TEXT,
    CONSTRAINT pk_delivery PRIMARY KEY (document_id),
    CONSTRAINT ck_delivery_state CHECK (state IN ('queued', 'failed', 'sent'))
)
-- next
CREATE INDEX ix_delivery_state_next_attempt_at ON delivery (state, next_attempt_at)
-- next
CREATE TABLE delivery_attempt (
    document_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    attempted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome VARCHAR(8) NOT NULL,
    detail TEXT NOT NULL,
    CONSTRAINT pk_delivery_attempt PRIMARY KEY (document_id, attempt),
    CONSTRAINT fk_delivery_attempt_document_id FOREIGN KEY(document_id) REFERENCES delivery (document_id)
)
-- next
CREATE TABLE site (
    code VARCHAR(64) COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    city TEXT NOT NULL,
    capacity INTEGER,
    opened_on DATE,
    CONSTRAINT pk_site PRIMARY KEY (code)
)
-- next
CREATE TABLE service (
    code VARCHAR(64) COLLATE "C" NOT NULL,
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
    code VARCHAR(64) COLLATE "C" NOT NULL,
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
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    event_id VARCHAR(64) COLLATE "C" NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    site VARCHAR(64) COLLATE "C" NOT NULL,
    service VARCHAR(64) COLLATE "C" NOT NULL,
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
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    cross_subsidy TEXT,
    CONSTRAINT pk_billing_run PRIMARY KEY (period),
    CONSTRAINT ck_billing_run_status CHECK (status IN ('running', 'complete'))
)
-- next
CREATE TABLE usage_billing (
    usage_event_id BIGINT NOT NULL,
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    CONSTRAINT pk_usage_billing PRIMARY KEY (usage_event_id)
)
-- next
CREATE TABLE import_log (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    imported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT NOT NULL,
    summary TEXT NOT NULL,
    CONSTRAINT pk_import_log PRIMARY KEY (id)
)
-- next
CREATE TABLE api_token (
    name VARCHAR(64) NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    scope VARCHAR(16) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_api_token PRIMARY KEY (name),
    CONSTRAINT ck_api_token_scope CHECK (scope IN ('finance', 'auditor', 'admin')),
    CONSTRAINT uq_api_token_token_sha256 UNIQUE (token_sha256)
)
-- next
CREATE TABLE idempotency_key (
    token VARCHAR(64) NOT NULL,
    key VARCHAR(255) NOT NULL,
    request_sha256 VARCHAR(64) NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_key PRIMARY KEY (token, key)
)
-- next
CREATE TABLE vat_rate (
    service VARCHAR(64) COLLATE "C" NOT NULL,
    effective_from DATE NOT NULL,
    rate INTEGER NOT NULL,
    CONSTRAINT pk_vat_rate PRIMARY KEY (service, effective_from),
    CONSTRAINT ck_vat_rate_rate CHECK (rate >= 0),
    CONSTRAINT fk_vat_rate_service FOREIGN KEY(service) REFERENCES service (code)
)
-- next
CREATE TABLE rate (
    site VARCHAR(64) COLLATE "C" NOT NULL,
    service VARCHAR(64) COLLATE "C" NOT NULL,
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
    code VARCHAR(64) COLLATE "C" NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    site VARCHAR(64) COLLATE "C" NOT NULL,
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
    code VARCHAR(64) COLLATE "C" NOT NULL,
    funder TEXT NOT NULL,
    site VARCHAR(64) COLLATE "C",
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
    first_tenant VARCHAR(64) COLLATE "C" NOT NULL,
    last_tenant VARCHAR(64) COLLATE "C" NOT NULL,
    status VARCHAR(4) NOT NULL,
    CONSTRAINT pk_run_batch PRIMARY KEY (period, attempt, batch_no),
    CONSTRAINT ck_run_batch_status CHECK (status IN ('open', 'done')),
    CONSTRAINT fk_run_batch_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
CREATE TABLE run_outcome (
    period DATE NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    status VARCHAR(8) NOT NULL,
    message TEXT,
    invoice_id BIGINT,
    credit_note_id BIGINT,
    fingerprint VARCHAR(32),
    usage_watermark BIGINT NOT NULL,
    CONSTRAINT pk_run_outcome PRIMARY KEY (period, tenant),
    CONSTRAINT ck_run_outcome_status CHECK (status IN ('issued', 'nothing', 'error'))
)
-- next
CREATE TABLE run_position (
    period DATE NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    site VARCHAR(64) COLLATE "C" NOT NULL,
    contribution BIGINT NOT NULL,
    draw BIGINT NOT NULL,
    advantage BIGINT NOT NULL,
    CONSTRAINT pk_run_position PRIMARY KEY (period, tenant, site)
)
-- next
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%: rows of this table are never changed or deleted: correct by adding (R22)', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
-- next
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER party_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON party FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER document_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER document_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER document_vat_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_vat FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER document_file_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_file FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER delivery_attempt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON delivery_attempt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER usage_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER run_position_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_position FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER usage_billing_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_billing FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE low bigint; high bigint;
            BEGIN
                SELECT min(entry_id), max(entry_id) INTO low, high FROM added;
                IF low <= (SELECT max(id) FROM entry) THEN
                    RAISE EXCEPTION 'posting: entry % is complete, nothing can be added to it (R22)', low
                    USING ERRCODE = 'integrity_constraint_violation';
                ELSIF high > (SELECT last FROM entry_counter) THEN
                    RAISE EXCEPTION 'posting: entry % has no number from the counter (R22)', high
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
-- next
CREATE TRIGGER posting_unsealed AFTER INSERT ON posting REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_postings()
-- next
CREATE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE low bigint; high bigint; number bigint; wrong bigint;
            BEGIN
                SELECT min(id), max(id), count(*) INTO low, high, number FROM added;
                IF high - low + 1 <> number OR low <> coalesce((SELECT max(id) FROM entry WHERE id < low), 0) + 1 THEN
                    RAISE EXCEPTION 'entry: numbers follow each other without gap, % does not (R22)', low
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                SELECT min(coalesce(e.id, p.entry_id)) INTO wrong
                FROM added e
                FULL JOIN (SELECT entry_id, effective_on, count(*) AS n, sum(amount) AS total, max(line_no) AS last,
                                  count(*) FILTER (WHERE account >= '9') AS analytic
                           FROM posting WHERE entry_id BETWEEN low AND high GROUP BY entry_id, effective_on) p
                ON p.entry_id = e.id AND p.effective_on = e.effective_on
                WHERE p.n IS DISTINCT FROM e.posting_count::bigint OR p.total <> 0 OR p.last <> p.n
                   OR p.analytic NOT IN (0, p.n);
                IF wrong IS NOT NULL THEN
                    RAISE EXCEPTION 'entry %: its postings must be complete and balanced (R22)', wrong
                    USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$
-- next
CREATE TRIGGER entry_complete AFTER INSERT ON entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_entries()
-- next
CREATE FUNCTION check_counter() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF NEW.last >= coalesce((SELECT max(id) FROM entry), 0) THEN
                        RETURN NEW;
                    END IF;
                END IF;
                RAISE EXCEPTION 'entry_counter: numbers already given cannot be given again (R22)'
                USING ERRCODE = 'integrity_constraint_violation';
            END $$
-- next
CREATE TRIGGER entry_counter_forward_only BEFORE UPDATE ON entry_counter FOR EACH ROW EXECUTE FUNCTION check_counter()
-- next
CREATE TRIGGER entry_counter_kept BEFORE DELETE OR TRUNCATE ON entry_counter FOR EACH STATEMENT EXECUTE FUNCTION check_counter()
-- next
CREATE FUNCTION number_series_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'number_series: numbers given and issue dates never go back (R15)' USING ERRCODE = 'integrity_constraint_violation'; END $$
-- next
CREATE TRIGGER number_series_forward_only BEFORE UPDATE ON number_series FOR EACH ROW WHEN (NEW.last < OLD.last OR NEW.latest_issued_on < OLD.latest_issued_on) EXECUTE FUNCTION number_series_back()
-- next
CREATE TRIGGER number_series_kept BEFORE DELETE OR TRUNCATE ON number_series FOR EACH STATEMENT EXECUTE FUNCTION number_series_back()
-- next
CREATE FUNCTION delivery_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'delivery: states only move queued, failed, sent; attempts only grow' USING ERRCODE = 'integrity_constraint_violation'; END $$
-- next
CREATE TRIGGER delivery_forward_only BEFORE UPDATE ON delivery FOR EACH ROW WHEN (OLD.state = 'sent' OR NEW.state = 'queued' AND OLD.state = 'failed' OR NEW.attempts < OLD.attempts) EXECUTE FUNCTION delivery_back()
-- next
CREATE TRIGGER delivery_kept BEFORE DELETE OR TRUNCATE ON delivery FOR EACH STATEMENT EXECUTE FUNCTION delivery_back()
-- next
CREATE FUNCTION run_batch_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run_batch: a batch is done once' USING ERRCODE = 'integrity_constraint_violation'; END $$
-- next
CREATE TRIGGER run_batch_forward_only BEFORE UPDATE ON run_batch FOR EACH ROW WHEN (OLD.status = 'done') EXECUTE FUNCTION run_batch_back()
-- next
CREATE TRIGGER run_batch_kept BEFORE DELETE OR TRUNCATE ON run_batch FOR EACH STATEMENT EXECUTE FUNCTION run_batch_back()
-- next
CREATE FUNCTION document_seller_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.seller IS NOT NULL AND NOT EXISTS (SELECT 1 FROM party p WHERE p.digest = a.seller)) THEN RAISE EXCEPTION 'document: a row refers to no row of party' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER document_seller_exists AFTER INSERT ON document REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION document_seller_exists()
-- next
CREATE FUNCTION document_buyer_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.buyer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM party p WHERE p.digest = a.buyer)) THEN RAISE EXCEPTION 'document: a row refers to no row of party' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER document_buyer_exists AFTER INSERT ON document REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION document_buyer_exists()
-- next
CREATE FUNCTION document_line_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.document_id)) THEN RAISE EXCEPTION 'document_line: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER document_line_document_id_exists AFTER INSERT ON document_line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION document_line_document_id_exists()
-- next
CREATE FUNCTION document_line_corrects_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.corrects_document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document_line p WHERE p.document_id = a.corrects_document_id AND p.line_no = a.corrects_line_no)) THEN RAISE EXCEPTION 'document_line: a row refers to no row of document_line' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER document_line_corrects_document_id_exists AFTER INSERT ON document_line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION document_line_corrects_document_id_exists()
-- next
CREATE FUNCTION document_vat_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.document_id)) THEN RAISE EXCEPTION 'document_vat: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER document_vat_document_id_exists AFTER INSERT ON document_vat REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION document_vat_document_id_exists()
-- next
CREATE FUNCTION delivery_document_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.document_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document p WHERE p.id = a.document_id)) THEN RAISE EXCEPTION 'delivery: a row refers to no row of document' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER delivery_document_id_exists AFTER INSERT ON delivery REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION delivery_document_id_exists()
-- next
CREATE FUNCTION run_outcome_period_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.period IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_run p WHERE p.period = a.period)) THEN RAISE EXCEPTION 'run_outcome: a row refers to no row of billing_run' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER run_outcome_period_exists AFTER INSERT ON run_outcome REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION run_outcome_period_exists()
-- next
CREATE FUNCTION run_position_period_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.period IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_run p WHERE p.period = a.period)) THEN RAISE EXCEPTION 'run_position: a row refers to no row of billing_run' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER run_position_period_exists AFTER INSERT ON run_position REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION run_position_period_exists()
