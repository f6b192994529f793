CREATE TABLE webhook_endpoint (
    id INTEGER NOT NULL,
    url TEXT NOT NULL,
    types TEXT,
    secret VARCHAR(64),
    created_at DATETIME NOT NULL,
    created_by TEXT NOT NULL,
    disabled_at DATETIME,
    disabled_for TEXT,
    removed_at DATETIME,
    CONSTRAINT pk_webhook_endpoint PRIMARY KEY (id),
    CONSTRAINT ck_webhook_endpoint_disabled CHECK ((disabled_at IS NULL) = (disabled_for IS NULL)),
    CONSTRAINT ck_webhook_endpoint_removed CHECK ((secret IS NULL) = (removed_at IS NOT NULL))
)
-- next
CREATE TABLE webhook_progress (
    endpoint_id BIGINT NOT NULL,
    told_until VARCHAR(64) NOT NULL,
    attempts INTEGER NOT NULL,
    failing_since DATETIME,
    next_attempt_at DATETIME,
    claimed_by VARCHAR(64),
    claimed_until DATETIME,
    CONSTRAINT pk_webhook_progress PRIMARY KEY (endpoint_id),
    CONSTRAINT ck_webhook_progress_failing CHECK (attempts >= 0 AND (attempts > 0) = (failing_since IS NOT NULL)),
    CONSTRAINT ck_webhook_progress_claimed CHECK ((claimed_by IS NULL) = (claimed_until IS NULL)),
    CONSTRAINT fk_webhook_progress_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoint (id)
)
-- next
CREATE TABLE webhook_attempt (
    id INTEGER NOT NULL,
    endpoint_id BIGINT NOT NULL,
    event_id VARCHAR(64) NOT NULL,
    type TEXT NOT NULL,
    attempted_at DATETIME NOT NULL,
    milliseconds INTEGER NOT NULL,
    status INTEGER,
    failure TEXT,
    CONSTRAINT pk_webhook_attempt PRIMARY KEY (id),
    CONSTRAINT fk_webhook_attempt_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoint (id)
)
-- next
CREATE INDEX ix_webhook_attempt_endpoint_id ON webhook_attempt (endpoint_id, id)
