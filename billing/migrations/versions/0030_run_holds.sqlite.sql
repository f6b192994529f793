CREATE TABLE run_hold (
    period DATE NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    act_no INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_run_hold PRIMARY KEY (period, tenant, act_no),
    CONSTRAINT ck_run_hold_act CHECK (act_no > 0 AND reason <> ''),
    CONSTRAINT fk_run_hold_tenant FOREIGN KEY(tenant) REFERENCES tenant (code)
)
-- next
CREATE TRIGGER run_hold_no_update BEFORE UPDATE ON run_hold BEGIN SELECT RAISE(ABORT, 'run_hold: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER run_hold_no_delete BEFORE DELETE ON run_hold BEGIN SELECT RAISE(ABORT, 'run_hold: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER run_hold_no_replace_1 BEFORE INSERT ON run_hold WHEN EXISTS (SELECT 1 FROM run_hold WHERE period = NEW.period AND tenant = NEW.tenant AND act_no = NEW.act_no) BEGIN SELECT RAISE(ABORT, 'run_hold: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TABLE run_outcome_before AS SELECT period, tenant, status, message, invoice_id, credit_note_id, fingerprint, usage_watermark FROM run_outcome
-- next
DROP TABLE run_outcome
-- next
CREATE TABLE run_outcome (
    period DATE NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    status VARCHAR(8) NOT NULL,
    message TEXT,
    invoice_id BIGINT,
    credit_note_id BIGINT,
    fingerprint VARCHAR(32),
    usage_watermark BIGINT NOT NULL,
    CONSTRAINT pk_run_outcome PRIMARY KEY (period, tenant),
    CONSTRAINT ck_run_outcome_status CHECK (status IN ('issued', 'nothing', 'error', 'held')),
    CONSTRAINT fk_run_outcome_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
INSERT INTO run_outcome (period, tenant, status, message, invoice_id, credit_note_id, fingerprint, usage_watermark) SELECT period, tenant, status, message, invoice_id, credit_note_id, fingerprint, usage_watermark FROM run_outcome_before
-- next
DROP TABLE run_outcome_before
