ALTER TABLE vat_rate ADD COLUMN reason TEXT DEFAULT '' NOT NULL
-- next
ALTER TABLE vat_rate ADD COLUMN treatment VARCHAR(12) DEFAULT 'standard' NOT NULL CONSTRAINT ck_vat_rate_treatment CHECK (treatment = 'standard' OR (treatment IN ('exempt', 'suspended', 'out_of_scope') AND rate = 0 AND reason <> ''))
-- next
ALTER TABLE document_line ADD COLUMN vat_reason TEXT DEFAULT '' NOT NULL
-- next
ALTER TABLE document_line ADD COLUMN vat_treatment VARCHAR(12) DEFAULT 'standard' NOT NULL CONSTRAINT ck_document_line_vat_treatment CHECK (vat_treatment = 'standard' OR (vat_treatment IN ('exempt', 'suspended', 'out_of_scope') AND vat_rate = 0 AND vat_reason <> ''))
