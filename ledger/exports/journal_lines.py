"""The journal, line by line, as every format reads it: streamed, with accounts' labels."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from ledger.exports.columns import Cell, Column, Kind
from ledger.models import account, entry, posting

# Rows a database hands over at a time.
_BATCH = 5_000
# Stands for a journal where a file begins with what was held before.
BROUGHT_FORWARD = "REPORT"

JOURNAL_COLUMNS = (
    Column("number", Kind.COUNT),
    Column("reference", Kind.TEXT),
    Column("journal", Kind.TEXT),
    Column("effective_on", Kind.DAY),
    Column("recorded_at", Kind.INSTANT),
    Column("label", Kind.TEXT),
    Column("piece", Kind.TEXT),
    Column("line", Kind.COUNT),
    Column("account", Kind.TEXT),
    Column("account_label", Kind.TEXT),
    Column("auxiliary", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("debit", Kind.AMOUNT),
    Column("credit", Kind.AMOUNT),
)


class JournalLine(NamedTuple):
    """A posting with its entry. `amount` in centimes, debit positive; `recorded_at` in UTC."""

    number: int
    reference: str
    journal: str
    effective_on: date
    recorded_at: datetime
    label: str
    piece: str
    line: int
    account: str
    account_label: str
    auxiliary: str | None
    site: str | None
    amount: int

    @property
    def debit(self) -> int:
        """Return the debit, in centimes; 0 for a credit."""
        return max(self.amount, 0)

    @property
    def credit(self) -> int:
        """Return the credit, in centimes; 0 for a debit."""
        return max(-self.amount, 0)


class _Instants(dict[datetime, datetime]):
    """Instants in UTC: SQLite gives them without time zone, PostgreSQL in the session's."""

    def __missing__(self, stored: datetime) -> datetime:
        instant = stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)
        self[stored] = instant
        return instant


def between(column: ColumnElement[date], start: date | None, until: date | None) -> list[ColumnElement[bool]]:
    """Return the conditions that a day lies between two, both included; None leaves a side open."""
    return [
        *([] if start is None else [column >= start]),
        *([] if until is None else [column <= until]),
    ]


def journal_lines(
    connection: Connection, start: date | None, until: date | None, *order: ColumnElement[Any]
) -> Iterator[JournalLine]:
    """Return the lines of the entries from `start` to `until`, both included; by number unless `order` says else."""
    return chosen_lines(connection, between(entry.c.effective_on, start, until), *order)


def chosen_lines(
    connection: Connection, conditions: Iterable[ColumnElement[bool]], *order: ColumnElement[Any]
) -> Iterator[JournalLine]:
    """Yield the lines that meet the conditions on entry and posting; by number unless `order` says else."""
    labels = dict(connection.execute(select(account.c.code, account.c.label)).all())
    instants = _Instants()
    statement = (
        select(
            entry.c.id, entry.c.reference, entry.c.journal, entry.c.effective_on, entry.c.recorded_at, entry.c.label,
            entry.c.piece, posting.c.line_no, posting.c.account, posting.c.auxiliary, posting.c.site, posting.c.amount,
        )
        .join(posting, posting.c.entry_id == entry.c.id)
        .where(*conditions)
        .order_by(*order, entry.c.id, posting.c.line_no)
    )  # fmt: skip
    for row in connection.execute(statement, execution_options={"yield_per": _BATCH}):
        number, reference, journal, on, recorded_at, label, piece, line, code, auxiliary, site, amount = row
        # By place: by name it takes twice the time, and each of a year's files makes all its lines.
        yield JournalLine(
            number, reference, journal, on, instants[recorded_at], label, piece, line, code, labels[code], auxiliary,
            site, amount,
        )  # fmt: skip


def of_class_9(code: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether an account is analytic: its totals are never mixed with the general ledger's (R21)."""
    return code.startswith("9")


def entries_by_day(connection: Connection, start: date | None, until: date | None) -> Iterator[list[JournalLine]]:
    """Yield the entries, each as its lines, by day and number: the order of a book kept day by day."""
    for _, lines in groupby(journal_lines(connection, start, until, entry.c.effective_on), key=attrgetter("number")):
        yield list(lines)


def journal_cells(connection: Connection, start: date | None, until: date | None) -> Iterator[tuple[Cell, ...]]:
    """Yield the lines by number, as cells of JOURNAL_COLUMNS; of debit and credit the one that isn't meant is 0.00."""
    for line in journal_lines(connection, start, until):
        yield (*line[:-1], line.debit, line.credit)


def brought_forward(
    connection: Connection, start: date, *conditions: ColumnElement[bool]
) -> Iterator[list[JournalLine]]:
    """Yield what each account and auxiliary held before `start`: an entry for the general ledger, one for class 9.

    They stand in no journal: a file that begins on a day begins with them, so that its balances are the books'.
    """
    p = posting.c
    statement = (
        select(p.account, account.c.label, p.auxiliary, func.sum(p.amount))
        .join(account, account.c.code == p.account)
        .where(p.effective_on < start, *conditions)
        .group_by(p.account, account.c.label, p.auxiliary)
        .having(func.sum(p.amount) != 0)
        .order_by(of_class_9(p.account), p.account, p.auxiliary.is_not(None), p.auxiliary)
    )
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    eve = f"Soldes au {start - timedelta(days=1)}"
    rows = connection.execute(statement, execution_options={"yield_per": _BATCH})
    for is_analytic, held in groupby(rows, lambda row: row[0].startswith("9")):
        reference = f"{BROUGHT_FORWARD}/{start}/{'analytique' if is_analytic else 'general'}"
        yield [
            JournalLine(
                number=0,
                reference=reference,
                journal=BROUGHT_FORWARD,
                effective_on=start,
                recorded_at=midnight,
                label=eve,
                piece=str(start.year),
                line=place,
                account=code,
                account_label=label,
                auxiliary=auxiliary,
                site=None,
                amount=int(amount),
            )
            for place, (code, label, auxiliary, amount) in enumerate(held, 1)
        ]


class OpenedAccount(NamedTuple):
    """An account, or the part of it that is one tenant's or grant's, and the day it is first moved."""

    account: str
    label: str
    auxiliary: str | None
    first_moved_on: date


def opened_accounts(connection: Connection, start: date | None, until: date | None) -> Iterator[OpenedAccount]:
    """Return every account and auxiliary that moves from `start` to `until`, by account and auxiliary."""
    return _opened(connection, between(posting.c.effective_on, start, until))


def held_accounts(connection: Connection, start: date, until: date) -> Iterator[OpenedAccount]:
    """Yield the accounts of a period with those that stood before: these are opened on `start`."""
    for opened in _opened(connection, between(posting.c.effective_on, None, until)):
        yield opened._replace(first_moved_on=max(opened.first_moved_on, start))


def _opened(connection: Connection, conditions: Iterable[ColumnElement[bool]]) -> Iterator[OpenedAccount]:
    statement = (
        select(posting.c.account, account.c.label, posting.c.auxiliary, func.min(posting.c.effective_on))
        .join(account, account.c.code == posting.c.account)
        .where(*conditions)
        .group_by(posting.c.account, account.c.label, posting.c.auxiliary)
        .order_by(posting.c.account, posting.c.auxiliary.is_not(None), posting.c.auxiliary)
    )
    for row in connection.execute(statement, execution_options={"yield_per": _BATCH}):
        yield OpenedAccount(*row)
