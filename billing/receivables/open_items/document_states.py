"""What settles each document in sum, and the state that makes: open, overdue, paid, credited, written off.

A document's gross is what was paid of it, credited and written off, and what is open: `settlement` says which.
"""

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, Subquery, and_, bindparam, case, func, select

from billing.receivables.tables.receipts import SettlementAct, allocation, settlement
from invoices.document import INVOICE
from invoices.models import document


class DocumentState(StrEnum):
    """The state of a document: `open` is not due yet, `overdue` was due before today; the others are settled whole."""

    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"


class Settled(NamedTuple):
    """What is settled of a document, in centimes: by money, by a credit note (or on invoices, of one), as lost."""

    paid: int = 0
    credited: int = 0
    written_off: int = 0

    @property
    def total(self) -> int:
        """Return all that is settled."""
        return sum(self)


def settled_sums(keys: BindParameter[Any] | None = None) -> Subquery:
    """Sum what is settled by document and kind; of all documents that have any, or of some hundred `keys`."""
    s, a = settlement.c, allocation.c
    amount = s.base + s.vat
    by_note = case((a.credit_note_id.is_not(None), amount), else_=0)
    lost = case((s.act == SettlementAct.WRITTEN_OFF, amount), else_=0)
    sums = (
        select(
            s.document_id,
            func.sum(amount - by_note - lost).label("paid"),
            func.sum(by_note).label("credited"),
            func.sum(lost).label("written_off"),
            func.sum(amount).label("settled"),
        )
        .outerjoin(
            allocation, and_(s.act.in_((SettlementAct.ALLOCATED, SettlementAct.UNDONE)), a.id == s.act_id)
        )
        .group_by(s.document_id)
    )  # fmt: skip
    return (sums if keys is None else sums.where(s.document_id.in_(keys))).subquery("settled_sums")


# Made once: it takes longer to make than to execute.
_SETTLED = select(settled_sums(bindparam("keys", expanding=True)))


def settled_of(connection: Connection, keys: Collection[int]) -> dict[int, Settled]:
    """Return what is settled of these documents (some hundreds), of those that have any."""
    rows = connection.execute(_SETTLED, {"keys": list(keys)})
    return {key: Settled(int(paid), int(credited), int(lost)) for key, paid, credited, lost, _ in rows}


def state_of(head: Any, settled: Settled, today: date) -> DocumentState:
    """Return the state of a document of which so much is settled; `head` is its row."""
    if settled.total != head.gross:
        return DocumentState.OVERDUE if head.kind == INVOICE and head.due_on < today else DocumentState.OPEN
    if settled.written_off:
        return DocumentState.WRITTEN_OFF
    return DocumentState.CREDITED if settled.credited and not settled.paid else DocumentState.PAID


def of_state(states: Collection[str], today: date) -> Select[Any]:
    """Select the keys of the documents in one of these states, as `state_of` tells them apart."""
    sums = settled_sums()
    d, x = document.alias("of_state").c, sums.c
    is_open = func.coalesce(x.settled, 0) != d.gross
    state = case(
        (and_(is_open, d.kind == INVOICE, d.due_on < today), DocumentState.OVERDUE.value),
        (is_open, DocumentState.OPEN.value),
        (x.written_off != 0, DocumentState.WRITTEN_OFF.value),
        (and_(x.credited != 0, x.paid == 0), DocumentState.CREDITED.value),
        else_=DocumentState.PAID.value,
    )
    return select(d.id).outerjoin(sums, x.document_id == d.id).where(state.in_(list(states)))
