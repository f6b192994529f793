"""What a paper's page says of it: number, day, total, state; and the records of the log that hold it."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.frame.added_rows import ROWS
from billing.frame.codes import DEPOSIT, FINAL_STATEMENT
from billing.frame.tables import audit_change
from billing.proof.forms import ACT, DOCUMENT, FILE
from billing.proof.log import Name
from billing.receivables.cash_desk.queries import cash_receipts
from billing.receivables.cash_desk.taking import cash_number
from billing.receivables.deposits.deposits import deposits
from billing.receivables.open_items.document_states import DocumentState, Settled, settled_of, state_of
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.deposits import deposit, final_statement
from invoices import models
from invoices.document import CREDIT_NOTE
from invoices.links import LINK_SECRET, PaperKind, paper_of


class PaperState(StrEnum):
    """The state of a paper that is no document; a document's is its `DocumentState`."""

    GIVEN = "given"
    CANCELLED = "cancelled"
    ASKED = "asked"
    HELD = "held"
    SPENT = "spent"
    CLOSED = "closed"


class Paper(NamedTuple):
    """A paper as its page shows it; its total in centimes. `records` are those of the log that hold it."""

    kind: str
    number: str
    issued_on: date
    total: int
    state: DocumentState | PaperState
    records: tuple[Name, ...]


def find_paper(connection: Connection, token: str, today: date) -> Paper | None:
    """Return the paper of a link's token, as it stands today; None where the token is of none."""
    linked = paper_of(str(connection.scalar(select(LINK_SECRET))), token)
    return None if linked is None else _READERS[linked.kind](connection, linked.row, today)


def _document(connection: Connection, key: int, today: date) -> Paper | None:
    head = connection.execute(select(models.document).where(models.document.c.id == key)).one_or_none()
    if head is None:
        return None
    state = state_of(head, settled_of(connection, [key]).get(key, Settled()), today)
    records = Name(DOCUMENT, key), Name(FILE, key)
    kind = CREDIT_NOTE if head.kind == CREDIT_NOTE else "invoice"
    return Paper(kind, head.number, head.issued_on, head.gross, state, records)


def _cash_receipt(connection: Connection, key: int, _today: date) -> Paper | None:
    row = connection.execute(cash_receipts().where(cash_receipt.c.receipt_id == key)).one_or_none()
    if row is None:
        return None
    total = row.amount + (row.stamp_duty if row.stamp_on_top else 0)
    state = PaperState.GIVEN if row.cancelled_on is None else PaperState.CANCELLED
    records = _act_of(connection, cash_receipt.name, key)
    return Paper("cash_receipt", cash_number(row.year, row.serial), row.taken_on, total, state, records)


def _deposit_call(connection: Connection, key: int, _today: date) -> Paper | None:
    row = connection.execute(deposits().where(deposit.c.id == key)).one_or_none()
    if row is None:
        return None
    state = PaperState.HELD if row.held else PaperState.SPENT if row.movements else PaperState.ASKED
    records = _act_of(connection, deposit.name, key)
    return Paper("deposit_call", DEPOSIT.format(key), row.asked_on, row.amount, state, records)


def _final_statement(connection: Connection, key: int, _today: date) -> Paper | None:
    row = connection.execute(select(final_statement).where(final_statement.c.id == key)).one_or_none()
    if row is None:
        return None
    records = _act_of(connection, final_statement.name, key)
    number = FINAL_STATEMENT.format(key)
    return Paper("final_statement", number, row.closed_on, row.balance, PaperState.CLOSED, records)


def _act_of(connection: Connection, table: str, key: int) -> tuple[Name, ...]:
    """Return the act that names a row, which holds the row's digest."""
    c = audit_change.c
    names = select(c.act_id).where(c.subject == ROWS, c.key == table, c.after.contains(f'"{key}":', autoescape=True))
    act = connection.scalar(names.order_by(c.act_id).limit(1))
    return () if act is None else (Name(ACT, act),)


_READERS: Mapping[PaperKind, Callable[[Connection, int, date], Paper | None]] = {
    PaperKind.DOCUMENT: _document,
    PaperKind.CASH_RECEIPT: _cash_receipt,
    PaperKind.DEPOSIT_CALL: _deposit_call,
    PaperKind.FINAL_STATEMENT: _final_statement,
}
