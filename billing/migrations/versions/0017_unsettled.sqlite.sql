CREATE TABLE unsettled_document (
    document_id BIGINT NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    CONSTRAINT pk_unsettled_document PRIMARY KEY (document_id)
)
-- next
CREATE INDEX ix_unsettled_document_tenant ON unsettled_document (tenant)
-- next
CREATE TABLE unsettled_placement (
    placement_id INTEGER NOT NULL,
    tenant VARCHAR(64) NOT NULL,
    CONSTRAINT pk_unsettled_placement PRIMARY KEY (placement_id)
)
-- next
CREATE INDEX ix_unsettled_placement_tenant ON unsettled_placement (tenant)
-- next
CREATE TABLE looked_through (
    id INTEGER NOT NULL,
    document_id BIGINT NOT NULL,
    placement_id BIGINT NOT NULL,
    CONSTRAINT pk_looked_through PRIMARY KEY (id),
    CONSTRAINT ck_looked_through_one CHECK (id = 1)
)
-- next
INSERT INTO looked_through (id, document_id, placement_id) VALUES (1, 0, 0)
