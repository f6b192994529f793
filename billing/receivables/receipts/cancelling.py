"""Receipts cancelled that should never have been entered (R25), and refunds that were never paid: both stay on record.

`billing.bank.cancelling` is what commands and addresses call: a bank line that named the receipt waits again by it.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from billing.entries.accounts import CLIENTS, UNPLACED
from billing.entries.cancelling import cancellation
from billing.entries.receivables import BROUGHT, Held, cancellation_entry, refund_entry
from billing.frame.audit_log import record_change
from billing.frame.codes import RECEIPT, REFUND
from billing.frame.database import change_receivables
from billing.frame.errors import Conflict, Unknown
from billing.receivables.cash_desk.taking import stamp_taken_back
from billing.receivables.open_items.open_items import is_standing_refund
from billing.receivables.open_items.standing import documents_keyed, exact_shares
from billing.receivables.receipts.acting import (
    acting_day,
    booked_on_of,
    require_not_cancelled,
    require_reason_text,
    require_row,
)
from billing.receivables.receipts.clearing import events_of, head_of, held_of, legs_of, standing_of
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.undoing import last_day_of, take_back
from billing.receivables.tables.receipts import (
    EventKind,
    SettlementAct,
    allocation_undoing,
    placement,
    placement_withdrawal,
    receipt_cancellation,
    refund,
    refund_cancellation,
    settlement,
)
from ledger.periods import first_open_day, require_open
from pricing.money import format_amount
from pricing.period import first_of_month, format_month


class Cancelled(NamedTuple):
    """A cancellation: the day it is of and the day it is booked; `moved`: the money had not gone back before.

    `lines` are the bank lines that wait again by it, `references` those of its entries.
    """

    cancelled_on: date
    booked_on: date
    moved: bool
    lines: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def booked(self) -> str:
        """Say so where it is booked on another day than it is of."""
        if self.booked_on == self.cancelled_on:
            return f" on {self.cancelled_on}"
        closed = format_month(first_of_month(self.cancelled_on))
        return f" on {self.cancelled_on}, booked on {self.booked_on} since {closed} is closed"


def cancel_receipt(
    connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel a receipt: its allocations are undone, its entry is reversed, its VAT goes back; it counts nowhere (R25).

    Of the day of the receipt unless `on` is given, but never before the last act it takes back; booked on the first
    open day where that month is closed. Raises Unknown, Refused; Conflict if it was cancelled already, or where money
    of it was paid back.
    """
    change_receivables(connection)
    head = require_row(connection, key)
    require_not_cancelled(connection, key)
    if head.means == BROUGHT:
        raise Conflict(f"{RECEIPT.format(key)} is credit that was taken on with the park: pay it back, or allocate it")
    reason = require_reason_text(reason)
    _require_not_paid_back(connection, key)
    rows = standing_of(connection, key)
    events = events_of(connection, key)
    days = [last_day_of(connection, row) for row in rows] + [row.booked_on for row in events.values()]
    made = cancellation_days(connection, booked_on_of(head), [*days, *_placing_days(connection, key)], on, recorded_at)
    records = Records(connection, recorded_at)
    # Read before anything is taken back.
    held, legs = held_of(connection, key), legs_of(connection, key)
    cleared = events.get(EventKind.CLEARED)
    bounced = EventKind.BOUNCED in events
    settled = take_back(connection, records, rows, made.booked_on)
    for row in rows:
        records.add(allocation_undoing, row.id, made.booked_on, reason, 1, recorded_at)
    records.add(receipt_cancellation, key, made.cancelled_on, made.booked_on, reason, recorded_at)
    if not bounced:
        cleared_to = None if cleared is None else cleared.account
        records.book(cancellation_entry(head_of(head), made.booked_on, legs, settled, held, cleared_to))
    records.book(stamp_taken_back(connection, key, made.booked_on))
    record_change(connection, "receipts", RECEIPT.format(key), _told(head), {"cancelled_on": str(made.cancelled_on)})
    records.write()
    return made._replace(moved=not bounced, references=tuple(entry.reference for entry in records.entries))


def cancel_refund(
    connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel a refund that was never paid: the credit or the credit note it paid back is there again, with its VAT.

    Of the day of the refund unless `on` is given. Raises Unknown, Refused; Conflict if it was cancelled already.
    """
    change_receivables(connection)
    number = REFUND.format(key)
    row = connection.execute(select(refund).where(refund.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no refund {number}")
    c = refund_cancellation.c
    cancelled_on = connection.scalar(select(c.cancelled_on).where(c.refund_id == key))
    if cancelled_on is not None:
        raise Conflict(f"{number} was cancelled on {cancelled_on} already")
    if row.receipt_id is not None:
        require_not_cancelled(connection, row.receipt_id)
    reason = require_reason_text(reason)
    booked_on = row.refunded_on if row.booked_on is None else row.booked_on
    made = cancellation_days(connection, booked_on, [], on, recorded_at)
    records = Records(connection, recorded_at)
    records.add(refund_cancellation, key, made.cancelled_on, made.booked_on, reason, recorded_at)
    if row.credit_note_id is None:
        records.reopened_placements.append(row.placement_id)
        held, vat, source = _held(connection, row), 0, RECEIPT.format(row.receipt_id)
    else:
        vat, source = _note_open_again(connection, records, row, made.booked_on)
        held = Held(CLIENTS, row.tenant, row.amount)
    records.book(cancellation(refund_entry(key, booked_on, row.means, row.account, held, vat, source), made.booked_on))
    record_change(
        connection, "refunds", number, {"amount": format_amount(row.amount)}, {"cancelled_on": str(made.cancelled_on)}
    )
    records.write()
    return made


def _note_open_again(connection: Connection, records: Records, row: Row[Any], on: date) -> tuple[int, str]:
    """Open again what a refund paid of its credit note; return the VAT that goes back, and the note's number."""
    s = settlement.c
    of_refund = (s.document_id == row.credit_note_id, s.act == SettlementAct.REFUNDED, s.act_id == row.id)
    stood = connection.execute(select(settlement).where(*of_refund)).all()
    (note,) = documents_keyed(connection, [row.credit_note_id]).values()
    back = note.take_back(*exact_shares(stood))
    return -records.settle(note, SettlementAct.UNREFUNDED, row.id, on, back), note.number


def _held(connection: Connection, row: Row[Any]) -> Held:
    """Return where the money of a refund lay."""
    account = connection.scalar(select(placement.c.account).where(placement.c.id == row.placement_id))
    return Held(account or UNPLACED, row.tenant, row.amount)


def _require_not_paid_back(connection: Connection, key: int) -> None:
    standing = select(refund.c.id).where(refund.c.receipt_id == key, is_standing_refund()).order_by(refund.c.id)
    numbers = [REFUND.format(paid) for paid in connection.scalars(standing)]
    if numbers:
        named = ", ".join(numbers)
        raise Conflict(
            f"{RECEIPT.format(key)} was paid back in part ({named}): cancel that first if it was never paid "
            f"(`payments cancel {numbers[0]}`); otherwise the money did come, and the receipt stands"
        )


def _placing_days(connection: Connection, key: int) -> list[date]:
    """Return the days on which parts of a receipt were placed and withdrawn."""
    p, w = placement.c, placement_withdrawal.c
    placed = connection.scalars(select(p.placed_on).where(p.receipt_id == key)).all()
    withdrawn = select(w.withdrawn_on).join(placement, p.id == w.placement_id).where(p.receipt_id == key)
    return [*placed, *connection.scalars(withdrawn)]


def cancellation_days(
    connection: Connection, own: date, others: list[date], on: date | None, recorded_at: datetime
) -> Cancelled:
    """Return the days of a cancellation: not before what it takes back, and booked in an open month."""
    if on is not None:
        acting_day(connection, on, recorded_at)
    least = max([own, *others])
    cancelled_on = max(on or least, least)
    booked_on = first_open_day(connection, cancelled_on)
    require_open(connection, booked_on)
    return Cancelled(cancelled_on, booked_on, moved=True)


def _told(head: Row[Any]) -> dict[str, str | None]:
    """Return a receipt as the audit log shows what was cancelled."""
    return {
        "means": head.means, "reference": head.reference, "value_date": str(head.value_date), "tenant": head.tenant,
        "amount": format_amount(head.amount),
    }  # fmt: skip
