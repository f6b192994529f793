CREATE TABLE bank_statement (
    id BIGINT NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    place INTEGER NOT NULL,
    reference TEXT NOT NULL,
    file TEXT NOT NULL,
    opening BIGINT NOT NULL,
    closed_on DATE NOT NULL,
    closing BIGINT NOT NULL,
    line_count INTEGER NOT NULL,
    digest VARCHAR(32) NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_bank_statement PRIMARY KEY (id),
    CONSTRAINT uq_bank_statement_account_place UNIQUE (account, place),
    CONSTRAINT ck_bank_statement_place CHECK (place > 0 AND line_count >= 0),
    CONSTRAINT uq_bank_statement_digest UNIQUE (digest)
)
-- next
CREATE TABLE bank_line (
    statement_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    booked_on DATE NOT NULL,
    value_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    bank_reference TEXT NOT NULL,
    end_to_end_id TEXT NOT NULL,
    structured_reference TEXT NOT NULL,
    counterparty TEXT NOT NULL,
    counterparty_account TEXT NOT NULL,
    text TEXT NOT NULL,
    code TEXT NOT NULL,
    is_reversal INTEGER NOT NULL,
    fingerprint VARCHAR(32) NOT NULL,
    occurrence INTEGER NOT NULL,
    CONSTRAINT pk_bank_line PRIMARY KEY (statement_id, line_no),
    CONSTRAINT uq_bank_line_fingerprint_occurrence UNIQUE (fingerprint, occurrence),
    CONSTRAINT ck_bank_line_amount CHECK (amount <> 0 AND occurrence > 0 AND is_reversal IN (0, 1))
)
-- next
CREATE INDEX ix_bank_line_counterparty_account ON bank_line (counterparty_account) WHERE counterparty_account != ''
-- next
CREATE TABLE line_decision (
    statement_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    decision_no INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    confidence INTEGER,
    why TEXT NOT NULL,
    decided_on DATE NOT NULL,
    tenant VARCHAR(64) COLLATE "C",
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_line_decision PRIMARY KEY (statement_id, line_no, decision_no),
    CONSTRAINT ck_line_decision_kind CHECK (kind IN ('received', 'cleared', 'bounced', 'booked', 'recorded', 'undone')),
    CONSTRAINT ck_line_decision_why CHECK (decision_no > 0 AND why <> '' AND (confidence IS NULL OR confidence BETWEEN 0 AND 100))
)
-- next
CREATE TABLE line_entry (
    statement_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    decision_no INTEGER NOT NULL,
    entry VARCHAR(120) COLLATE "C" NOT NULL,
    receipt_id BIGINT,
    CONSTRAINT pk_line_entry PRIMARY KEY (statement_id, line_no, decision_no, entry)
)
-- next
CREATE INDEX ix_line_entry_entry ON line_entry (entry)
-- next
CREATE INDEX ix_posting_money ON posting (account, effective_on, entry_id, amount) WHERE account BETWEEN '5' AND '5Z'
-- next
CREATE TRIGGER bank_statement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_statement FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER bank_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER line_decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON line_decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER line_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON line_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION bank_line_statement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.statement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bank_statement p WHERE p.id = a.statement_id)) THEN RAISE EXCEPTION 'bank_line: a row refers to no row of bank_statement' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER bank_line_statement_id_exists AFTER INSERT ON bank_line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION bank_line_statement_id_exists()
-- next
CREATE FUNCTION line_decision_statement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.statement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bank_line p WHERE p.statement_id = a.statement_id AND p.line_no = a.line_no)) THEN RAISE EXCEPTION 'line_decision: a row refers to no row of bank_line' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER line_decision_statement_id_exists AFTER INSERT ON line_decision REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION line_decision_statement_id_exists()
-- next
CREATE FUNCTION line_entry_statement_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.statement_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM line_decision p WHERE p.statement_id = a.statement_id AND p.line_no = a.line_no AND p.decision_no = a.decision_no)) THEN RAISE EXCEPTION 'line_entry: a row refers to no row of line_decision' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER line_entry_statement_id_exists AFTER INSERT ON line_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION line_entry_statement_id_exists()
-- next
CREATE FUNCTION line_entry_receipt_id_exists() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM added a WHERE a.receipt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt p WHERE p.id = a.receipt_id)) THEN RAISE EXCEPTION 'line_entry: a row refers to no row of receipt' USING ERRCODE = 'foreign_key_violation'; END IF; RETURN NULL; END $$
-- next
CREATE TRIGGER line_entry_receipt_id_exists AFTER INSERT ON line_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION line_entry_receipt_id_exists()
