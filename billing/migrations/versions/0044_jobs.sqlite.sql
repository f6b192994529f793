CREATE TABLE job (
    id INTEGER NOT NULL,
    name VARCHAR(36) NOT NULL,
    owner VARCHAR(72) NOT NULL,
    token VARCHAR(64) NOT NULL,
    scopes TEXT NOT NULL,
    sites TEXT NOT NULL,
    method VARCHAR(8) NOT NULL,
    address TEXT NOT NULL,
    headers TEXT NOT NULL,
    request_id VARCHAR(128) NOT NULL,
    inputs_sha256 VARCHAR(64),
    state VARCHAR(16) NOT NULL,
    attempts INTEGER NOT NULL,
    ordered_at DATETIME NOT NULL,
    started_at DATETIME,
    finished_at DATETIME,
    expires_at DATETIME,
    answer TEXT,
    problem TEXT,
    CONSTRAINT pk_job PRIMARY KEY (id),
    CONSTRAINT ck_job_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    CONSTRAINT uq_job_name UNIQUE (name)
)
-- next
CREATE INDEX ix_job_inputs_sha256 ON job (inputs_sha256)
-- next
CREATE INDEX ix_job_owner ON job (owner, id)
-- next
CREATE INDEX ix_job_state ON job (state)
