CREATE TABLE usage_void (
    usage_event_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    voided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_usage_void PRIMARY KEY (usage_event_id),
    CONSTRAINT fk_usage_void_usage_event_id FOREIGN KEY(usage_event_id) REFERENCES usage_event (id),
    CONSTRAINT ck_usage_void_reason CHECK (reason <> '')
)
-- next
CREATE TABLE usage_rebilling (
    usage_event_id BIGINT NOT NULL,
    former_document_id BIGINT NOT NULL,
    former_line_no INTEGER NOT NULL,
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    CONSTRAINT pk_usage_rebilling PRIMARY KEY (usage_event_id, former_document_id, former_line_no)
)
-- next
CREATE TRIGGER usage_void_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_void FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER usage_rebilling_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_rebilling FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
