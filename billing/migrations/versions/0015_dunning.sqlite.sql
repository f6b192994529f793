CREATE TABLE dunning_hold (
    id INTEGER NOT NULL,
    kind VARCHAR(8) NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    document_id BIGINT,
    since DATE NOT NULL,
    until DATE,
    reason TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_dunning_hold PRIMARY KEY (id),
    CONSTRAINT ck_dunning_hold_kind CHECK (kind IN ('dispute', 'promise')),
    CONSTRAINT ck_dunning_hold_until CHECK ((kind = 'promise') = (until IS NOT NULL) AND (until IS NULL OR until >= since)),
    CONSTRAINT ck_dunning_hold_said CHECK (reason <> '' AND recorded_by <> ''),
    CONSTRAINT fk_dunning_hold_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
-- next
CREATE INDEX ix_dunning_hold_tenant ON dunning_hold (tenant)
-- next
CREATE TABLE dunning_act (
    id INTEGER NOT NULL,
    message_id BIGINT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    acted_on DATE NOT NULL,
    total BIGINT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_dunning_act PRIMARY KEY (id),
    CONSTRAINT uq_dunning_act_tenant_acted_on UNIQUE (tenant, acted_on),
    CONSTRAINT ck_dunning_act_total CHECK (total > 0),
    CONSTRAINT uq_dunning_act_message_id UNIQUE (message_id),
    CONSTRAINT fk_dunning_act_message_id FOREIGN KEY(message_id) REFERENCES message (id)
)
-- next
CREATE TABLE dunning_hold_end (
    hold_id BIGINT NOT NULL,
    ended_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_dunning_hold_end PRIMARY KEY (hold_id),
    CONSTRAINT ck_dunning_hold_end_said CHECK (reason <> '' AND recorded_by <> ''),
    CONSTRAINT fk_dunning_hold_end_hold_id FOREIGN KEY(hold_id) REFERENCES dunning_hold (id)
)
-- next
CREATE TABLE dunning_step (
    document_id BIGINT NOT NULL,
    days INTEGER NOT NULL,
    act_id BIGINT NOT NULL,
    step_no INTEGER NOT NULL,
    ladder TEXT NOT NULL,
    due_on DATE NOT NULL,
    amount BIGINT NOT NULL,
    fine BIGINT NOT NULL,
    interest BIGINT NOT NULL,
    CONSTRAINT pk_dunning_step PRIMARY KEY (document_id, days),
    CONSTRAINT ck_dunning_step_amount CHECK (amount > 0 AND fine >= 0 AND interest >= 0),
    CONSTRAINT ck_dunning_step_step_no CHECK (step_no > 0),
    CONSTRAINT fk_dunning_step_document_id FOREIGN KEY(document_id) REFERENCES document (id),
    CONSTRAINT fk_dunning_step_act_id FOREIGN KEY(act_id) REFERENCES dunning_act (id)
)
-- next
CREATE INDEX ix_dunning_step_act_id ON dunning_step (act_id)
-- next
CREATE TABLE interest_clause (
    id INTEGER NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    lease VARCHAR(64),
    effective_from DATE NOT NULL,
    rate INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_interest_clause PRIMARY KEY (id),
    CONSTRAINT ck_interest_clause_rate CHECK (rate BETWEEN 0 AND 10000),
    CONSTRAINT ck_interest_clause_said CHECK (reason <> '' AND recorded_by <> ''),
    CONSTRAINT fk_interest_clause_lease FOREIGN KEY(lease) REFERENCES lease (code)
)
-- next
CREATE INDEX ix_interest_clause_tenant ON interest_clause (tenant)
-- next
CREATE TRIGGER dunning_act_no_update BEFORE UPDATE ON dunning_act BEGIN SELECT RAISE(ABORT, 'dunning_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_act_no_delete BEFORE DELETE ON dunning_act BEGIN SELECT RAISE(ABORT, 'dunning_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_step_no_update BEFORE UPDATE ON dunning_step BEGIN SELECT RAISE(ABORT, 'dunning_step: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_step_no_delete BEFORE DELETE ON dunning_step BEGIN SELECT RAISE(ABORT, 'dunning_step: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_hold_no_update BEFORE UPDATE ON dunning_hold BEGIN SELECT RAISE(ABORT, 'dunning_hold: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_hold_no_delete BEFORE DELETE ON dunning_hold BEGIN SELECT RAISE(ABORT, 'dunning_hold: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_hold_end_no_update BEFORE UPDATE ON dunning_hold_end BEGIN SELECT RAISE(ABORT, 'dunning_hold_end: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_hold_end_no_delete BEFORE DELETE ON dunning_hold_end BEGIN SELECT RAISE(ABORT, 'dunning_hold_end: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER interest_clause_no_update BEFORE UPDATE ON interest_clause BEGIN SELECT RAISE(ABORT, 'interest_clause: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER interest_clause_no_delete BEFORE DELETE ON interest_clause BEGIN SELECT RAISE(ABORT, 'interest_clause: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_act_no_replace_1 BEFORE INSERT ON dunning_act WHEN EXISTS (SELECT 1 FROM dunning_act WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'dunning_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_act_no_replace_2 BEFORE INSERT ON dunning_act WHEN EXISTS (SELECT 1 FROM dunning_act WHERE message_id = NEW.message_id) BEGIN SELECT RAISE(ABORT, 'dunning_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_act_no_replace_3 BEFORE INSERT ON dunning_act WHEN EXISTS (SELECT 1 FROM dunning_act WHERE tenant = NEW.tenant AND acted_on = NEW.acted_on) BEGIN SELECT RAISE(ABORT, 'dunning_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_step_no_replace_1 BEFORE INSERT ON dunning_step WHEN EXISTS (SELECT 1 FROM dunning_step WHERE document_id = NEW.document_id AND days = NEW.days) BEGIN SELECT RAISE(ABORT, 'dunning_step: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_hold_no_replace_1 BEFORE INSERT ON dunning_hold WHEN EXISTS (SELECT 1 FROM dunning_hold WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'dunning_hold: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER dunning_hold_end_no_replace_1 BEFORE INSERT ON dunning_hold_end WHEN EXISTS (SELECT 1 FROM dunning_hold_end WHERE hold_id = NEW.hold_id) BEGIN SELECT RAISE(ABORT, 'dunning_hold_end: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER interest_clause_no_replace_1 BEFORE INSERT ON interest_clause WHEN EXISTS (SELECT 1 FROM interest_clause WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'interest_clause: rows of this table are never changed or deleted: correct by adding (R22)'); END
