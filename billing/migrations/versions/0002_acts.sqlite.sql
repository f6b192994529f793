CREATE TABLE act_counter (
    id INTEGER NOT NULL,
    last BIGINT NOT NULL,
    CONSTRAINT pk_act_counter PRIMARY KEY (id),
    CONSTRAINT ck_act_counter_single CHECK (id = 1)
)
-- next
CREATE TABLE act (
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
    CONSTRAINT pk_act PRIMARY KEY (id)
)
-- next
CREATE INDEX ix_act_last_document ON act (last_document) WHERE last_document IS NOT NULL
-- next
CREATE INDEX ix_act_last_entry ON act (last_entry) WHERE last_entry IS NOT NULL
-- next
CREATE INDEX ix_act_last_import ON act (last_import) WHERE last_import IS NOT NULL
-- next
CREATE INDEX ix_act_last_usage_event ON act (last_usage_event) WHERE last_usage_event IS NOT NULL
-- next
CREATE INDEX ix_act_request_id ON act (request_id)
-- next
CREATE TABLE act_change (
    act_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    subject VARCHAR(32) NOT NULL,
    "key" TEXT NOT NULL,
    "before" TEXT,
    "after" TEXT,
    CONSTRAINT pk_act_change PRIMARY KEY (act_id, seq)
)
 WITHOUT ROWID
-- next
CREATE INDEX ix_act_change_subject_key ON act_change (subject, "key")
-- next
CREATE TRIGGER act_no_update BEFORE UPDATE ON act BEGIN SELECT RAISE(ABORT, 'act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER act_no_delete BEFORE DELETE ON act BEGIN SELECT RAISE(ABORT, 'act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER act_change_no_update BEFORE UPDATE ON act_change BEGIN SELECT RAISE(ABORT, 'act_change: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER act_change_no_delete BEFORE DELETE ON act_change BEGIN SELECT RAISE(ABORT, 'act_change: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER act_no_replace_1 BEFORE INSERT ON act WHEN EXISTS (SELECT 1 FROM act WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER act_change_no_replace_1 BEFORE INSERT ON act_change WHEN EXISTS (SELECT 1 FROM act_change WHERE act_id = NEW.act_id AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'act_change: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER act_counter_forward_only BEFORE UPDATE ON act_counter WHEN NEW.last < OLD.last BEGIN SELECT RAISE(ABORT, 'act_counter: acts are counted on, never back'); END
-- next
CREATE TRIGGER act_counter_kept BEFORE DELETE ON act_counter BEGIN SELECT RAISE(ABORT, 'act_counter: acts are counted on, never back'); END
