CREATE TABLE advance_vat (
    id BIGINT NOT NULL,
    month DATE NOT NULL,
    receipt_id BIGINT NOT NULL,
    tenant VARCHAR(64) COLLATE "C" NOT NULL,
    rate INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    vat BIGINT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_advance_vat PRIMARY KEY (id),
    CONSTRAINT ck_advance_vat_amount CHECK (rate > 0 AND (amount <> 0 OR vat <> 0)),
    CONSTRAINT fk_advance_vat_receipt_id FOREIGN KEY(receipt_id) REFERENCES receipt (id)
)
-- next
CREATE TRIGGER advance_vat_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON advance_vat FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
