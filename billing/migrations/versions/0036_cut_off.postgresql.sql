CREATE TABLE cut_off (
    id BIGINT NOT NULL,
    year INTEGER NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cut_off PRIMARY KEY (id)
)
-- next
CREATE TRIGGER cut_off_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cut_off FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TABLE cut_off_sum (
    cut_off_id BIGINT NOT NULL,
    line_no INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    site VARCHAR(64) COLLATE "C" NOT NULL,
    account VARCHAR(64) COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT pk_cut_off_sum PRIMARY KEY (cut_off_id, line_no),
    CONSTRAINT ck_cut_off_sum_kind CHECK (kind IN ('to_invoice', 'to_credit', 'ahead')),
    CONSTRAINT ck_cut_off_sum_amount CHECK (amount <> 0),
    CONSTRAINT fk_cut_off_sum_cut_off_id FOREIGN KEY(cut_off_id) REFERENCES cut_off (id)
)
-- next
CREATE TRIGGER cut_off_sum_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cut_off_sum FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
