CREATE TABLE survey (
    tenant VARCHAR(64) NOT NULL,
    year INTEGER NOT NULL,
    jobs INTEGER,
    export_share INTEGER,
    satisfaction BIGINT,
    active VARCHAR(3) NOT NULL,
    left_as VARCHAR(9) NOT NULL,
    CONSTRAINT pk_survey PRIMARY KEY (tenant, year),
    CONSTRAINT ck_survey_jobs CHECK (jobs >= 0),
    CONSTRAINT ck_survey_export_share CHECK (export_share BETWEEN 0 AND 10000),
    CONSTRAINT ck_survey_satisfaction CHECK (satisfaction BETWEEN 0 AND 100000000),
    CONSTRAINT ck_survey_active CHECK (active IN ('', 'yes', 'no')),
    CONSTRAINT ck_survey_left_as CHECK (left_as IN ('', 'graduated', 'left')),
    CONSTRAINT fk_survey_tenant FOREIGN KEY(tenant) REFERENCES tenant (code)
)
