CREATE TABLE cut_off (
    id INTEGER NOT NULL,
    year INTEGER NOT NULL,
    recorded_at DATETIME NOT NULL,
    CONSTRAINT pk_cut_off PRIMARY KEY (id)
)
-- next
CREATE TRIGGER cut_off_no_update BEFORE UPDATE ON cut_off BEGIN SELECT RAISE(ABORT, 'cut_off: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cut_off_no_delete BEFORE DELETE ON cut_off BEGIN SELECT RAISE(ABORT, 'cut_off: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cut_off_no_replace_1 BEFORE INSERT ON cut_off WHEN EXISTS (SELECT 1 FROM cut_off WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'cut_off: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TABLE cut_off_sum (
    cut_off_id INTEGER NOT NULL,
    line_no INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    site VARCHAR(64) NOT NULL,
    account VARCHAR(64) NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_cut_off_sum PRIMARY KEY (cut_off_id, line_no),
    CONSTRAINT ck_cut_off_sum_kind CHECK (kind IN ('to_invoice', 'to_credit', 'ahead')),
    CONSTRAINT ck_cut_off_sum_amount CHECK (amount <> 0),
    CONSTRAINT fk_cut_off_sum_cut_off_id FOREIGN KEY(cut_off_id) REFERENCES cut_off (id)
)
-- next
CREATE TRIGGER cut_off_sum_no_update BEFORE UPDATE ON cut_off_sum BEGIN SELECT RAISE(ABORT, 'cut_off_sum: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cut_off_sum_no_delete BEFORE DELETE ON cut_off_sum BEGIN SELECT RAISE(ABORT, 'cut_off_sum: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER cut_off_sum_no_replace_1 BEFORE INSERT ON cut_off_sum WHEN EXISTS (SELECT 1 FROM cut_off_sum WHERE cut_off_id = NEW.cut_off_id AND line_no = NEW.line_no) BEGIN SELECT RAISE(ABORT, 'cut_off_sum: rows of this table are never changed or deleted: correct by adding (R22)'); END
