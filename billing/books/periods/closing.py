"""The closing of months and years: what must be done before, and the audit log of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from billing.books.periods.checklist import waiting_lines
from billing.books.vat_return.advances import book_advances
from billing.frame.audit_log import act_of, record_change, require_reason
from billing.frame.database import insert_rows
from billing.frame.errors import PeriodRefused
from billing.frame.terms import Terms
from billing.register.tables import billing_run
from ledger.periods import Closing, close_month, last_day, limits, reopen_month
from ledger.year_end import YearEnd, close_year, last_day_of, undo_year_end, year_end
from pricing.money import format_amount
from pricing.period import format_month

DECEMBER = 12
# The setting that says whether a year's result is that of the operator's whole accounting.
WHOLE_BOOKS = "books.whole"


def close_period(
    connection: Connection,
    month: date,
    *,
    today: date,
    recorded_at: datetime,
    open_months_max: int,
    terms: Terms,
) -> Closing:
    """Close a month that has ended and whose run is finished; `recorded_at` is a UTC instant.

    The VAT on advances that it ends with is booked first, where they bear any (`vat.advances_on_receipt`).
    While bank lines of the month wait, only for a reason, which the act bears. Raises PeriodRefused, and what
    `ledger.periods.close_month` raises.
    """
    if last_day(month) >= today:
        raise PeriodRefused(f"{format_month(month)} has not ended: close it once it has")
    c = billing_run.c
    under_way = connection.execute(select(c.period, c.issued_on).where(c.status != "complete")).one_or_none()
    if under_way is not None and under_way.issued_on <= last_day(month):
        run = format_month(under_way.period)
        raise PeriodRefused(f"the run of {run} was interrupted: finish it first with `technopark-billing run {run}`")
    book_advances(connection, month, recorded_at=recorded_at, terms=terms)
    _require_year_ended(connection, month)
    waiting = waiting_lines(connection, month)
    if waiting.number and act_of(connection).reason is None:
        raise PeriodRefused(
            f"{format_month(month)} has {waiting}: decide them (`statements accept`), or give a reason why it is "
            "closed before; they are then booked on the first open day"
        )
    before = _standing(connection)
    closing = close_month(connection, month, recorded_at=recorded_at, open_months_max=open_months_max)
    after = _standing(connection) | {"digest": closing.digest}
    if waiting.number:
        after["waiting_bank_lines"] = waiting.number
    record_change(connection, "periods", format_month(month), before, after)
    _name(connection, closing)
    return closing


def reopen_period(connection: Connection, month: date, reason: str, *, recorded_at: datetime) -> Closing:
    """Reopen the month closed last, for a reason; `recorded_at` is a UTC instant. Raises PeriodOutOfOrder."""
    before = _standing(connection)
    reopening = reopen_month(connection, month, reason=reason, recorded_at=recorded_at)
    record_change(connection, "periods", format_month(month), before, _standing(connection))
    _name(connection, reopening)
    return reopening


def _name(connection: Connection, closing: Closing) -> None:
    """Name a closing or reopening by its number, so that the log of the proof holds it with its audit event."""
    record_change(connection, "closings", str(closing.number), None, {"digest": closing.digest})


def _standing(connection: Connection) -> dict[str, Any]:
    known = limits(connection)
    days = {"closed_through": known.closed_through, "open_through": known.open_through}
    return {name: None if day is None else day.isoformat() for name, day in days.items()}


def close_accounts_of(
    connection: Connection, year: int, *, today: date, recorded_at: datetime, terms: Terms
) -> YearEnd:
    """Determine the result of a year that has ended and open the next; done again it changes nothing (CGNC).

    Raises PeriodRefused, and what `ledger.year_end.close_year` raises.
    """
    if last_day_of(year) >= today:
        raise PeriodRefused(f"{year} has not ended: close its accounts once it has")
    # What the year's months that are open would book as they are closed belongs to what the next one opens with.
    for month in range(1, DECEMBER + 1):
        book_advances(connection, date(year, month, 1), recorded_at=recorded_at, terms=terms)
    before = _values(year_end(connection, year))
    closed = close_year(connection, year, recorded_at=recorded_at, insert=insert_rows)
    if _values(closed) != before:
        record_change(connection, "fiscal-years", str(year), before, _values(closed))
    return closed


def undo_accounts_of(connection: Connection, year: int, *, recorded_at: datetime) -> YearEnd:
    """Take the result and the opening entries of a year back, for the reason that was given.

    Raises ReasonRequired; PeriodClosed once December is closed.
    """
    require_reason(connection, f"undoing the end of {year}")
    before = _values(year_end(connection, year))
    undone = undo_year_end(connection, year, recorded_at=recorded_at, insert=insert_rows)
    record_change(connection, "fiscal-years", str(year), before, _values(undone))
    return undone


def _require_year_ended(connection: Connection, month: date) -> None:
    """Raise PeriodRefused for December before its year's result is determined and the next year opened."""
    if month.month == DECEMBER:
        ended = year_end(connection, month.year)
        if not ended.is_determined or not ended.is_opened:
            raise PeriodRefused(
                f"{format_month(month)} ends the year: close its accounts first with "
                f"`technopark-billing periods close-year {month.year}`"
            )


def _values(ended: YearEnd) -> dict[str, Any]:
    """Return a year's end as the audit log keeps it."""
    return {"result": format_amount(ended.result), "determined": ended.is_determined, "opened": ended.is_opened}
