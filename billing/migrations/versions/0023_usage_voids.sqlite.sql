CREATE TABLE usage_void (
    usage_event_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    voided_at DATETIME NOT NULL,
    CONSTRAINT pk_usage_void PRIMARY KEY (usage_event_id),
    CONSTRAINT fk_usage_void_usage_event_id FOREIGN KEY(usage_event_id) REFERENCES usage_event (id),
    CONSTRAINT ck_usage_void_reason CHECK (reason <> '')
)
-- next
CREATE TABLE usage_rebilling (
    usage_event_id INTEGER NOT NULL,
    former_document_id BIGINT NOT NULL,
    former_line_no INTEGER NOT NULL,
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    CONSTRAINT pk_usage_rebilling PRIMARY KEY (usage_event_id, former_document_id, former_line_no)
)
-- next
CREATE TRIGGER usage_void_no_update BEFORE UPDATE ON usage_void BEGIN SELECT RAISE(ABORT, 'usage_void: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_void_no_delete BEFORE DELETE ON usage_void BEGIN SELECT RAISE(ABORT, 'usage_void: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_void_no_replace_1 BEFORE INSERT ON usage_void WHEN EXISTS (SELECT 1 FROM usage_void WHERE usage_event_id = NEW.usage_event_id) BEGIN SELECT RAISE(ABORT, 'usage_void: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_rebilling_no_update BEFORE UPDATE ON usage_rebilling BEGIN SELECT RAISE(ABORT, 'usage_rebilling: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_rebilling_no_delete BEFORE DELETE ON usage_rebilling BEGIN SELECT RAISE(ABORT, 'usage_rebilling: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER usage_rebilling_no_replace_1 BEFORE INSERT ON usage_rebilling WHEN EXISTS (SELECT 1 FROM usage_rebilling WHERE usage_event_id = NEW.usage_event_id AND former_document_id = NEW.former_document_id AND former_line_no = NEW.former_line_no) BEGIN SELECT RAISE(ABORT, 'usage_rebilling: rows of this table are never changed or deleted: correct by adding (R22)'); END
