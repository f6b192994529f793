CREATE TABLE audit_counter (
    id INTEGER NOT NULL,
    last BIGINT NOT NULL,
    CONSTRAINT pk_audit_counter PRIMARY KEY (id),
    CONSTRAINT ck_audit_counter_single CHECK (id = 1)
)
-- next
INSERT INTO audit_counter SELECT * FROM act_counter
-- next
DROP TABLE act_counter
-- next
CREATE TABLE audit_event (
    id INTEGER NOT NULL,
    recorded_at DATETIME NOT NULL,
    actor TEXT NOT NULL,
    origin VARCHAR(16) NOT NULL,
    operation TEXT NOT NULL,
    request_id VARCHAR(128) NOT NULL,
    reason TEXT,
    first_entry BIGINT,
    last_entry BIGINT,
    first_document BIGINT,
    last_document BIGINT,
    first_usage_event BIGINT,
    last_usage_event BIGINT,
    first_import BIGINT,
    last_import BIGINT,
    CONSTRAINT pk_audit_event PRIMARY KEY (id)
)
-- next
INSERT INTO audit_event SELECT * FROM act
-- next
DROP TABLE act
-- next
CREATE TABLE audit_change (
    act_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    subject VARCHAR(32) NOT NULL,
    "key" TEXT NOT NULL,
    "before" TEXT,
    "after" TEXT,
    CONSTRAINT pk_audit_change PRIMARY KEY (act_id, seq)
)
 WITHOUT ROWID
-- next
INSERT INTO audit_change SELECT * FROM act_change
-- next
DROP TABLE act_change
-- next
CREATE TABLE tier_change_announcement (
    message_id BIGINT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    switches_on DATE NOT NULL,
    step INTEGER NOT NULL,
    announced_on DATE NOT NULL,
    corrects BIGINT,
    CONSTRAINT pk_tier_change_announcement PRIMARY KEY (message_id),
    CONSTRAINT uq_tier_change_announcement_corrects UNIQUE (corrects),
    CONSTRAINT ck_tier_change_announcement_in_time CHECK (announced_on < switches_on),
    CONSTRAINT ck_tier_change_announcement_step CHECK (step > 0 OR (step = 0 AND corrects IS NOT NULL)),
    CONSTRAINT ck_tier_change_announcement_corrects CHECK (corrects IS NULL OR corrects < message_id),
    CONSTRAINT fk_tier_change_announcement_message_id FOREIGN KEY(message_id) REFERENCES message (id),
    CONSTRAINT fk_tier_change_announcement_corrects FOREIGN KEY(corrects) REFERENCES tier_change_announcement (message_id)
)
-- next
INSERT INTO tier_change_announcement SELECT * FROM switch_notice
-- next
DROP TABLE switch_notice
-- next
CREATE INDEX ix_audit_event_last_document ON audit_event (last_document) WHERE last_document IS NOT NULL
-- next
CREATE INDEX ix_audit_event_last_entry ON audit_event (last_entry) WHERE last_entry IS NOT NULL
-- next
CREATE INDEX ix_audit_event_last_import ON audit_event (last_import) WHERE last_import IS NOT NULL
-- next
CREATE INDEX ix_audit_event_last_usage_event ON audit_event (last_usage_event) WHERE last_usage_event IS NOT NULL
-- next
CREATE INDEX ix_audit_event_request_id ON audit_event (request_id)
-- next
CREATE INDEX ix_audit_change_subject_key ON audit_change (subject, "key")
-- next
CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER audit_change_no_update BEFORE UPDATE ON audit_change BEGIN SELECT RAISE(ABORT, 'audit_change: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER audit_change_no_delete BEFORE DELETE ON audit_change BEGIN SELECT RAISE(ABORT, 'audit_change: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER audit_event_no_replace_1 BEFORE INSERT ON audit_event WHEN EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'audit_event: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER audit_change_no_replace_1 BEFORE INSERT ON audit_change WHEN EXISTS (SELECT 1 FROM audit_change WHERE act_id = NEW.act_id AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'audit_change: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER audit_counter_forward_only BEFORE UPDATE ON audit_counter WHEN NEW.last < OLD.last BEGIN SELECT RAISE(ABORT, 'audit_counter: audit events are counted on, never back'); END
-- next
CREATE TRIGGER audit_counter_kept BEFORE DELETE ON audit_counter BEGIN SELECT RAISE(ABORT, 'audit_counter: audit events are counted on, never back'); END
-- next
CREATE INDEX ix_tier_change_announcement_tenant ON tier_change_announcement (tenant)
-- next
CREATE TRIGGER tier_change_announcement_no_update BEFORE UPDATE ON tier_change_announcement BEGIN SELECT RAISE(ABORT, 'tier_change_announcement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER tier_change_announcement_no_delete BEFORE DELETE ON tier_change_announcement BEGIN SELECT RAISE(ABORT, 'tier_change_announcement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER tier_change_announcement_no_replace_1 BEFORE INSERT ON tier_change_announcement WHEN EXISTS (SELECT 1 FROM tier_change_announcement WHERE corrects = NEW.corrects) BEGIN SELECT RAISE(ABORT, 'tier_change_announcement: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER tier_change_announcement_no_replace_2 BEFORE INSERT ON tier_change_announcement WHEN EXISTS (SELECT 1 FROM tier_change_announcement WHERE message_id = NEW.message_id) BEGIN SELECT RAISE(ABORT, 'tier_change_announcement: rows of this table are never changed or deleted: correct by adding (R22)'); END
