"""The rows and entries that acts about money in make: gathered first, then written set-wise."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select

from billing.entries.receivables import Settled
from billing.frame.database import insert_rows
from billing.receivables.open_items.open_item_index import reopen
from billing.receivables.open_items.standing import OpenDocument
from billing.receivables.open_items.stopping_reminders import stop_settled
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import (
    AllocatedBy,
    SettlementAct,
    allocation,
    allocation_undoing,
    placement,
    placement_withdrawal,
    receipt,
    receipt_event,
    receipt_leg,
    refund,
    settlement,
)
from invoices.document import CREDIT_NOTE
from ledger.entry import Entry
from ledger.journal import post
from pricing.vat_shares import Share, whole

# In the order they are written: a row comes after those it refers to.
_TABLES: tuple[Table, ...] = (
    receipt, receipt_leg, receipt_event, placement, placement_withdrawal, allocation, allocation_undoing, refund,
    settlement, cash_receipt,
)  # fmt: skip
_COLUMNS = {table: tuple(column.name for column in table.columns) for table in _TABLES}


class Records:
    """The rows and entries of one transaction's acts, in the order they were made; `write` writes them all.

    The caller holds `change_receivables`, so that keys follow without gap.
    """

    def __init__(self, connection: Connection, recorded_at: datetime) -> None:
        self._connection = connection
        self._rows: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        self._last: dict[Table, int] = {}
        self.recorded_at = recorded_at
        self.entries: list[Entry] = []

    def next_key(self, table: Table) -> int:
        """Return the next key of a table that counts its rows."""
        last = self._last.get(table)
        if last is None:
            key: Column[Any] = table.c.id
            last = int(self._connection.scalar(select(func.coalesce(func.max(key), 0))) or 0)
        self._last[table] = last + 1
        return last + 1

    def add(self, table: Table, *values: Any) -> None:
        """Add a row, its values in the order of the table's columns."""
        self._rows[table].append(values)

    def book(self, *entries: Entry | None) -> None:
        """Add entries to be posted; None is left out."""
        self.entries += [entry for entry in entries if entry is not None]

    def settle(
        self,
        target: OpenDocument,
        act: SettlementAct,
        act_id: int,
        on: date,
        taken: Iterable[Share],
        *,
        falls_due: bool,
    ) -> int:
        """Add what an act settles of a document, by rate; return the VAT that moves from 44551 to 4455 by it.

        It moves when it `falls_due` now and did not as the document was issued.
        """
        moves = falls_due and not target.due_at_issue
        rows, moved = self._rows[settlement], 0
        for rate, base, vat in taken:
            if base or vat:
                due = (vat, base, vat) if moves else (0, 0, 0)
                rows.append((target.key, act, act_id, rate, on, base, vat, *due))
                moved += vat
        return moved if moves else 0

    def allocate(
        self,
        placement_id: int,
        target: OpenDocument,
        amount: int,
        on: date,
        how: AllocatedBy,
        *,
        in_receipt: bool,
        is_money: bool,
    ) -> tuple[int, Settled]:
        """Add an allocation of a tenant's money to an invoice; `is_money`: no cheque or bill still to be cleared."""
        key = self.next_key(allocation)
        doubtful = target.take_doubtful(amount) if target.doubtful else 0
        vat = self.settle(target, SettlementAct.ALLOCATED, key, on, target.take(amount), falls_due=is_money)
        self.add(
            allocation, key, placement_id, None, target.key, target.tenant, amount, doubtful, on, how, int(in_receipt),
            self.recorded_at,
        )  # fmt: skip
        return key, Settled(target.number, target.tenant, amount, doubtful, vat)

    def net(
        self, note: OpenDocument, target: OpenDocument, credit: list[Share], taken: list[Share], on: date
    ) -> tuple[int, Settled]:
        """Add an allocation of a credit note to an invoice: `credit` of the one settles `taken` of the other.

        Both amount to the same; where their VAT differs, the difference falls due, or is given back.
        """
        key, amount = self.next_key(allocation), whole(credit)
        doubtful = target.take_doubtful(amount) if target.doubtful else 0
        note.take_shares(credit)
        target.take_shares(taken)
        vat = self.settle(target, SettlementAct.ALLOCATED, key, on, taken, falls_due=True)
        vat -= self.settle(note, SettlementAct.ALLOCATED, key, on, credit, falls_due=True)
        self.add(
            allocation, key, None, note.key, target.key, target.tenant, amount, doubtful, on, AllocatedBy.NOTE, 0,
            self.recorded_at,
        )  # fmt: skip
        return key, Settled(target.number, target.tenant, amount, doubtful, vat)

    def fall_due(self, target: OpenDocument, allocation_id: int, on: date, shares: Iterable[Share]) -> int:
        """Let what a cheque's allocation settled fall due now that it is money; return the VAT that moves."""
        if target.due_at_issue:
            return 0
        moved = 0
        for rate, base, vat in shares:
            self.add(settlement, target.key, SettlementAct.CLEARED, allocation_id, rate, on, 0, 0, vat, base, vat)
            moved += vat
        return moved

    def take_back(self, act_id: int, on: date, stood: Sequence[Any]) -> dict[int, int]:
        """Take back what an allocation did to its documents; return the VAT that had moved, by document.

        `stood` are its rows of `settlement`, those that fell due by a clearing included.
        """
        sums: dict[tuple[int, int], list[int]] = {}
        for row in stood:
            of_rate = sums.setdefault((row.document_id, row.rate), [0, 0, 0, 0, 0])
            for index, value in enumerate((row.base, row.vat, row.vat_released, row.base_due, row.vat_due)):
                of_rate[index] -= value
        moved: dict[int, int] = {}
        for (document_id, rate), values in sums.items():
            self.add(settlement, document_id, SettlementAct.UNDONE, act_id, rate, on, *values)
            moved[document_id] = moved.get(document_id, 0) - values[4]
        return moved

    def write(self) -> None:
        """Write every row, index what they open again, stop reminders of what they settle, then post the entries."""
        for table in _TABLES:
            if self._rows[table]:
                insert_rows(self._connection, table, _COLUMNS[table], self._rows[table])
        if undone := [key for key, *_ in self._rows[allocation_undoing]]:
            reopened = [document_id for document_id, act, *_ in self._rows[settlement] if act == SettlementAct.UNDONE]
            reopen(self._connection, reopened, undone)
        settled = [document_id for document_id, _, _, _, _, base, vat, *_ in self._rows[settlement] if base + vat > 0]
        if settled:
            stop_settled(self._connection, settled)
        post(self._connection, self.entries, recorded_at=self.recorded_at, insert=insert_rows)


def sign_of(kind: str) -> int:
    """Return 1 for an invoice, -1 for a credit note."""
    return -1 if kind == CREDIT_NOTE else 1
