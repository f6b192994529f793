"""Read what accounts, or the tenants and grants within them, held before a period and moved in it.

Entries that open a year (journal `AN`) say what an opening balance says already, so they are no movements here, but for
the result that they carry to where it awaits its appropriation (`ledger.openings`). No balance at a day's end changes.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from ledger.models import account, account_day, entry, posting
from ledger.openings import is_no_movement, is_of_results, opens_a_year
from ledger.reports.selection import Selection

_BATCH = 5_000
_EVER = date.min


class Movement(NamedTuple):
    """An account, or an auxiliary within it: balance before the period, debits and credits in it, in centimes."""

    account: str
    label: str
    auxiliary: str | None
    opening: int
    debit: int
    credit: int

    @property
    def closing(self) -> int:
        """Return the balance at the end of the period, debit positive."""
        return self.opening + self.debit - self.credit

    @property
    def is_idle(self) -> bool:
        """Return whether nothing stood before and nothing moved."""
        return not (self.opening or self.debit or self.credit)


def by_account(connection: Connection, selection: Selection) -> list[Movement]:
    """Return every account that was ever posted to until the end of the period, by account; some may be idle."""
    if selection.is_narrowed:
        return list(_movements(connection, _of_postings(selection)))
    opened = {code: (debit, credit) for code, debit, credit in openings(connection, selection)}
    return [
        moved._replace(opening=moved.opening + debit - credit, debit=moved.debit - debit, credit=moved.credit - credit)
        for moved in _movements(connection, _of_days(selection))
        for debit, credit in (opened.get(moved.account, (0, 0)),)
    ]


def by_auxiliary(connection: Connection, selection: Selection) -> Iterator[Movement]:
    """Return every tenant or grant that stood or moved, account by account."""
    p = posting.c
    statement = _of_postings(selection, p.auxiliary).where(p.auxiliary.is_not(None)).order_by(p.auxiliary)
    return (m for m in _movements(connection, statement) if not m.is_idle)


def openings(connection: Connection, selection: Selection) -> list[tuple[str, int, int]]:
    """Return what opening entries booked within the period that is no movement: debits and credits, in centimes."""
    p = posting.c
    rows = connection.execute(
        select(p.account, *sides(p.amount, literal(value=True)))
        .join(entry, entry.c.id == p.entry_id)
        .where(is_no_movement(selection.start), *selection.of_entries())
        .group_by(p.account)
        .order_by(p.account)
    )
    return [(code, int(debit), int(credit)) for code, debit, credit in rows]


def sides(amount: ColumnElement[int], within: ColumnElement[bool]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return the sums of debits and of credits."""
    return (
        func.coalesce(func.sum(case((within & (amount > 0), amount), else_=0)), 0),
        func.coalesce(func.sum(case((within & (amount < 0), -amount), else_=0)), 0),
    )


def _before(column: ColumnElement[date], selection: Selection) -> ColumnElement[bool]:
    return column < (selection.start or _EVER)


def _of_days(selection: Selection) -> Select[Any]:
    """Select from the sums that accounts moved each day."""
    d = account_day.c
    before = _before(d.day, selection)
    return (
        select(
            d.account, account.c.label, literal(None),
            func.sum(case((before, d.debit - d.credit), else_=0)),
            func.sum(case((before, 0), else_=d.debit)),
            func.sum(case((before, 0), else_=d.credit)),
        )
        .join(account, account.c.code == d.account)
        .where(*selection.of_accounts(d.account))
        .where(*([] if selection.until is None else [d.day <= selection.until]))
        .group_by(d.account, account.c.label)
        .order_by(d.account)
    )  # fmt: skip


def _of_postings(selection: Selection, *by: ColumnElement[str | None]) -> Select[Any]:
    """Select from the postings themselves, by account and whatever else."""
    p = posting.c
    opening_entries = select(entry.c.id).where(opens_a_year(), *selection.of_days(entry.c.effective_on))
    opens = p.entry_id.in_(opening_entries)
    before = _before(p.effective_on, selection)
    if selection.start is not None:
        before = or_(before, and_(opens, p.effective_on == selection.start))
    return (
        select(
            p.account, account.c.label, *(by or (literal(None),)),
            func.sum(case((before, p.amount), else_=0)),
            *sides(p.amount, ~before),
        )
        .join(account, account.c.code == p.account)
        .where(*selection.of_postings(), or_(~opens, is_of_results()))
        .where(*([] if selection.until is None else [p.effective_on <= selection.until]))
        .group_by(p.account, account.c.label, *by)
        .order_by(p.account)
    )  # fmt: skip


def _movements(connection: Connection, statement: Select[Any]) -> Iterator[Movement]:
    for code, label, auxiliary, opening, debit, credit in connection.execute(
        statement, execution_options={"yield_per": _BATCH}
    ):
        yield Movement(code, label, auxiliary, int(opening), int(debit), int(credit))
