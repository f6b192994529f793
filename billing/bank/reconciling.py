"""The bank's balance against ours (5141): what parts them, line by line and entry by entry, to the centime.

the bank's closing balance
- what it had before its first statement, which nobody has told us of
- lines that wait for a decision, or that the books have on a later day
+ entries on 5141 that no line of the statements up to that day stands for
= the balance of 5141 on that day
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Connection, and_, cast, exists, func, not_, select

from billing.bank.importing import line_name, name_of
from billing.bank.pool import BANK_ACCOUNT, bank_postings, is_latest
from billing.bank.tables import bank_line, bank_statement, line_decision, line_entry
from billing.frame.errors import Unknown
from billing.frame.reports.formats import require_format
from ledger.balances import account_balance
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from ledger.models import entry, posting
from pricing.money import format_amount

OPENING, WAITING, LATER, UNTOLD = "opening", "waiting", "later", "untold"
LABELS = {
    OPENING: "Solde avant le premier relevé",
    WAITING: "Ligne du relevé non comptabilisée",
    LATER: "Ligne du relevé comptabilisée à une autre date",
    UNTOLD: "Écriture absente des relevés",
}
COLUMNS = (
    Column("Nature", Kind.TEXT),
    Column("Référence", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Libellé", Kind.TEXT),
    Column("Montant", Kind.AMOUNT),
)


class Parting(NamedTuple):
    """One thing that parts the two balances: `amount` is how much more the bank has by it, in centimes."""

    kind: str
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
        """How much more the bank says than the books do."""
        return self.bank - self.books

    @property
    def unexplained(self) -> int:
        """What nothing explains: nil, or `check` says why not."""
        return self.difference - sum(parting.amount for parting in self.partings)


def reconcile(connection: Connection, own_account: str, on: date | None = None) -> Reconciliation:
    """The account's balance at the bank against 5141 on the day of the latest statement up to `on` (None: of all).

    Raises Unknown where there is no statement yet.
    """
    c = bank_statement.c
    found = select(bank_statement).where(c.account == own_account).order_by(c.place.desc()).limit(1)
    if on is not None:
        found = found.where(c.closed_on <= on)
    head = connection.execute(found).one_or_none()
    if head is None:
        until = "" if on is None else f" up to {on}"
        raise Unknown(f"there is no statement of account {own_account}{until}: import one first")
    earliest = select(c.id, c.opening, c.closed_on).where(c.account == own_account).order_by(c.place).limit(1)
    first = connection.execute(earliest).one()
    partings = [Parting(OPENING, name_of(first.id), first.closed_on, LABELS[OPENING], int(first.opening))]
    partings += _lines(connection, own_account, head.place, head.closed_on)
    partings += _entries(connection, own_account, head.place, head.closed_on)
    books = account_balance(connection, BANK_ACCOUNT, head.closed_on)
    told = tuple(parting for parting in partings if parting.amount)
    return Reconciliation(name_of(head.id), head.closed_on, int(head.closing), books, told)


def _linked() -> Any:
    """The entries of decisions that count, with their lines: (statement, line, entry)."""
    x, d = line_entry.c, line_decision.c
    return (
        select(x.statement_id, x.line_no, x.entry)
        .join(
            line_decision,
            and_(d.statement_id == x.statement_id, d.line_no == x.line_no, d.decision_no == x.decision_no),
        )
        .where(is_latest())
    )


def _lines(connection: Connection, own_account: str, place: int, on: date) -> Iterator[Parting]:
    """Lines that the books don't have by that day, or not by all of their amount."""
    linked = _linked().subquery()
    booked = (
        select(linked.c.statement_id, linked.c.line_no, func.sum(posting.c.amount).label("amount"))
        .join(entry, entry.c.reference == linked.c.entry)
        .join(posting, posting.c.entry_id == entry.c.id)
        .where(bank_postings(), posting.c.effective_on <= on)
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
        .where(bank_statement.c.account == own_account, bank_statement.c.place <= place, left != 0)
        .order_by(bank_line.c.statement_id, bank_line.c.line_no)
    )
    for row in rows:
        kind = LATER if row.decided else WAITING
        said = " ".join(part for part in (row.counterparty, row.text, row.bank_reference) if part)
        yield Parting(kind, line_name(row.statement_id, row.line_no), row.booked_on, said, int(row.left))


def _entries(connection: Connection, own_account: str, place: int, on: date) -> Iterator[Parting]:
    """Entries by that day that no line up to it stands for; one and its reversal that cancel out are left out."""
    linked = _linked().subquery()
    is_told = exists(
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
        .where(bank_postings(), posting.c.effective_on <= on)
        .group_by(posting.c.entry_id)
        .having(func.sum(posting.c.amount) != 0)
        .subquery()
    )
    rows = connection.execute(
        select(entry.c.reference, entry.c.effective_on, entry.c.label, moved.c.amount)
        .join(moved, moved.c.entry_id == entry.c.id)
        .where(not_(is_told))
        .order_by(entry.c.id)
    ).all()
    amounts = {row.reference: int(row.amount) for row in rows}
    for row in rows:
        partner = row.reference.removesuffix("/annulation")
        other = partner if partner != row.reference else f"{row.reference}/annulation"
        if amounts.get(other) == -amounts[row.reference]:
            continue
        yield Parting(UNTOLD, row.reference, row.effective_on, row.label, -int(row.amount))


def reconciliation_json(found: Reconciliation) -> dict[str, Any]:
    """The reconciliation as JSON; `amount` is how much more the bank has by it."""
    return {
        "statement": found.statement,
        "on": found.on.isoformat(),
        "bank": format_amount(found.bank),
        "books": format_amount(found.books),
        "difference": format_amount(found.difference),
        "unexplained": format_amount(found.unexplained),
        "partings": [
            {
                "kind": one.kind,
                "reference": one.reference,
                "on": one.on.isoformat(),
                "text": one.text,
                "amount": format_amount(one.amount),
            }
            for one in found.partings
        ],
    }


def pieces(connection: Connection, own_account: str, on: date | None, file_format: str) -> Iterator[bytes]:
    """The reconciliation as pieces of a file: JSON, CSV, XLSX. Raises Unknown."""
    require_format(file_format)
    found = reconcile(connection, own_account, on)
    if file_format == "json":
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return iter([orjson.dumps(reconciliation_json(found), option=option)])
    rows = [
        ("Solde de la banque", found.statement, found.on, "Solde au relevé", found.bank),
        *((LABELS[one.kind], one.reference, one.on, one.text, -one.amount) for one in found.partings),
        ("Écart inexpliqué", "", found.on, "", -found.unexplained),
        ("Solde en comptabilité", BANK_ACCOUNT, found.on, "Solde du compte", found.books),
    ]
    return table(file_format, "Rapprochement", COLUMNS, rows)
