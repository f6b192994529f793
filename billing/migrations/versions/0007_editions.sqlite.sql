ALTER TABLE document ADD COLUMN edition INTEGER DEFAULT '1' NOT NULL CONSTRAINT ck_document_edition CHECK (edition > 0)
