"""Movements of deposits cancelled that never were (R25): both stay on record, and what is held is as before.

`billing.bank.cancelling` is what commands and addresses call: a bank line that named the movement waits again by it.
"""

from datetime import date, datetime

from sqlalchemy import Connection, Row, select

from billing.entries.cancelling import cancellation
from billing.entries.deposits import BROUGHT, MEANS_OF_ACCOUNT, RECEIVED, Movement, movement_entry
from billing.frame.audit_log import record_change
from billing.frame.codes import deposit_movement as deposit_movement_name
from billing.frame.database import change_facts, insert_rows
from billing.frame.errors import Conflict, Unknown
from billing.receivables.deposits.deposits import find_deposit, is_cancelled
from billing.receivables.receipts.acting import require_reason_text
from billing.receivables.receipts.cancelling import Cancelled, cancellation_days
from billing.receivables.tables.deposits import deposit_cancellation, deposit_movement
from ledger.journal import post
from pricing.money import format_amount


def find_movement(connection: Connection, key: int, movement_no: int) -> Row[tuple[object, ...]]:
    """Return a movement of a deposit, and whether it was cancelled; raises Unknown."""
    m = deposit_movement.c
    row = connection.execute(
        select(deposit_movement, is_cancelled().label("is_cancelled")).where(
            m.deposit_id == key, m.movement_no == movement_no
        )
    ).one_or_none()
    if row is None:
        raise Unknown(f"there is no movement {deposit_movement_name(key, movement_no)} of a deposit")
    return row


def cancel_movement(
    connection: Connection, key: int, movement_no: int, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel a movement of a deposit: its entry is reversed, what is held is as if it had never moved.

    Of its own day unless `on` is given; booked on the first open day where that month is closed. Raises Unknown,
    Refused; Conflict if it was cancelled already, or where the money it brought went back or paid invoices since.
    """
    change_facts(connection)
    row = find_movement(connection, key, movement_no)
    name = deposit_movement_name(key, movement_no)
    if row.is_cancelled:
        raise Conflict(f"{name} was cancelled already: it counts nowhere any more")
    if MEANS_OF_ACCOUNT[row.money_account] == BROUGHT:
        raise Conflict(f"{name} was taken on with the opening balances: give it back, or set it off")
    reason = require_reason_text(reason)
    standing = find_deposit(connection, key)
    held = standing.held + (-row.amount if row.kind == RECEIVED else row.amount)
    if not 0 <= held <= standing.amount:
        raise Conflict(
            f"{name} can't be cancelled: {format_amount(standing.held)} of {format_amount(standing.amount)} is held, "
            f"{format_amount(held)} would be; cancel first what was given back, set off or received since"
        )
    made = cancellation_days(connection, row.booked_on or row.moved_on, [], on, recorded_at)
    values = (key, movement_no, made.cancelled_on, made.booked_on, reason, recorded_at)
    insert_rows(connection, deposit_cancellation, deposit_cancellation.columns.keys(), [values])
    means = MEANS_OF_ACCOUNT[row.money_account]
    movement = Movement(row.kind, means, row.moved_on, row.amount, row.reference, row.reason, row.booked_on)
    entry = cancellation(movement_entry(key, movement_no, standing.tenant, movement), made.booked_on)
    post(connection, [entry], recorded_at=recorded_at, insert=insert_rows)
    told = {"kind": row.kind, "amount": format_amount(row.amount), "reference": row.reference}
    record_change(connection, "deposits", name, told, {"cancelled_on": str(made.cancelled_on)})
    return made._replace(references=(entry.reference,))
