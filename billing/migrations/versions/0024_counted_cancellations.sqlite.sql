CREATE TABLE cancellation_count (
    credit_note_id BIGINT NOT NULL,
    period DATE NOT NULL,
    CONSTRAINT pk_cancellation_count PRIMARY KEY (credit_note_id),
    CONSTRAINT fk_cancellation_count_credit_note_id FOREIGN KEY(credit_note_id) REFERENCES document (id),
    CONSTRAINT fk_cancellation_count_period FOREIGN KEY(period) REFERENCES billing_run (period)
)
-- next
CREATE TRIGGER cancellation_count_no_update BEFORE UPDATE ON cancellation_count BEGIN SELECT RAISE(ABORT, 'cancellation_count: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cancellation_count_no_delete BEFORE DELETE ON cancellation_count BEGIN SELECT RAISE(ABORT, 'cancellation_count: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cancellation_count_no_replace_1 BEFORE INSERT ON cancellation_count WHEN EXISTS (SELECT 1 FROM cancellation_count WHERE credit_note_id = NEW.credit_note_id) BEGIN SELECT RAISE(ABORT, 'cancellation_count: rows of this table are never changed or deleted: correct by adding (R22)'); END
