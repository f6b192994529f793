CREATE TABLE app_user (
    name VARCHAR(64) NOT NULL,
    email VARCHAR(254) NOT NULL,
    role VARCHAR(16) NOT NULL,
    os_user VARCHAR(64),
    password_hash TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_app_user PRIMARY KEY (name),
    CONSTRAINT ck_app_user_role CHECK (role IN ('finance', 'approver', 'auditor', 'admin')),
    CONSTRAINT uq_app_user_email UNIQUE (email),
    CONSTRAINT uq_app_user_os_user UNIQUE (os_user)
)
-- next
ALTER TABLE api_token DROP CONSTRAINT ck_api_token_scope
-- next
ALTER TABLE api_token ALTER COLUMN scope TYPE VARCHAR(255)
-- next
ALTER TABLE api_token ADD CONSTRAINT ck_api_token_scope CHECK (scope <> '')
-- next
ALTER TABLE api_token ADD COLUMN user_name VARCHAR(64)
-- next
ALTER TABLE api_token ADD COLUMN sites TEXT
-- next
ALTER TABLE api_token ADD CONSTRAINT fk_api_token_user_name FOREIGN KEY(user_name) REFERENCES app_user (name)
-- next
ALTER TABLE audit_event ADD COLUMN user_name VARCHAR(64)
-- next
CREATE TABLE approvals_begun (
    id INTEGER NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_approvals_begun PRIMARY KEY (id),
    CONSTRAINT ck_approvals_begun_single CHECK (id = 1)
)
-- next
CREATE TABLE approval_order (
    id BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    content TEXT NOT NULL,
    preview TEXT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    ordered_by VARCHAR(64) NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_approval_order PRIMARY KEY (id),
    CONSTRAINT uq_approval_order_id_ordered_by UNIQUE (id, ordered_by),
    CONSTRAINT fk_approval_order_ordered_by FOREIGN KEY(ordered_by) REFERENCES app_user (name)
)
-- next
CREATE TABLE approval_decision (
    order_id BIGINT NOT NULL,
    ordered_by VARCHAR(64) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    decided_by VARCHAR(64) NOT NULL,
    role VARCHAR(16) NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT,
    result TEXT,
    CONSTRAINT pk_approval_decision PRIMARY KEY (order_id),
    CONSTRAINT ck_approval_decision_outcome CHECK (outcome IN ('approved', 'refused', 'void')),
    CONSTRAINT ck_approval_decision_two_people CHECK (outcome = 'refused' OR (decided_by <> ordered_by AND role IN ('approver', 'admin'))),
    CONSTRAINT ck_approval_decision_said CHECK (outcome = 'approved' OR (reason IS NOT NULL AND reason <> '')),
    CONSTRAINT ck_approval_decision_result CHECK ((outcome = 'approved') = (result IS NOT NULL)),
    CONSTRAINT fk_approval_decision_order_id FOREIGN KEY(order_id, ordered_by) REFERENCES approval_order (id, ordered_by),
    CONSTRAINT fk_approval_decision_decided_by FOREIGN KEY(decided_by) REFERENCES app_user (name)
)
-- next
CREATE TRIGGER approvals_begun_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals_begun FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER approval_order_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_order FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER approval_decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
