"""The conditions of acts about money in: the receipt counts, the day is open, the reason can be kept."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from billing.entries.receivables import TO_BE_CLEARED
from billing.frame.audit_log import REASON_LENGTH_MAX
from billing.frame.bounds import PAST_DAYS_AHEAD_MAX, require_near
from billing.frame.civil_time import today
from billing.frame.codes import RECEIPT
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.receivables.open_items.open_items import UnallocatedCredit, credit_of, placements_left, unplaced_left
from billing.receivables.tables.receipts import EventKind, placement, receipt, receipt_cancellation, receipt_event
from ledger.openings import taken_on
from ledger.periods import first_open_day, limits, require_open


def require_receipt(connection: Connection, key: int) -> Row[Any]:
    """Return a receipt that still counts; raises Unknown, or Conflict for one cancelled or that came back unpaid."""
    head = require_row(connection, key)
    require_not_cancelled(connection, key)
    if EventKind.BOUNCED in _events(connection, key):
        raise Conflict(f"{RECEIPT.format(key)} came back unpaid: nothing can be done with it any more")
    return head


def require_row(connection: Connection, key: int) -> Row[Any]:
    """Return the row of a receipt, whatever became of it; raises Unknown."""
    head = connection.execute(select(receipt).where(receipt.c.id == key)).one_or_none()
    if head is None:
        raise Unknown(f"there is no receipt {RECEIPT.format(key)}")
    return head


def require_not_cancelled(connection: Connection, key: int) -> None:
    """Raise Conflict for a receipt that was cancelled."""
    c = receipt_cancellation.c
    cancelled_on = connection.scalar(select(c.cancelled_on).where(c.receipt_id == key))
    if cancelled_on is not None:
        raise Conflict(f"{RECEIPT.format(key)} was cancelled on {cancelled_on}: it counts nowhere any more")


def is_money(connection: Connection, head: Row[Any]) -> bool:
    """Return whether a receipt is money: no cheque or bill still to be cleared."""
    return head.means not in TO_BE_CLEARED or EventKind.CLEARED in _events(connection, head.id)


def money_day(connection: Connection, head: Row[Any]) -> date:
    """Return the day a receipt's money came: its value date, or the day its cheque or bill was cleared."""
    e = receipt_event.c
    cleared = select(e.booked_on).where(e.receipt_id == head.id, e.kind == EventKind.CLEARED)
    day: date | None = connection.scalar(cleared)
    return day or head.value_date


def _events(connection: Connection, key: int) -> set[str]:
    return set(connection.scalars(select(receipt_event.c.kind).where(receipt_event.c.receipt_id == key)))


def credit_left(connection: Connection, key: int) -> tuple[list[UnallocatedCredit], int]:
    """Return what a receipt has left: by placement, oldest first; and what nobody has placed."""
    p = placement.c
    rows = connection.execute(placements_left(p.receipt_id == key).order_by(p.placed_on, p.id))
    unplaced = connection.execute(unplaced_left(receipt.c.id == key)).one_or_none()
    return [credit_of(row) for row in rows], 0 if unplaced is None else int(unplaced.left)


def booked_on_of(head: Row[Any]) -> date:
    """Return the day that a receipt is booked: its value date, unless that month was closed."""
    on: date = head.value_date if head.booked_on is None else head.booked_on
    return on


def acting_day(connection: Connection, on: date | None, recorded_at: datetime) -> date:
    """Return the day an act is booked: `on`, or today in Casablanca; the first open day where its month is closed.

    Where nobody gave a day and this month is not open yet, it is the last open day; before a take-on, its day. Raises
    Refused for a day that is still to come, BeforeTheBooks, PeriodNotYetOpen.
    """
    present = today(recorded_at)
    if on is not None:
        require_near("payments", "on", on, present, PAST_DAYS_AHEAD_MAX)
    day = first_open_day(connection, on or max(present, taken_on(connection) or present))
    open_through = limits(connection).open_through
    if on is None and open_through is not None:
        return min(day, open_through)
    require_open(connection, day)
    return day


def require_reason_text(reason: str) -> str:
    """Return a reason as the database keeps it; raises Refused."""
    text = reason.strip()
    if not 0 < len(text) <= REASON_LENGTH_MAX or not text.isprintable():
        problem = f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed"
        raise refused("reason", None, problem, "say in a sentence why")
    return text


def refused(column: str, value: str | None, problem: str, remedy: str) -> Refused:
    """Return the refusal of an act for one fault."""
    return Refused([Fault("payments", None, column, value, problem, remedy)])
