"""A year's cut-off is booked on its last day and taken back on the first of January (R31)."""

from datetime import date, datetime

from sqlalchemy import Connection, func, select

from billing.books.cut_off.proposing import Proposal, propose
from billing.books.cut_off.tables import cut_off, cut_off_sum
from billing.entries.cut_off import cut_off_entries
from billing.frame.audit_log import record_change
from billing.frame.codes import CUT_OFF
from billing.frame.database import change_facts, change_runs, insert_rows
from billing.frame.errors import PeriodRefused
from ledger.journal import post
from ledger.year_end import last_day_of
from pricing.money import format_amount


def book_cut_off(
    connection: Connection, year: int, *, today: date, recorded_at: datetime
) -> tuple[Proposal, str | None]:
    """Book what is left of a year's cut-off; return the proposal as it was, and the number booked; None: nothing.

    Booked again it changes nothing, unless facts have changed: then the difference is booked. Raises PeriodRefused,
    PeriodClosed and PeriodNotYetOpen: both the year's last day and the first of January must be open.
    """
    if last_day_of(year) >= today:
        raise PeriodRefused(f"{year} has not ended: book its cut-off once it has")
    # Nothing is billed, and no fact changes, between what is proposed and what is booked.
    change_runs(connection)
    change_facts(connection)
    proposal = propose(connection, year)
    left = proposal.left
    if not left:
        return proposal, None
    key = int(connection.scalar(select(func.coalesce(func.max(cut_off.c.id), 0))) or 0) + 1
    insert_rows(connection, cut_off, tuple(cut_off.c.keys()), [(key, year, recorded_at)])
    rows = [(key, line_no, *one) for line_no, one in enumerate(left, 1)]
    insert_rows(connection, cut_off_sum, tuple(cut_off_sum.c.keys()), rows)
    entries = cut_off_entries(key, year, left)
    post(connection, entries, recorded_at=recorded_at, insert=insert_rows)
    revenue = -sum(p.amount for p in entries[0].postings if p.account.startswith("7"))
    after = {"year": year, "sums": len(left), "revenue": format_amount(revenue)}
    record_change(connection, "cut-offs", CUT_OFF.format(key), None, after)
    return proposal, CUT_OFF.format(key)
