"""Money of lost debts cancelled that never came (R25): what is lost is as before, and its VAT goes back.

`billing.bank.cancelling` is what commands and addresses call: a bank line that named the money waits again by it.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from billing.entries.cancelling import cancellation
from billing.entries.debts import RECOVERED, Decision, decision_entry
from billing.frame.audit_log import record_change
from billing.frame.codes import DEBT_ACT
from billing.frame.database import change_facts, change_receivables, insert_rows
from billing.frame.errors import Conflict, Unknown
from billing.receivables.debts.deciding import acts, lost_of
from billing.receivables.receipts.acting import require_reason_text
from billing.receivables.receipts.cancelling import Cancelled, cancellation_days
from billing.receivables.tables.debts import debt_act, debt_cancellation
from billing.receivables.tables.receipts import SettlementAct, settlement
from ledger.journal import post
from pricing.money import format_amount
from pricing.running_shares import Exact, Moved


def find_recovery(connection: Connection, key: int) -> Row[Any]:
    """Return what was recovered of a lost debt; raises Unknown, Conflict for a decision of another kind."""
    row = connection.execute(acts().where(debt_act.c.id == key)).one_or_none()
    name = DEBT_ACT.format(key)
    if row is None:
        raise Unknown(f"there is no decision {name} about a debt")
    if row.kind != RECOVERED:
        raise Conflict(f"{name} ({row.kind}) is no money that came: decide the opposite, where there is one")
    return row


def cancel_recovery(
    connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel what was recovered of a lost debt: its entry is reversed, and its exact share of VAT goes back (R26).

    Of its own day unless `on` is given; booked on the first open day where that month is closed. Raises Unknown,
    Refused; Conflict if it was cancelled already.
    """
    change_facts(connection)
    change_receivables(connection)
    row = find_recovery(connection, key)
    name = DEBT_ACT.format(key)
    if row.cancelled_on is not None:
        raise Conflict(f"{name} was cancelled on {row.cancelled_on} already")
    reason = require_reason_text(reason)
    booked_on = row.booked_on or row.decided_on
    made = cancellation_days(connection, booked_on, [], on, recorded_at)
    back = _back(connection, row)
    rows = [
        (
            row.document_id, SettlementAct.UNRECOVERED, key, rate, made.booked_on, 0, 0, 0, base, vat, None,
            None if exact is None else str(exact),
        )
        for rate, base, vat, _, _, exact, _ in back
        if base or vat or exact
    ]  # fmt: skip
    insert_rows(connection, settlement, settlement.columns.keys(), rows)
    vat = -sum(moved.vat for moved in back)
    values = (key, made.cancelled_on, made.booked_on, vat, reason, recorded_at)
    insert_rows(connection, debt_cancellation, debt_cancellation.columns.keys(), [values])
    decision = Decision(RECOVERED, booked_on, row.amount, vat, 0, reference=row.reference)
    entry = cancellation(decision_entry(key, row.number, row.tenant, decision), made.booked_on)
    post(connection, [entry], recorded_at=recorded_at, insert=insert_rows)
    told = {"invoice": row.number, "amount": format_amount(row.amount), "reference": row.reference}
    record_change(connection, "debts", name, told, {"cancelled_on": str(made.cancelled_on)})
    return made._replace(references=(entry.reference,))


def _back(connection: Connection, row: Row[Any]) -> list[Moved]:
    """Return what goes back by VAT rate, below zero: the exact share; of VAT that was due at issue, none did."""
    s = settlement.c
    of_document = (s.document_id == row.document_id, s.act.in_((SettlementAct.ISSUED, SettlementAct.RECOVERED)))
    stood = connection.execute(select(settlement).where(*of_document).order_by(s.rate)).all()
    its = [part for part in stood if part.act == SettlementAct.RECOVERED and part.act_id == row.id]
    if any(part.act == SettlementAct.ISSUED for part in stood):
        return [Moved(part.rate, -part.base_due, -part.vat_due) for part in its]
    shares = {
        part.rate: Exact.of(part.base_due, part.vat_due) if part.exact_due is None else Exact.parse(part.exact_due)
        for part in its
    }
    return lost_of(connection, row.document_id).undo(shares, {})
