CREATE TABLE run_hold (
    period DATE NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    act_no INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_run_hold PRIMARY KEY (period, tenant, act_no),
    CONSTRAINT ck_run_hold_act CHECK (act_no > 0 AND reason <> ''),
    CONSTRAINT fk_run_hold_tenant FOREIGN KEY(tenant) REFERENCES tenant (code)
)
-- next
CREATE TRIGGER run_hold_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_hold FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
ALTER TABLE run_outcome DROP CONSTRAINT ck_run_outcome_status
-- next
ALTER TABLE run_outcome ADD CONSTRAINT ck_run_outcome_status CHECK (status IN ('issued', 'nothing', 'error', 'held'))
