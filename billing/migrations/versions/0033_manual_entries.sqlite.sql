CREATE TABLE voucher_file (
    sha256 VARCHAR(64) NOT NULL,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_voucher_file PRIMARY KEY (sha256),
    CONSTRAINT ck_voucher_file_content CHECK (length(content) > 0)
)
-- next
CREATE TRIGGER voucher_file_no_update BEFORE UPDATE ON voucher_file BEGIN SELECT RAISE(ABORT, 'voucher_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER voucher_file_no_delete BEFORE DELETE ON voucher_file BEGIN SELECT RAISE(ABORT, 'voucher_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER voucher_file_no_replace_1 BEFORE INSERT ON voucher_file WHEN EXISTS (SELECT 1 FROM voucher_file WHERE sha256 = NEW.sha256) BEGIN SELECT RAISE(ABORT, 'voucher_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TABLE manual_entry (
    id INTEGER NOT NULL,
    effective_on DATE NOT NULL,
    label TEXT NOT NULL,
    voucher VARCHAR(120) NOT NULL,
    voucher_sha256 VARCHAR(64),
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_manual_entry PRIMARY KEY (id),
    CONSTRAINT ck_manual_entry_said CHECK (label <> '' AND voucher <> '' AND reason <> ''),
    CONSTRAINT fk_manual_entry_voucher_sha256 FOREIGN KEY(voucher_sha256) REFERENCES voucher_file (sha256)
)
-- next
CREATE TRIGGER manual_entry_no_update BEFORE UPDATE ON manual_entry BEGIN SELECT RAISE(ABORT, 'manual_entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER manual_entry_no_delete BEFORE DELETE ON manual_entry BEGIN SELECT RAISE(ABORT, 'manual_entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER manual_entry_no_replace_1 BEFORE INSERT ON manual_entry WHEN EXISTS (SELECT 1 FROM manual_entry WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'manual_entry: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TABLE manual_posting (
    manual_entry_id INTEGER NOT NULL,
    line_no INTEGER NOT NULL,
    account VARCHAR(64) NOT NULL,
    auxiliary VARCHAR(64),
    site VARCHAR(64),
    amount BIGINT NOT NULL,
    CONSTRAINT pk_manual_posting PRIMARY KEY (manual_entry_id, line_no),
    CONSTRAINT ck_manual_posting_amount CHECK (amount <> 0),
    CONSTRAINT fk_manual_posting_manual_entry_id FOREIGN KEY(manual_entry_id) REFERENCES manual_entry (id)
)
-- next
CREATE TRIGGER manual_posting_no_update BEFORE UPDATE ON manual_posting BEGIN SELECT RAISE(ABORT, 'manual_posting: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER manual_posting_no_delete BEFORE DELETE ON manual_posting BEGIN SELECT RAISE(ABORT, 'manual_posting: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER manual_posting_no_replace_1 BEFORE INSERT ON manual_posting WHEN EXISTS (SELECT 1 FROM manual_posting WHERE manual_entry_id = NEW.manual_entry_id AND line_no = NEW.line_no) BEGIN SELECT RAISE(ABORT, 'manual_posting: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TABLE manual_reversal (
    manual_entry_id INTEGER NOT NULL,
    reversed_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_manual_reversal PRIMARY KEY (manual_entry_id),
    CONSTRAINT ck_manual_reversal_said CHECK (reason <> ''),
    CONSTRAINT fk_manual_reversal_manual_entry_id FOREIGN KEY(manual_entry_id) REFERENCES manual_entry (id)
)
-- next
CREATE TRIGGER manual_reversal_no_update BEFORE UPDATE ON manual_reversal BEGIN SELECT RAISE(ABORT, 'manual_reversal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER manual_reversal_no_delete BEFORE DELETE ON manual_reversal BEGIN SELECT RAISE(ABORT, 'manual_reversal: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER manual_reversal_no_replace_1 BEFORE INSERT ON manual_reversal WHEN EXISTS (SELECT 1 FROM manual_reversal WHERE manual_entry_id = NEW.manual_entry_id) BEGIN SELECT RAISE(ABORT, 'manual_reversal: rows of this table are never changed or deleted: correct by adding (R22)'); END
