CREATE TABLE period_act (
    id BIGINT NOT NULL,
    month DATE NOT NULL,
    action VARCHAR(8) NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason TEXT,
    digest VARCHAR(64) NOT NULL,
    closed_through DATE,
    open_through DATE NOT NULL,
    CONSTRAINT pk_period_act PRIMARY KEY (id),
    CONSTRAINT ck_period_act_action CHECK (action IN ('close', 'reopen'))
)
-- next
CREATE INDEX ix_period_act_month ON period_act (month)
-- next
CREATE TABLE period_balance (
    closing BIGINT NOT NULL,
    account VARCHAR(16) COLLATE "C" NOT NULL,
    debit BIGINT NOT NULL,
    credit BIGINT NOT NULL,
    CONSTRAINT pk_period_balance PRIMARY KEY (closing, account),
    CONSTRAINT fk_period_balance_closing FOREIGN KEY(closing) REFERENCES period_act (id)
)
-- next
CREATE TRIGGER period_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON period_act FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER period_balance_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON period_balance FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE FUNCTION check_months() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE closed date; ahead date; low date; high date;
            BEGIN
                SELECT closed_through, open_through INTO closed, ahead FROM period_act ORDER BY id DESC LIMIT 1;
                IF FOUND THEN
                    SELECT min(effective_on), max(effective_on) INTO low, high FROM added;
                    IF low <= closed OR high > ahead THEN
                        RAISE EXCEPTION 'entry: only open months are posted to (R22)' USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                END IF;
                RETURN NULL;
            END $$
-- next
CREATE TRIGGER entry_in_open_month AFTER INSERT ON entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_months()
-- next
CREATE FUNCTION check_days() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE closed date;
            BEGIN
                SELECT closed_through INTO closed FROM period_act ORDER BY id DESC LIMIT 1;
                IF TG_OP <> 'INSERT' AND OLD.day <= closed OR TG_OP <> 'DELETE' AND NEW.day <= closed THEN
                    RAISE EXCEPTION 'account_day: what accounts moved in closed months never changes (R22)' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
            END $$
-- next
CREATE TRIGGER account_day_closed BEFORE INSERT OR UPDATE OR DELETE ON account_day FOR EACH ROW EXECUTE FUNCTION check_days()
-- next
CREATE TRIGGER account_day_kept BEFORE TRUNCATE ON account_day FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
