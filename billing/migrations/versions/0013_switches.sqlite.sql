CREATE TABLE switch_notice (
    message_id BIGINT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
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
CREATE TRIGGER switch_notice_no_update BEFORE UPDATE ON switch_notice BEGIN SELECT RAISE(ABORT, 'switch_notice: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER switch_notice_no_delete BEFORE DELETE ON switch_notice BEGIN SELECT RAISE(ABORT, 'switch_notice: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER switch_notice_no_replace_1 BEFORE INSERT ON switch_notice WHEN EXISTS (SELECT 1 FROM switch_notice WHERE corrects = NEW.corrects) BEGIN SELECT RAISE(ABORT, 'switch_notice: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER switch_notice_no_replace_2 BEFORE INSERT ON switch_notice WHEN EXISTS (SELECT 1 FROM switch_notice WHERE message_id = NEW.message_id) BEGIN SELECT RAISE(ABORT, 'switch_notice: rows of this table are never changed or deleted: correct by adding (R22)'); END
