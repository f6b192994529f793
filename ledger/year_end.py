"""The end of a financial year (the calendar's): its result, and the opening entries of the next (CGNC, R31).

Both follow from the balances at 31 December alone: done again they change nothing, unless something was booked since;
then they are taken back and done anew. They can be undone until December is closed. Class 9 is left alone: it is
analytic, and what it holds (reserve, grants, a tenant's account) runs on from year to year.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ledger.entry import OPENING, RESULT, REVERSED, Entry, Posting, reversal
from ledger.errors import PeriodOutOfOrder, UnknownAccount
from ledger.journal import RowWriter, insert_by_core, load_entry, post
from ledger.models import entry, posting
from ledger.openings import AWAITING_APPROPRIATION, LOSS, PROFIT


class Transfer(NamedTuple):
    """Accounts that begin so are emptied into another."""

    sources: tuple[str, ...]
    target: str
    label: str


# The CGNC's cascade of results, each from those before it.
_CASCADE = (
    Transfer(("61", "71"), "8100", "Résultat d'exploitation"),
    Transfer(("63", "73"), "8300", "Résultat financier"),
    Transfer(("8100", "8300"), "8400", "Résultat courant"),
    Transfer(("65", "75"), "8500", "Résultat non courant"),
    Transfer(("8400", "8500"), "8600", "Résultat avant impôts"),
    Transfer(("8600", "67"), "8800", "Résultat après impôts"),
)
_INCOME = ("6", "7")
_BALANCE_SHEET = ("1", "2", "3", "4", "5")


class YearEnd(NamedTuple):
    """The state of a year's end: whether the result is determined and the next year opened, as the balances demand.

    `result` is in centimes, a profit positive.
    """

    year: int
    result: int
    is_determined: bool
    is_opened: bool


def last_day_of(year: int) -> date:
    """Return 31 December of a year."""
    return date(year, 12, 31)


def year_end(connection: Connection, year: int) -> YearEnd:
    """Return how the end of a year stands."""
    left = _balances(connection, last_day_of(year), _INCOME)
    carried = [
        p.amount for e in _standing(connection, RESULT, year) for p in e.postings if p.account in AWAITING_APPROPRIATION
    ]
    result = -sum(carried) - sum(p.amount for p in left)
    return YearEnd(year, result, not left, _is_opened(connection, year, _held(connection, year)))


def close_year(
    connection: Connection, year: int, *, recorded_at: datetime, insert: RowWriter = insert_by_core
) -> YearEnd:
    """Carry classes 6 and 7 by way of class 8 to 1191 or 1199, and open the next year with classes 1 to 5.

    The next year opens with the result on 1181 or 1189, where it awaits its appropriation (R31). Entries that the
    balances still demand stay; the others are taken back first. `recorded_at` is a UTC instant. Raises PeriodOutOfOrder
    while the year before has income left, PeriodClosed, PeriodNotYetOpen, UnknownAccount.
    """
    if _balances(connection, last_day_of(year - 1), _INCOME):
        raise PeriodOutOfOrder(f"the accounts of {year - 1} come first: years are closed one after the other")
    if _balances(connection, last_day_of(year), _INCOME):
        _take_back(connection, RESULT, year, recorded_at, insert)
        post(connection, _result_entries(connection, year), recorded_at=recorded_at, insert=insert)
    held = _held(connection, year)
    if not _is_opened(connection, year, held):
        _take_back(connection, OPENING, year, recorded_at, insert)
        post(connection, _opening_pair(connection, year, held), recorded_at=recorded_at, insert=insert)
    return year_end(connection, year)


def undo_year_end(
    connection: Connection, year: int, *, recorded_at: datetime, insert: RowWriter = insert_by_core
) -> YearEnd:
    """Take the result and the opening entries of a year back; raises PeriodClosed once December is closed."""
    for journal in (OPENING, RESULT):
        _take_back(connection, journal, year, recorded_at, insert)
    return year_end(connection, year)


def opening_reference(connection: Connection, year: int) -> str | None:
    """Return the reference of the entry that opens a year's accounts; None while nothing has opened it."""
    standing = _standing_references(_references(connection, OPENING, year - 1))
    return standing[-1] if standing else None


def _balances(connection: Connection, until: date, classes: Sequence[str]) -> list[Posting]:
    """Return what the accounts of some classes hold at the end of a day, by auxiliary and site, without zeros."""
    p = posting.c
    total = func.sum(p.amount)
    balances = connection.execute(
        select(p.account, total, p.auxiliary, p.site)
        .where(func.substr(p.account, 1, 1).in_(classes), p.effective_on <= until)
        .group_by(p.account, p.auxiliary, p.site)
        .having(total != 0)
    )
    rows = [Posting(account, int(amount), auxiliary, site) for account, amount, auxiliary, site in balances]
    return sorted(rows, key=lambda row: (row.account, row.auxiliary or "", row.site or ""))


def _result_entries(connection: Connection, year: int) -> list[Entry]:
    """Return the cascade from classes 6 and 7, as they stand, to the result of the year."""
    held = _balances(connection, last_day_of(year), _INCOME)
    attempt = _next_attempt(connection, RESULT, year)
    entries = []
    for transfer in _CASCADE:
        moved = [row for row in held if row.account.startswith(transfer.sources)]
        held = [row for row in held if row not in moved]
        if not moved:
            continue
        entries.append(_transfer(year, attempt, transfer, moved))
        total = sum(row.amount for row in moved)
        if total:
            held.append(Posting(transfer.target, total))
    strangers = sorted({row.account for row in held if row.account != "8800"})
    if strangers:
        raise UnknownAccount(f"{', '.join(strangers)} belongs to no part of the result: book it elsewhere first")
    for row in held:
        account = LOSS if row.amount > 0 else PROFIT
        entries.append(_transfer(year, attempt, Transfer(("8800",), account, "Résultat net de l'exercice"), [row]))
    return entries


def _transfer(year: int, attempt: int, transfer: Transfer, moved: Sequence[Posting]) -> Entry:
    """Return the entry that empties accounts into another; it may bring it nothing."""
    total = sum(row.amount for row in moved)
    postings = [row._replace(amount=-row.amount) for row in moved]
    if total:
        postings.append(Posting(transfer.target, total))
    return Entry(
        reference=f"{RESULT}/{year}/{attempt}/{transfer.target}",
        journal=RESULT,
        effective_on=last_day_of(year),
        label=f"{transfer.label} {year}",
        piece=f"Exercice {year}",
        postings=tuple(postings),
    )


def _held(connection: Connection, year: int) -> tuple[Posting, ...]:
    """Return what the balance sheet holds at the end of a year."""
    return tuple(_balances(connection, last_day_of(year), _BALANCE_SHEET))


def _is_opened(connection: Connection, year: int, held: tuple[Posting, ...]) -> bool:
    """Return whether the standing opening entries open the next year with what the old one held.

    Years that were ended before the result left 1191 or 1199 stay as they are: the next opening takes it along.
    """
    standing = _standing(connection, OPENING, year)
    return (standing[-1].postings if standing else ()) in (_carried(held), held)


def _carried(held: tuple[Posting, ...]) -> tuple[Posting, ...]:
    """Return what the next year opens with: the balances held, results where they await their appropriation."""
    sums: dict[tuple[str, str, str], Posting] = {}
    for row in held:
        account = AWAITING_APPROPRIATION.get(row.account, row.account)
        key = account, row.auxiliary or "", row.site or ""
        amount = row.amount + (sums[key].amount if key in sums else 0)
        sums[key] = row._replace(account=account, amount=amount)
    return tuple(sums[key] for key in sorted(sums) if sums[key].amount)


def _opening_pair(connection: Connection, year: int, held: tuple[Posting, ...]) -> list[Entry]:
    """Return two entries of one day: the old year's accounts are emptied, and the new one's opened.

    Together they move nothing but the result, so the balance of any account at any day is the sum of its postings,
    whatever the year.
    """
    if not held:
        return []
    attempt = _next_attempt(connection, OPENING, year)
    emptied = tuple(row._replace(amount=-row.amount) for row in held)
    return [
        Entry(
            reference=f"{OPENING}/{year}/{attempt}/{name}",
            journal=OPENING,
            effective_on=date(year + 1, 1, 1),
            label=label,
            piece=f"Exercice {year + 1}",
            postings=postings,
        )
        for name, label, postings in (
            ("cloture", f"Clôture des comptes de l'exercice {year}", emptied),
            ("ouverture", f"À-nouveaux de l'exercice {year + 1}", _carried(held) or held),
        )
    ]


def _references(connection: Connection, journal: str, year: int) -> list[str]:
    of_year = entry.c.reference.startswith(f"{journal}/{year}/", autoescape=True)
    return list(
        connection.scalars(select(entry.c.reference).where(entry.c.journal == journal, of_year).order_by(entry.c.id))
    )


def _next_attempt(connection: Connection, journal: str, year: int) -> int:
    return 1 + max((int(name.split("/")[2]) for name in _references(connection, journal, year)), default=0)


def _standing_references(references: Iterable[str]) -> list[str]:
    names = list(references)
    gone = {name.removesuffix(REVERSED) for name in names if name.endswith(REVERSED)}
    return [name for name in names if name not in gone and not name.endswith(REVERSED)]


def _standing(connection: Connection, journal: str, year: int) -> list[Entry]:
    """Return the entries of a year's end that are not taken back, in order."""
    loaded = (load_entry(connection, name) for name in _standing_references(_references(connection, journal, year)))
    return [e for e in loaded if e is not None]


def _take_back(connection: Connection, journal: str, year: int, recorded_at: datetime, insert: RowWriter) -> None:
    standing = _standing(connection, journal, year)
    taken_back = [reversal(e, f"{e.reference}{REVERSED}", e.effective_on, f"Annulation - {e.label}") for e in standing]
    post(connection, taken_back, recorded_at=recorded_at, insert=insert)
