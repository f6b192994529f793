CREATE TABLE bank_statement (
    id INTEGER NOT NULL,
    account VARCHAR(64) NOT NULL,
    place INTEGER NOT NULL,
    reference TEXT NOT NULL,
    file TEXT NOT NULL,
    opening BIGINT NOT NULL,
    closed_on DATE NOT NULL,
    closing BIGINT NOT NULL,
    line_count INTEGER NOT NULL,
    digest VARCHAR(32) NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_bank_statement PRIMARY KEY (id),
    CONSTRAINT uq_bank_statement_account_place UNIQUE (account, place),
    CONSTRAINT ck_bank_statement_place CHECK (place > 0 AND line_count >= 0),
    CONSTRAINT uq_bank_statement_digest UNIQUE (digest)
)
-- next
CREATE TABLE bank_line (
    statement_id INTEGER NOT NULL,
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
    CONSTRAINT fk_bank_line_statement_id FOREIGN KEY(statement_id) REFERENCES bank_statement (id),
    CONSTRAINT uq_bank_line_fingerprint_occurrence UNIQUE (fingerprint, occurrence),
    CONSTRAINT ck_bank_line_amount CHECK (amount <> 0 AND occurrence > 0 AND is_reversal IN (0, 1))
)
-- next
CREATE INDEX ix_bank_line_counterparty_account ON bank_line (counterparty_account) WHERE counterparty_account != ''
-- next
CREATE TABLE line_decision (
    statement_id INTEGER NOT NULL,
    line_no INTEGER NOT NULL,
    decision_no INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    confidence INTEGER,
    why TEXT NOT NULL,
    decided_on DATE NOT NULL,
    tenant VARCHAR(64),
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_line_decision PRIMARY KEY (statement_id, line_no, decision_no),
    CONSTRAINT fk_line_decision_statement_id_line_no FOREIGN KEY(statement_id, line_no) REFERENCES bank_line (statement_id, line_no),
    CONSTRAINT ck_line_decision_kind CHECK (kind IN ('received', 'cleared', 'bounced', 'booked', 'recorded', 'undone')),
    CONSTRAINT ck_line_decision_why CHECK (decision_no > 0 AND why <> '' AND (confidence IS NULL OR confidence BETWEEN 0 AND 100))
)
-- next
CREATE TABLE line_entry (
    statement_id INTEGER NOT NULL,
    line_no INTEGER NOT NULL,
    decision_no INTEGER NOT NULL,
    entry VARCHAR(120) NOT NULL,
    receipt_id INTEGER,
    CONSTRAINT pk_line_entry PRIMARY KEY (statement_id, line_no, decision_no, entry),
    CONSTRAINT fk_line_entry_statement_id_line_no_decision_no FOREIGN KEY(statement_id, line_no, decision_no) REFERENCES line_decision (statement_id, line_no, decision_no),
    CONSTRAINT fk_line_entry_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id)
)
-- next
CREATE INDEX ix_line_entry_entry ON line_entry (entry)
-- next
CREATE INDEX ix_posting_money ON posting (account, effective_on, entry_id, amount) WHERE account BETWEEN '5' AND '5Z'
-- next
CREATE TRIGGER bank_statement_no_update BEFORE UPDATE ON bank_statement BEGIN SELECT RAISE(ABORT, 'bank_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_statement_no_delete BEFORE DELETE ON bank_statement BEGIN SELECT RAISE(ABORT, 'bank_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_line_no_update BEFORE UPDATE ON bank_line BEGIN SELECT RAISE(ABORT, 'bank_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_line_no_delete BEFORE DELETE ON bank_line BEGIN SELECT RAISE(ABORT, 'bank_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER line_decision_no_update BEFORE UPDATE ON line_decision BEGIN SELECT RAISE(ABORT, 'line_decision: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER line_decision_no_delete BEFORE DELETE ON line_decision BEGIN SELECT RAISE(ABORT, 'line_decision: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER line_entry_no_update BEFORE UPDATE ON line_entry BEGIN SELECT RAISE(ABORT, 'line_entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER line_entry_no_delete BEFORE DELETE ON line_entry BEGIN SELECT RAISE(ABORT, 'line_entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_statement_no_replace_1 BEFORE INSERT ON bank_statement WHEN EXISTS (SELECT 1 FROM bank_statement WHERE account = NEW.account AND place = NEW.place) BEGIN SELECT RAISE(ABORT, 'bank_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_statement_no_replace_2 BEFORE INSERT ON bank_statement WHEN EXISTS (SELECT 1 FROM bank_statement WHERE digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'bank_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_statement_no_replace_3 BEFORE INSERT ON bank_statement WHEN EXISTS (SELECT 1 FROM bank_statement WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'bank_statement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_line_no_replace_1 BEFORE INSERT ON bank_line WHEN EXISTS (SELECT 1 FROM bank_line WHERE fingerprint = NEW.fingerprint AND occurrence = NEW.occurrence) BEGIN SELECT RAISE(ABORT, 'bank_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER bank_line_no_replace_2 BEFORE INSERT ON bank_line WHEN EXISTS (SELECT 1 FROM bank_line WHERE statement_id = NEW.statement_id AND line_no = NEW.line_no) BEGIN SELECT RAISE(ABORT, 'bank_line: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER line_decision_no_replace_1 BEFORE INSERT ON line_decision WHEN EXISTS (SELECT 1 FROM line_decision WHERE statement_id = NEW.statement_id AND line_no = NEW.line_no AND decision_no = NEW.decision_no) BEGIN SELECT RAISE(ABORT, 'line_decision: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER line_entry_no_replace_1 BEFORE INSERT ON line_entry WHEN EXISTS (SELECT 1 FROM line_entry WHERE statement_id = NEW.statement_id AND line_no = NEW.line_no AND decision_no = NEW.decision_no AND entry = NEW.entry) BEGIN SELECT RAISE(ABORT, 'line_entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
