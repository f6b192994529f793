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
