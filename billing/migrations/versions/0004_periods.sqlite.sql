CREATE TABLE period_act (
    id INTEGER NOT NULL,
    month DATE NOT NULL,
    action VARCHAR(8) NOT NULL,
    recorded_at DATETIME NOT NULL,
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
    closing INTEGER NOT NULL,
    account VARCHAR(16) NOT NULL,
    debit BIGINT NOT NULL,
    credit BIGINT NOT NULL,
    CONSTRAINT pk_period_balance PRIMARY KEY (closing, account),
    CONSTRAINT fk_period_balance_closing FOREIGN KEY(closing) REFERENCES period_act (id)
)
 WITHOUT ROWID
-- next
CREATE TRIGGER period_act_no_update BEFORE UPDATE ON period_act BEGIN SELECT RAISE(ABORT, 'period_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER period_act_no_delete BEFORE DELETE ON period_act BEGIN SELECT RAISE(ABORT, 'period_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER period_balance_no_update BEFORE UPDATE ON period_balance BEGIN SELECT RAISE(ABORT, 'period_balance: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER period_balance_no_delete BEFORE DELETE ON period_balance BEGIN SELECT RAISE(ABORT, 'period_balance: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER period_act_no_replace_1 BEFORE INSERT ON period_act WHEN EXISTS (SELECT 1 FROM period_act WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'period_act: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER period_balance_no_replace_1 BEFORE INSERT ON period_balance WHEN EXISTS (SELECT 1 FROM period_balance WHERE closing = NEW.closing AND account = NEW.account) BEGIN SELECT RAISE(ABORT, 'period_balance: rows of this table are never changed or deleted: correct by adding (R22)'); END
-- next
CREATE TRIGGER entry_in_open_month BEFORE INSERT ON entry WHEN NEW.effective_on <= (SELECT closed_through FROM period_act ORDER BY id DESC LIMIT 1) OR NEW.effective_on > (SELECT open_through FROM period_act ORDER BY id DESC LIMIT 1) BEGIN SELECT RAISE(ABORT, 'entry: only open months are posted to (R22)'); END
-- next
CREATE TRIGGER account_day_no_insert_closed BEFORE INSERT ON account_day WHEN NEW.day <= (SELECT closed_through FROM period_act ORDER BY id DESC LIMIT 1) BEGIN SELECT RAISE(ABORT, 'account_day: what accounts moved in closed months never changes (R22)'); END
-- next
CREATE TRIGGER account_day_no_update_closed BEFORE UPDATE ON account_day WHEN OLD.day <= (SELECT closed_through FROM period_act ORDER BY id DESC LIMIT 1) OR NEW.day <= (SELECT closed_through FROM period_act ORDER BY id DESC LIMIT 1) BEGIN SELECT RAISE(ABORT, 'account_day: what accounts moved in closed months never changes (R22)'); END
-- next
CREATE TRIGGER account_day_no_delete_closed BEFORE DELETE ON account_day WHEN OLD.day <= (SELECT closed_through FROM period_act ORDER BY id DESC LIMIT 1) BEGIN SELECT RAISE(ABORT, 'account_day: what accounts moved in closed months never changes (R22)'); END
