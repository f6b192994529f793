ALTER TABLE settlement ADD COLUMN exact TEXT
-- next
ALTER TABLE settlement ADD COLUMN exact_due TEXT
