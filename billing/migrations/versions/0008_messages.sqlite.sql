CREATE TABLE message (
    id INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    "key" TEXT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    written_on DATE NOT NULL,
    recipient TEXT NOT NULL,
    recipient_name TEXT NOT NULL,
    content TEXT NOT NULL,
    queued_at DATETIME NOT NULL,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT uq_message_kind_key UNIQUE (kind, "key"),
    CONSTRAINT ck_message_told CHECK (kind <> '' AND key <> '')
)
-- next
CREATE INDEX ix_message_tenant ON message (tenant)
-- next
CREATE TABLE message_delivery (
    message_id BIGINT NOT NULL,
    state VARCHAR(8) NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at DATETIME,
    claimed_by VARCHAR(32),
    claimed_until DATETIME,
    handed_over_at DATETIME,
    sent_at DATETIME,
    recipient TEXT NOT NULL,
    last_error TEXT,
    CONSTRAINT pk_message_delivery PRIMARY KEY (message_id),
    CONSTRAINT ck_message_delivery_state CHECK (state IN ('queued', 'failed', 'sent')),
    CONSTRAINT fk_message_delivery_message_id FOREIGN KEY(message_id) REFERENCES message (id)
)
-- next
CREATE INDEX ix_message_delivery_state_next_attempt_at ON message_delivery (state, next_attempt_at)
-- next
CREATE TABLE message_file (
    message_id BIGINT NOT NULL,
    paper_no INTEGER NOT NULL,
    path TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    size_bytes INTEGER NOT NULL,
    rendered_at DATETIME NOT NULL,
    CONSTRAINT pk_message_file PRIMARY KEY (message_id, paper_no),
    CONSTRAINT fk_message_file_message_id FOREIGN KEY(message_id) REFERENCES message (id)
)
-- next
CREATE TABLE message_attempt (
    message_id BIGINT NOT NULL,
    attempt INTEGER NOT NULL,
    attempted_at DATETIME NOT NULL,
    outcome VARCHAR(8) NOT NULL,
    detail TEXT NOT NULL,
    CONSTRAINT pk_message_attempt PRIMARY KEY (message_id, attempt),
    CONSTRAINT fk_message_attempt_message_id FOREIGN KEY(message_id) REFERENCES message_delivery (message_id)
)
-- next
CREATE TRIGGER message_no_update BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'message: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_no_delete BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'message: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_file_no_update BEFORE UPDATE ON message_file BEGIN SELECT RAISE(ABORT, 'message_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_file_no_delete BEFORE DELETE ON message_file BEGIN SELECT RAISE(ABORT, 'message_file: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_attempt_no_update BEFORE UPDATE ON message_attempt BEGIN SELECT RAISE(ABORT, 'message_attempt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_attempt_no_delete BEFORE DELETE ON message_attempt BEGIN SELECT RAISE(ABORT, 'message_attempt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_no_replace_1 BEFORE INSERT ON message WHEN EXISTS (SELECT 1 FROM message WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'message: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_no_replace_2 BEFORE INSERT ON message WHEN EXISTS (SELECT 1 FROM message WHERE kind = NEW.kind AND key = NEW.key) BEGIN SELECT RAISE(ABORT, 'message: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_file_no_replace_1 BEFORE INSERT ON message_file WHEN EXISTS (SELECT 1 FROM message_file WHERE message_id = NEW.message_id AND paper_no = NEW.paper_no) BEGIN SELECT RAISE(IGNORE); END
-- next
CREATE TRIGGER message_attempt_no_replace_1 BEFORE INSERT ON message_attempt WHEN EXISTS (SELECT 1 FROM message_attempt WHERE message_id = NEW.message_id AND attempt = NEW.attempt) BEGIN SELECT RAISE(ABORT, 'message_attempt: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER message_delivery_forward_only BEFORE UPDATE ON message_delivery WHEN OLD.state = 'sent' OR NEW.state = 'queued' AND OLD.state = 'failed' OR NEW.attempts < OLD.attempts BEGIN SELECT RAISE(ABORT, 'message_delivery: states only move queued, failed, sent; attempts only grow'); END
-- next
CREATE TRIGGER message_delivery_kept BEFORE DELETE ON message_delivery BEGIN SELECT RAISE(ABORT, 'message_delivery: states only move queued, failed, sent; attempts only grow'); END
