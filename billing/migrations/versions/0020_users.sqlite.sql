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
