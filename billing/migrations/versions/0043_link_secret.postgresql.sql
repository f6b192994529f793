CREATE TABLE link_secret (
    id INTEGER NOT NULL,
    secret VARCHAR(64) NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    CONSTRAINT pk_link_secret PRIMARY KEY (id),
    CONSTRAINT ck_link_secret_id CHECK (id = 1)
)
-- next
CREATE TRIGGER link_secret_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON link_secret FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
