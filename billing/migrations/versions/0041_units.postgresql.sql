CREATE TABLE unit (
    site VARCHAR(64) COLLATE "C" NOT NULL,
    code VARCHAR(64) COLLATE "C" NOT NULL,
    kind VARCHAR(16) NOT NULL,
    area BIGINT NOT NULL,
    floor TEXT NOT NULL,
    CONSTRAINT pk_unit PRIMARY KEY (site, code),
    CONSTRAINT ck_unit_kind CHECK (kind IN ('office', 'desk', 'shop', 'meeting_room', 'training_room')),
    CONSTRAINT ck_unit_area CHECK (area > 0),
    CONSTRAINT fk_unit_site FOREIGN KEY(site) REFERENCES site (code)
)
-- next
CREATE CONSTRAINT TRIGGER unit_recorded AFTER INSERT OR UPDATE OR DELETE ON unit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_recorded('units', 'site,code')
-- next
CREATE TRIGGER unit_kept BEFORE TRUNCATE ON unit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
