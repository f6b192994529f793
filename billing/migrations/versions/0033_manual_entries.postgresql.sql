CREATE TABLE voucher_file (
    sha256 VARCHAR(64) NOT NULL,
    name TEXT NOT NULL,
    content BYTEA NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_voucher_file PRIMARY KEY (sha256),
    CONSTRAINT ck_voucher_file_content CHECK (length(content) > 0)
)
-- next
CREATE TRIGGER voucher_file_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON voucher_file FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TABLE manual_entry (
    id BIGINT NOT NULL,
    effective_on DATE NOT NULL,
    label TEXT NOT NULL,
    voucher VARCHAR(120) NOT NULL,
    voucher_sha256 VARCHAR(64),
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_manual_entry PRIMARY KEY (id),
    CONSTRAINT ck_manual_entry_said CHECK (label <> '' AND voucher <> '' AND reason <> ''),
    CONSTRAINT fk_manual_entry_voucher_sha256 FOREIGN KEY(voucher_sha256) REFERENCES voucher_file (sha256)
)
-- next
CREATE TRIGGER manual_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON manual_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TABLE manual_posting (
    manual_entry_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    auxiliary VARCHAR(64) COLLATE "C",
    site VARCHAR(64) COLLATE "C",
    amount BIGINT NOT NULL,
    CONSTRAINT pk_manual_posting PRIMARY KEY (manual_entry_id, line_no),
    CONSTRAINT ck_manual_posting_amount CHECK (amount <> 0),
    CONSTRAINT fk_manual_posting_manual_entry_id FOREIGN KEY(manual_entry_id) REFERENCES manual_entry (id)
)
-- next
CREATE TRIGGER manual_posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON manual_posting FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TABLE manual_reversal (
    manual_entry_id BIGINT NOT NULL,
    reversed_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_manual_reversal PRIMARY KEY (manual_entry_id),
    CONSTRAINT ck_manual_reversal_said CHECK (reason <> ''),
    CONSTRAINT fk_manual_reversal_manual_entry_id FOREIGN KEY(manual_entry_id) REFERENCES manual_entry (id)
)
-- next
CREATE TRIGGER manual_reversal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON manual_reversal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
