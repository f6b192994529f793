"""List what is unfinished of a month or year before it is closed; waiting bank lines hinder that without a reason."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, select

from billing.approvals.queries import WAITING, approvals_listed
from billing.bank.naming import line_name
from billing.bank.queries import lines
from billing.books.cut_off.proposing import propose
from billing.frame.codes import RECEIPT
from billing.frame.counted import counted
from billing.frame.errors import PeriodRefused
from billing.receivables.receipts.certificates import WITHHOLDING_KEY, withholdings_select
from billing.receivables.receipts.queries import RECEIPT_KEY, receipts
from billing.receivables.receipts.shapes import ReceiptState
from billing.receivables.tables.receipts import receipt
from billing.run.report import stored_unbilled
from invoices.delivery import DOCUMENTS
from invoices.models import document
from ledger.periods import last_day
from pricing.money import format_amount

# So many are named of each kind; all are counted.
NAMED_MAX = 5


class UnfinishedKind(StrEnum):
    """The kinds of things to be finished before a month or a year is closed."""

    BANK_LINES = "bank_lines"
    CHEQUES = "cheques"
    CERTIFICATES = "certificates"
    TENANTS = "tenants"
    DOCUMENTS = "documents"
    APPROVALS = "approvals"
    CUT_OFF = "cut_off"


# The name of each kind, in the singular and the plural.
_CALLED = {
    UnfinishedKind.BANK_LINES: ("waiting bank line", "waiting bank lines"),
    UnfinishedKind.CHEQUES: ("cheque or bill not cleared", "cheques or bills not cleared"),
    UnfinishedKind.CERTIFICATES: ("missing certificate of a tax withheld", "missing certificates of taxes withheld"),
    UnfinishedKind.TENANTS: ("tenant in error", "tenants in error"),
    UnfinishedKind.DOCUMENTS: ("document not sent", "documents not sent"),
    UnfinishedKind.APPROVALS: ("order waiting for approval", "orders waiting for approval"),
    UnfinishedKind.CUT_OFF: ("sum of the cut-off not booked", "sums of the cut-off not booked"),
}


class Unfinished(NamedTuple):
    """How many things of a kind are unfinished, and the first of them by name."""

    kind: UnfinishedKind
    number: int
    named: tuple[str, ...]

    def __str__(self) -> str:
        more = ", …" if self.number > len(self.named) else ""
        return f"{counted(self.number, *_CALLED[self.kind])}: {', '.join(self.named)}{more}"


def checklist(connection: Connection, month: date) -> list[Unfinished]:
    """Return what is unfinished of a month, by kind; kinds of which nothing is are left out."""
    return [unfinished for unfinished in _each(connection, month) if unfinished.number]


def year_checklist(connection: Connection, year: int) -> list[Unfinished]:
    """Return what is unfinished of a year: what is of its December, and what is left of its cut-off (R31)."""
    try:
        left = [
            f"{one.site} {one.account} {format_amount(one.amount)} {one.kind}" for one in propose(connection, year).left
        ]
    except PeriodRefused as error:
        left = [str(error)]
    found = checklist(connection, date(year, 12, 1))
    return [*found, Unfinished(UnfinishedKind.CUT_OFF, len(left), tuple(left[:NAMED_MAX]))] if left else found


def _each(connection: Connection, month: date) -> Iterator[Unfinished]:
    until = last_day(month)
    yield waiting_lines(connection, month)
    cheques = receipts(state=ReceiptState.TO_CLEAR, until=until).order_by(*RECEIPT_KEY)
    count, rows = _first(connection, cheques)
    yield Unfinished(UnfinishedKind.CHEQUES, count, tuple(RECEIPT.format(row.id) for row in rows))
    missing = withholdings_select(missing=True).where(receipt.c.value_date <= until).order_by(*WITHHOLDING_KEY)
    count, rows = _first(connection, missing)
    named = tuple(f"{RECEIPT.format(row.receipt_id)} {row.kind}" for row in rows)
    yield Unfinished(UnfinishedKind.CERTIFICATES, count, named)
    errors = [code for code, _ in stored_unbilled(connection, month, "error")]
    yield Unfinished(UnfinishedKind.TENANTS, len(errors), tuple(errors[:NAMED_MAX]))
    d = document.c
    unsent = (
        select(d.id, d.number)
        .join(DOCUMENTS.delivery, DOCUMENTS.delivered == d.id)
        .where(DOCUMENTS.unsent, d.issued_on <= until)
        .order_by(d.id)
    )
    count, rows = _first(connection, unsent)
    yield Unfinished(UnfinishedKind.DOCUMENTS, count, tuple(row.number for row in rows))
    waiting = approvals_listed(connection, state=WAITING)
    yield Unfinished(UnfinishedKind.APPROVALS, len(waiting), tuple(str(row.id) for row in waiting[:NAMED_MAX]))


def waiting_lines(connection: Connection, month: date) -> Unfinished:
    """Return the lines of bank statements of a month that wait for a person."""
    count, rows = _first(connection, lines(waiting=True, booked_from=month, booked_until=last_day(month)))
    named = tuple(line_name(row.statement_id, row.line_no) for row in rows)
    return Unfinished(UnfinishedKind.BANK_LINES, count, named)


def _first(connection: Connection, statement: Select[Any]) -> tuple[int, list[Row[Any]]]:
    """Return how many rows a statement selects, and the first of them."""
    count = connection.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))
    return int(count or 0), list(connection.execute(statement.limit(NAMED_MAX)))
