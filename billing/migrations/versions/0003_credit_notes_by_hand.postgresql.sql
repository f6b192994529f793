CREATE TABLE credit_reason (
    document_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    issued_by TEXT NOT NULL,
    CONSTRAINT pk_credit_reason PRIMARY KEY (document_id),
    CONSTRAINT fk_credit_reason_document_id FOREIGN KEY(document_id) REFERENCES document (id),
    CONSTRAINT ck_credit_reason_said CHECK (reason <> '' AND issued_by <> '')
)
-- next
CREATE TABLE credited_part (
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    invoice_id BIGINT NOT NULL,
    invoice_line_no INTEGER NOT NULL,
    CONSTRAINT pk_credited_part PRIMARY KEY (document_id, line_no),
    CONSTRAINT fk_credited_part_document_id_line_no FOREIGN KEY(document_id, line_no) REFERENCES document_line (document_id, line_no),
    CONSTRAINT fk_credited_part_invoice_id_invoice_line_no FOREIGN KEY(invoice_id, invoice_line_no) REFERENCES document_line (document_id, line_no)
)
-- next
CREATE INDEX ix_credited_part_invoice_id ON credited_part (invoice_id, invoice_line_no)
-- next
CREATE TABLE credit_withdrawal (
    document_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    credit_note_id BIGINT NOT NULL,
    credit_line_no INTEGER NOT NULL,
    CONSTRAINT pk_credit_withdrawal PRIMARY KEY (document_id, line_no),
    CONSTRAINT fk_credit_withdrawal_document_id_line_no FOREIGN KEY(document_id, line_no) REFERENCES document_line (document_id, line_no),
    CONSTRAINT fk_credit_withdrawal_credit_note_id_credit_line_no FOREIGN KEY(credit_note_id, credit_line_no) REFERENCES credited_part (document_id, line_no),
    CONSTRAINT uq_credit_withdrawal_credit_note_id_credit_line_no UNIQUE (credit_note_id, credit_line_no)
)
-- next
CREATE TRIGGER credit_reason_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_reason FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER credited_part_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credited_part FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER credit_withdrawal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
