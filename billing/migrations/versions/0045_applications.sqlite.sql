CREATE TABLE application (
    code VARCHAR(64) NOT NULL,
    tenant VARCHAR(64),
    legal_name TEXT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    site VARCHAR(64) NOT NULL,
    area BIGINT NOT NULL,
    received_on DATE NOT NULL,
    state VARCHAR(16) NOT NULL,
    decided_on DATE,
    incorporated_on DATE,
    CONSTRAINT pk_application PRIMARY KEY (code),
    CONSTRAINT ck_application_kind CHECK (kind IN ('', 'startup', 'sme', 'large', 'subsidiary')),
    CONSTRAINT ck_application_area CHECK (area > 0),
    CONSTRAINT ck_application_state CHECK (state IN ('received', 'accepted', 'waiting', 'admitted', 'declined', 'withdrawn')),
    CONSTRAINT ck_application_decided_on CHECK (state = 'withdrawn' OR (state = 'received') = (decided_on IS NULL)),
    CONSTRAINT ck_application_order CHECK (decided_on IS NULL OR decided_on >= received_on),
    CONSTRAINT ck_application_tenant CHECK (tenant IS NOT NULL OR (state <> 'admitted' AND legal_name <> '' AND kind <> '')),
    CONSTRAINT fk_application_site FOREIGN KEY(site) REFERENCES site (code)
)
-- next
CREATE INDEX ix_application_site_state ON application (site, state)
