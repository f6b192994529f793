CREATE TABLE app_user (
    name VARCHAR(64) NOT NULL,
    email VARCHAR(254) NOT NULL,
    role VARCHAR(16) NOT NULL,
    os_user VARCHAR(64),
    password_hash TEXT,
    created_at DATETIME NOT NULL,
    disabled_at DATETIME,
    CONSTRAINT pk_app_user PRIMARY KEY (name),
    CONSTRAINT ck_app_user_role CHECK (role IN ('finance', 'approver', 'auditor', 'admin')),
    CONSTRAINT uq_app_user_email UNIQUE (email),
    CONSTRAINT uq_app_user_os_user UNIQUE (os_user)
)
-- next
ALTER TABLE api_token RENAME TO api_token_before
-- next
CREATE TABLE api_token (
    name VARCHAR(64) NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    scope VARCHAR(255) NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME,
    revoked_at DATETIME,
    user_name VARCHAR(64),
    sites TEXT,
    CONSTRAINT pk_api_token PRIMARY KEY (name),
    CONSTRAINT ck_api_token_scope CHECK (scope <> ''),
    CONSTRAINT uq_api_token_token_sha256 UNIQUE (token_sha256),
    CONSTRAINT fk_api_token_user_name FOREIGN KEY(user_name) REFERENCES app_user (name)
)
-- next
INSERT INTO api_token (name, token_sha256, scope, created_at, expires_at, revoked_at) SELECT name, token_sha256, scope, created_at, expires_at, revoked_at FROM api_token_before
-- next
DROP TABLE api_token_before
-- next
ALTER TABLE audit_event ADD COLUMN user_name VARCHAR(64)
-- next
CREATE TABLE approvals_begun (
    id INTEGER NOT NULL,
    begun_at DATETIME NOT NULL,
    CONSTRAINT pk_approvals_begun PRIMARY KEY (id),
    CONSTRAINT ck_approvals_begun_single CHECK (id = 1)
)
-- next
CREATE TABLE approval_order (
    id INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    content TEXT NOT NULL,
    preview TEXT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    ordered_by VARCHAR(64) NOT NULL,
    ordered_at DATETIME NOT NULL,
    CONSTRAINT pk_approval_order PRIMARY KEY (id),
    CONSTRAINT uq_approval_order_id_ordered_by UNIQUE (id, ordered_by),
    CONSTRAINT fk_approval_order_ordered_by FOREIGN KEY(ordered_by) REFERENCES app_user (name)
)
-- next
CREATE TABLE approval_decision (
    order_id INTEGER NOT NULL,
    ordered_by VARCHAR(64) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    decided_by VARCHAR(64) NOT NULL,
    role VARCHAR(16) NOT NULL,
    decided_at DATETIME NOT NULL,
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
CREATE TRIGGER approvals_begun_no_update BEFORE UPDATE ON approvals_begun BEGIN SELECT RAISE(ABORT, 'approvals_begun: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approvals_begun_no_delete BEFORE DELETE ON approvals_begun BEGIN SELECT RAISE(ABORT, 'approvals_begun: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_order_no_update BEFORE UPDATE ON approval_order BEGIN SELECT RAISE(ABORT, 'approval_order: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_order_no_delete BEFORE DELETE ON approval_order BEGIN SELECT RAISE(ABORT, 'approval_order: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_decision_no_update BEFORE UPDATE ON approval_decision BEGIN SELECT RAISE(ABORT, 'approval_decision: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_decision_no_delete BEFORE DELETE ON approval_decision BEGIN SELECT RAISE(ABORT, 'approval_decision: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approvals_begun_no_replace_1 BEFORE INSERT ON approvals_begun WHEN EXISTS (SELECT 1 FROM approvals_begun WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'approvals_begun: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_order_no_replace_1 BEFORE INSERT ON approval_order WHEN EXISTS (SELECT 1 FROM approval_order WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'approval_order: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_order_no_replace_2 BEFORE INSERT ON approval_order WHEN EXISTS (SELECT 1 FROM approval_order WHERE id = NEW.id AND ordered_by = NEW.ordered_by) BEGIN SELECT RAISE(ABORT, 'approval_order: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER approval_decision_no_replace_1 BEFORE INSERT ON approval_decision WHEN EXISTS (SELECT 1 FROM approval_decision WHERE order_id = NEW.order_id) BEGIN SELECT RAISE(ABORT, 'approval_decision: rows of this table are never changed or deleted: correct by adding (R22)'); END
