"""Allocations, proved against their settlements; their faults and the entries they demand."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, select

from billing.entries.accounts import VAT_NOT_YET_DUE
from billing.entries.receivables import Settled, allocation_entry, undoing_entry
from billing.frame.database import among
from billing.receivables.open_items.standing import exact_shares
from billing.receivables.receipts.recording import sign_of
from billing.receivables.tables.receipts import SettlementAct, allocation, allocation_undoing, settlement
from invoices.document import INVOICE
from invoices.models import document
from ledger.entry import Entry
from pricing.money import format_amount
from pricing.running_shares import ZERO


class Allocated(NamedTuple):
    """An allocation, how it was undone, and its rows of `settlement` by document and act."""

    row: Any
    number: str
    undoing: Any
    rows: dict[tuple[int, str], list[Any]]

    @property
    def name(self) -> str:
        """The allocation as faults name it."""
        return f"the allocation {self.row.id} to {self.number}"

    def vat(self, act: str, kinds: dict[int, str]) -> int:
        """Return what moved from 44551 to 4455 by the rows of an act."""
        return sum(
            sign_of(kinds[key]) * row.vat_due for (key, of), rows in self.rows.items() if of == act for row in rows
        )


def grouped(connection: Connection, query: Select[Any], key: str) -> dict[int, list[Any]]:
    """Return the rows of a query by the values of one of their columns."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        rows[getattr(row, key)].append(row)
    return rows


def load_allocations(connection: Connection, concerned: ColumnElement[bool]) -> tuple[list[Allocated], dict[int, Any]]:
    """Return allocations with all their settlements; and their documents by key."""
    a, u, s = allocation.c, allocation_undoing.c, settlement.c
    rows = connection.execute(select(allocation).where(concerned).order_by(a.id)).all()
    keys = [row.id for row in rows]
    undoings = {
        row.allocation_id: row
        for row in connection.execute(select(allocation_undoing).where(among(connection, u.allocation_id, keys)))
    }
    ids = sorted({row.document_id for row in rows} | {row.credit_note_id for row in rows if row.credit_note_id})
    documents = {
        row.id: row for row in connection.execute(select(document).where(among(connection, document.c.id, ids)))
    }
    settlements: dict[int, dict[tuple[int, str], list[Any]]] = defaultdict(lambda: defaultdict(list))
    wanted = set(keys)
    of_documents = select(settlement).where(
        among(connection, s.document_id, ids),
        s.act.in_((SettlementAct.ALLOCATED, SettlementAct.UNDONE, SettlementAct.CLEARED)),
    )
    for row in connection.execute(of_documents.order_by(s.document_id, s.rate)):
        if row.act_id in wanted:
            settlements[row.act_id][row.document_id, row.act].append(row)
    numbers = {key: row.number for key, row in documents.items()}
    return [
        Allocated(row, numbers.get(row.document_id, "?"), undoings.get(row.id), settlements[row.id]) for row in rows
    ], documents


def allocation_faults(allocated: Allocated, documents: dict[int, Any], *, is_money: bool) -> Iterator[str]:
    """Yield the faults of an allocation and its settlements by rate; `is_money`: no cheque still to be cleared."""
    row, name = allocated.row, allocated.name
    target = documents.get(row.document_id)
    if target is None or target.kind != INVOICE or target.tenant != row.tenant:
        yield f"{name} settles no invoice of tenant {row.tenant}"
        return
    if row.allocated_on < target.issued_on:
        yield f"{name} comes before the invoice"
    for key in [row.document_id, *([row.credit_note_id] if row.credit_note_id else [])]:
        settled = allocated.rows.get((key, SettlementAct.ALLOCATED), [])
        amount = sum(share.base + share.vat for share in settled)
        if amount != row.amount or any(min(share.base, share.vat) < 0 for share in settled):
            yield f"{name}: by rate it is {format_amount(amount)}, not {format_amount(row.amount)}"
        if any(share.settled_on != row.allocated_on for share in settled):
            yield f"{name} is settled by rate on another day"
        cleared, undone = (
            allocated.rows.get((key, SettlementAct.CLEARED), []),
            allocated.rows.get((key, SettlementAct.UNDONE), []),
        )
        yield from due_faults(name, settled, cleared, is_money=is_money)
        yield from _undone_faults(name, [*settled, *cleared], undone, allocated.undoing)


def due_faults(name: str, settled: Sequence[Any], cleared: Sequence[Any], *, is_money: bool) -> Iterator[str]:
    """Prove that all that was settled fell due, or nothing: of a cheque not cleared, of a document due at issue."""
    rows = [*settled, *cleared]
    amount = sum(row.base + row.vat for row in rows)
    due = sum(row.base_due + row.vat_due for row in rows)
    if due not in (amount, 0) or (due == amount != 0 and not is_money):
        yield f"{name}: of {format_amount(amount)} settled, {format_amount(due)} fell due"
    if any(min(row.base_due, row.vat_due) < 0 or row.vat_released != row.vat_due for row in rows):
        yield f"{name}: what fell due of it is not what left {VAT_NOT_YET_DUE}"
    if cleared and not is_money:
        yield f"{name} fell due with a cheque that was not cleared"
    if any((row.base, row.vat) != (0, 0) for row in cleared):
        yield f"{name} settles by a clearing"


def _undone_faults(name: str, stood: Sequence[Any], undone: Sequence[Any], undoing: Any) -> Iterator[str]:
    if undoing is None:
        if undone:
            yield f"{name} stands, but its settlements are undone"
        return
    for shares, back in zip(exact_shares(stood), exact_shares(undone), strict=True):
        if any(shares.get(rate, ZERO) != back.get(rate, ZERO).times(-1) for rate in {*shares, *back}):
            yield f"{name} was undone for another share than it moved"
    if any(row.vat_released != row.vat_due for row in undone):
        yield f"{name}: what is no longer due of it is not what went back to {VAT_NOT_YET_DUE}"
    if any(row.settled_on != undoing.undone_on for row in undone):
        yield f"{name} was undone on {undoing.undone_on}, but its settlements on another day"


def settled_by(allocated: Allocated, vat: int) -> Settled:
    """Return an allocation as its entries name it."""
    row = allocated.row
    return Settled(allocated.number, row.tenant, row.amount, row.doubtful, vat)


def present(entry: Entry | None) -> Iterator[Entry]:
    """Yield an entry, if there is one."""
    if entry is not None:
        yield entry


def allocation_entries(
    allocated: Allocated, kinds: dict[int, str], account: str | None, source: str
) -> Iterator[Entry]:
    """Yield the entries of an allocation and of its undoing, those of its receipt and of a return left out."""
    row, undoing = allocated.row, allocated.undoing
    if not row.in_receipt:
        settled = settled_by(allocated, allocated.vat(SettlementAct.ALLOCATED, kinds))
        yield from present(allocation_entry(row.id, row.allocated_on, settled, account, source))
    if undoing is not None and not undoing.in_return:
        settled = settled_by(allocated, -allocated.vat(SettlementAct.UNDONE, kinds))
        yield from present(undoing_entry(row.id, undoing.undone_on, settled, account, source))
