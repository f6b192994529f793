"""The reconciliation of the bank's balance with ours (5141), line by line and entry by entry, to the centime.

the bank's closing balance
- the balance before its first statement
- lines that wait for a decision, or that the books have on a later day
+ entries on 5141 that stand for no line of the statements up to that day
= the balance of 5141 on that day
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Select, and_, cast, exists, func, not_, select

from billing.bank.naming import line_name, statement_name
from billing.bank.queries import is_latest, is_of_decision, is_withdrawn, moves_bank_account
from billing.bank.tables import bank_line, bank_statement, line_decision, line_entry
from billing.entries.accounts import BANK_ACCOUNT
from billing.frame.errors import Unknown
from ledger.balances import account_balance
from ledger.entry import OPENING, REVERSED
from ledger.models import entry, posting
from ledger.openings import is_take_on

# How the entries end that close a year and open the next: they cancel each other out.
_YEAR_END = ("/cloture", "/ouverture")


class PartingKind(StrEnum):
    """The kinds of what parts the two balances: lines wait or are booked later, no line tells of an entry."""

    OPENING = "opening"
    WAITING = "waiting"
    LATER = "later"
    UNTOLD = "untold"


LABELS = {
    PartingKind.OPENING: "Solde avant le premier relevé",
    PartingKind.WAITING: "Ligne du relevé non comptabilisée",
    PartingKind.LATER: "Ligne du relevé comptabilisée à une autre date",
    PartingKind.UNTOLD: "Écriture absente des relevés",
}


class Parting(NamedTuple):
    """One thing that parts the two balances: `amount` is how much more the bank has by it, in centimes."""

    kind: PartingKind
    reference: str
    on: date
    text: str
    amount: int


class Reconciliation(NamedTuple):
    """The two balances on the day of a statement, and all that parts them; centimes."""

    statement: str
    on: date
    bank: int
    books: int
    partings: tuple[Parting, ...]

    @property
    def difference(self) -> int:
        """Return how much more the bank says than the books do."""
        return self.bank - self.books

    @property
    def unexplained(self) -> int:
        """Return the difference that nothing explains: zero, or `check` says why not."""
        return self.difference - sum(parting.amount for parting in self.partings)


def reconcile(connection: Connection, own_account: str, on: date | None = None) -> Reconciliation:
    """Compare the account's balance at the bank with 5141 on the day of the latest statement up to `on` (None: of all).

    Raises Unknown where there is no statement yet.
    """
    c = bank_statement.c
    standing = and_(c.account == own_account, not_(is_withdrawn()))
    latest = select(bank_statement).where(standing).order_by(c.place.desc()).limit(1)
    if on is not None:
        latest = latest.where(c.closed_on <= on)
    head = connection.execute(latest).one_or_none()
    if head is None:
        until = "" if on is None else f" up to {on}"
        raise Unknown(f"there is no statement of account {own_account}{until}: import one first")
    earliest = select(c.id, c.opening, c.closed_on).where(standing).order_by(c.place).limit(1)
    first = connection.execute(earliest).one()
    kind = PartingKind.OPENING
    # The books may begin with a balance, too (R29): what both begin with parts them in nothing.
    brought = select(func.sum(posting.c.amount)).join(entry, entry.c.id == posting.c.entry_id)
    begun = int(
        connection.scalar(brought.where(moves_bank_account(), is_take_on(), posting.c.effective_on <= head.closed_on))
        or 0
    )
    opening = int(first.opening) - begun
    partings = [Parting(kind, statement_name(first.id), first.closed_on, LABELS[kind], opening)]
    partings += _lines(connection, own_account, head.place, head.closed_on)
    partings += _entries(connection, own_account, head.place, head.closed_on)
    books = account_balance(connection, BANK_ACCOUNT, head.closed_on)
    moving = tuple(parting for parting in partings if parting.amount)
    return Reconciliation(statement_name(head.id), head.closed_on, int(head.closing), books, moving)


def _linked() -> Select[Any]:
    """Return the entries of decisions that count, with their lines: (statement, line, entry)."""
    x = line_entry.c
    return select(x.statement_id, x.line_no, x.entry).join(line_decision, is_of_decision()).where(is_latest())


def _lines(connection: Connection, own_account: str, place: int, on: date) -> Iterator[Parting]:
    """Yield the lines that the books don't have by that day, or not by all of their amount."""
    linked = _linked().subquery()
    booked = (
        select(linked.c.statement_id, linked.c.line_no, func.sum(posting.c.amount).label("amount"))
        .join(entry, entry.c.reference == linked.c.entry)
        .join(posting, posting.c.entry_id == entry.c.id)
        .where(moves_bank_account(), posting.c.effective_on <= on)
        .group_by(linked.c.statement_id, linked.c.line_no)
        .subquery()
    )
    is_decided = exists().where(
        linked.c.statement_id == bank_line.c.statement_id, linked.c.line_no == bank_line.c.line_no
    )
    left = cast(bank_line.c.amount - func.coalesce(booked.c.amount, 0), BigInteger)
    rows = connection.execute(
        select(bank_line, left.label("left"), is_decided.label("decided"))
        .join(bank_statement, bank_statement.c.id == bank_line.c.statement_id)
        .outerjoin(
            booked,
            and_(booked.c.statement_id == bank_line.c.statement_id, booked.c.line_no == bank_line.c.line_no),
        )
        .where(
            bank_statement.c.account == own_account, bank_statement.c.place <= place, left != 0, not_(is_withdrawn())
        )
        .order_by(bank_line.c.statement_id, bank_line.c.line_no)
    )
    for row in rows:
        kind = PartingKind.LATER if row.decided else PartingKind.WAITING
        said = " ".join(part for part in (row.counterparty, row.text, row.bank_reference) if part)
        yield Parting(kind, line_name(row.statement_id, row.line_no), row.booked_on, said, int(row.left))


def _entries(connection: Connection, own_account: str, place: int, on: date) -> Iterator[Parting]:
    """Yield the entries by that day that stand for no line up to it, except those that their counterparts cancel."""
    linked = _linked().subquery()
    is_on_statement = exists(
        select(linked.c.entry)
        .join(bank_statement, bank_statement.c.id == linked.c.statement_id)
        .where(
            linked.c.entry == entry.c.reference,
            bank_statement.c.account == own_account,
            bank_statement.c.place <= place,
        )
    )
    moved = (
        select(posting.c.entry_id, func.sum(posting.c.amount).label("amount"))
        .where(moves_bank_account(), posting.c.effective_on <= on)
        .group_by(posting.c.entry_id)
        .having(func.sum(posting.c.amount) != 0)
        .subquery()
    )
    rows = connection.execute(
        select(entry.c.reference, entry.c.effective_on, entry.c.label, moved.c.amount)
        .join(moved, moved.c.entry_id == entry.c.id)
        .where(not_(is_on_statement), not_(is_take_on()))
        .order_by(entry.c.id)
    ).all()
    amounts = {row.reference: int(row.amount) for row in rows}
    for row in rows:
        if any(amounts.get(other) == -amounts[row.reference] for other in _counterparts(row.reference)):
            continue
        yield Parting(PartingKind.UNTOLD, row.reference, row.effective_on, row.label, -int(row.amount))


def _counterparts(reference: str) -> Iterator[str]:
    """Yield the entries that may cancel one out: its reversal or what it reverses, the other one of a year's end."""
    whole = reference.removesuffix(REVERSED)
    yield whole if whole != reference else f"{reference}{REVERSED}"
    for one, other in (_YEAR_END, _YEAR_END[::-1]):
        if reference.startswith(f"{OPENING}/") and reference.endswith(one):
            yield reference.removesuffix(one) + other
