CREATE TABLE switch_notice (
    message_id BIGINT NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    switches_on DATE NOT NULL,
    step INTEGER NOT NULL,
    announced_on DATE NOT NULL,
    corrects BIGINT,
    CONSTRAINT pk_switch_notice PRIMARY KEY (message_id),
    CONSTRAINT uq_switch_notice_corrects UNIQUE (corrects),
    CONSTRAINT ck_switch_notice_in_time CHECK (announced_on < switches_on),
    CONSTRAINT ck_switch_notice_step CHECK (step > 0 OR (step = 0 AND corrects IS NOT NULL)),
    CONSTRAINT ck_switch_notice_corrects CHECK (corrects IS NULL OR corrects < message_id),
    CONSTRAINT fk_switch_notice_message_id FOREIGN KEY(message_id) REFERENCES message (id),
    CONSTRAINT fk_switch_notice_corrects FOREIGN KEY(corrects) REFERENCES switch_notice (message_id)
)
-- next
CREATE INDEX ix_switch_notice_tenant ON switch_notice (tenant)
-- next
CREATE TRIGGER switch_notice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON switch_notice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
