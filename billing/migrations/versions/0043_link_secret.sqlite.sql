CREATE TABLE link_secret (
    id INTEGER NOT NULL,
    secret VARCHAR(64) NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    CONSTRAINT pk_link_secret PRIMARY KEY (id),
    CONSTRAINT ck_link_secret_id CHECK (id = 1)
)
-- next
CREATE TRIGGER link_secret_no_update BEFORE UPDATE ON link_secret BEGIN SELECT RAISE(ABORT, 'link_secret: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER link_secret_no_delete BEFORE DELETE ON link_secret BEGIN SELECT RAISE(ABORT, 'link_secret: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER link_secret_no_replace_1 BEFORE INSERT ON link_secret WHEN EXISTS (SELECT 1 FROM link_secret WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'link_secret: rows of this table are never changed or deleted: correct by adding (R22)'); END
