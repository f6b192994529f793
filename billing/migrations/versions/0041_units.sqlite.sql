CREATE TABLE unit (
    site VARCHAR(64) NOT NULL,
    code VARCHAR(64) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    area BIGINT NOT NULL,
    floor TEXT NOT NULL,
    CONSTRAINT pk_unit PRIMARY KEY (site, code),
    CONSTRAINT ck_unit_kind CHECK (kind IN ('office', 'desk', 'shop', 'meeting_room', 'training_room')),
    CONSTRAINT ck_unit_area CHECK (area > 0),
    CONSTRAINT fk_unit_site FOREIGN KEY(site) REFERENCES site (code)
)
