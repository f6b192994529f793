ALTER TABLE debt_act ADD COLUMN reference TEXT
-- next
ALTER TABLE debt_act ADD COLUMN booked_on DATE
-- next
ALTER TABLE deposit_movement ADD COLUMN booked_on DATE
-- next
ALTER TABLE deposit_movement ADD COLUMN occurrence INTEGER DEFAULT '1' NOT NULL
-- next
ALTER TABLE deposit_movement DROP CONSTRAINT uq_deposit_movement_deposit_id_kind_reference
-- next
ALTER TABLE deposit_movement ADD CONSTRAINT uq_deposit_movement_deposit_id_kind_reference_occurrence UNIQUE (deposit_id, kind, reference, occurrence)
-- next
ALTER TABLE settlement DROP CONSTRAINT ck_settlement_act
-- next
ALTER TABLE settlement ADD CONSTRAINT ck_settlement_act CHECK (act IN ('allocated', 'undone', 'cleared', 'issued', 'refunded', 'unrefunded', 'written_off', 'recovered', 'unrecovered', 'brought'))
-- next
CREATE TABLE debt_cancellation (
    debt_act_id BIGINT NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    vat BIGINT NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_debt_cancellation PRIMARY KEY (debt_act_id),
    CONSTRAINT ck_debt_cancellation_reason CHECK (reason <> '' AND vat >= 0),
    CONSTRAINT fk_debt_cancellation_debt_act_id FOREIGN KEY(debt_act_id) REFERENCES debt_act (id)
)
-- next
CREATE TABLE deposit_cancellation (
    deposit_id BIGINT NOT NULL,
    movement_no INTEGER NOT NULL,
    cancelled_on DATE NOT NULL,
    booked_on DATE NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_deposit_cancellation PRIMARY KEY (deposit_id, movement_no),
    CONSTRAINT fk_deposit_cancellation_deposit_id_movement_no FOREIGN KEY(deposit_id, movement_no) REFERENCES deposit_movement (deposit_id, movement_no),
    CONSTRAINT ck_deposit_cancellation_reason CHECK (reason <> '')
)
-- next
CREATE TABLE certificate_withdrawal (
    receipt_id BIGINT NOT NULL,
    kind VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_certificate_withdrawal PRIMARY KEY (receipt_id, kind, version),
    CONSTRAINT fk_certificate_withdrawal_receipt_id_kind_version FOREIGN KEY(receipt_id, kind, version) REFERENCES receipt_certificate (receipt_id, kind, version),
    CONSTRAINT ck_certificate_withdrawal_reason CHECK (reason <> '')
)
-- next
CREATE TRIGGER certificate_withdrawal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER debt_cancellation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON debt_cancellation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
-- next
CREATE TRIGGER deposit_cancellation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deposit_cancellation FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
