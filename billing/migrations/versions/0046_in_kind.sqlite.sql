ALTER TABLE rate ADD COLUMN in_kind VARCHAR(3) DEFAULT '' NOT NULL CONSTRAINT ck_rate_in_kind CHECK (in_kind = '' OR (in_kind = 'yes' AND subsidised_price = 0))
