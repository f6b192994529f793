"""The rows and entries that acts about money in make: gathered first, then written set-wise."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select

from billing.entries.receivables import Settled
from billing.frame.background_copy import copying_beside
from billing.frame.database import RowWriter, tried
from billing.receivables.open_items.open_item_index import reopen, reopen_placements
from billing.receivables.open_items.standing import OpenDocument, exact_shares
from billing.receivables.open_items.stopping_reminders import stop_settled
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import (
    TAKEN_BACK,
    AllocatedBy,
    SettlementAct,
    allocation,
    allocation_undoing,
    placement,
    placement_withdrawal,
    receipt,
    receipt_cancellation,
    receipt_event,
    receipt_leg,
    refund,
    refund_cancellation,
    settlement,
)
from invoices.document import CREDIT_NOTE
from ledger.entry import Entry
from ledger.journal import post
from pricing.running_shares import Moved
from pricing.vat_shares import Share, whole

# In the order they are written: a row comes after those it refers to.
_TABLES: tuple[Table, ...] = (
    receipt, receipt_leg, receipt_event, receipt_cancellation, placement, placement_withdrawal, allocation,
    allocation_undoing, refund, refund_cancellation, settlement, cash_receipt,
)  # fmt: skip
_COLUMNS = {table: tuple(column.name for column in table.columns) for table in _TABLES}
# Rows of so many entries are written at a time while others are made.
_AHEAD = 1_000


class Records:
    """The rows and entries of one transaction's acts, in the order they were made; `write` writes them all.

    The caller holds `change_receivables`, so that keys follow without gap. Who makes many lets `ahead` write rows while
    others are made.
    """

    def __init__(self, connection: Connection, recorded_at: datetime) -> None:
        self._connection = connection
        self._rows: dict[Table, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        self._written = dict.fromkeys(_TABLES, 0)
        self._last: dict[Table, int] = {}
        self.recorded_at = recorded_at
        self.entries: list[Entry] = []
        # Placements whose money is there again though no allocation of them is undone.
        self.reopened_placements: list[int | None] = []

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

    def settle(self, target: OpenDocument, act: SettlementAct, act_id: int, on: date, moved: Iterable[Moved]) -> int:
        """Add what an act moves of a document, by rate; return the VAT that moves from 44551 to 4455 by it."""
        rows, vat_moved = self._rows[settlement], 0
        for rate, base, vat, base_due, vat_due, exact, exact_due in moved:
            # An exact share may be too small to move a centime.
            if base or vat or base_due or vat_due or exact or exact_due:
                rows.append(
                    (
                        target.key, act, act_id, rate, on, base, vat, vat_due, base_due, vat_due,
                        None if exact is None else str(exact), None if exact_due is None else str(exact_due),
                    )
                )  # fmt: skip
                vat_moved += vat_due
        return vat_moved

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
        vat = self.settle(target, SettlementAct.ALLOCATED, key, on, target.pay(amount, is_money=is_money))
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
        vat = self.settle(target, SettlementAct.ALLOCATED, key, on, target.net(taken))
        vat -= self.settle(note, SettlementAct.ALLOCATED, key, on, note.net(credit))
        self.add(
            allocation, key, None, note.key, target.key, target.tenant, amount, doubtful, on, AllocatedBy.NOTE, 0,
            self.recorded_at,
        )  # fmt: skip
        return key, Settled(target.number, target.tenant, amount, doubtful, vat)

    def take_back(
        self, act_id: int, on: date, stood: Sequence[Any], documents: Mapping[int, OpenDocument]
    ) -> dict[int, int]:
        """Take back what an allocation did to its documents; return the VAT that moves back, by document.

        `stood` are its rows of `settlement`, those that fell due by a clearing included.
        """
        of_document: dict[int, list[Any]] = {}
        for row in stood:
            of_document.setdefault(row.document_id, []).append(row)
        moved: dict[int, int] = {}
        for key, rows in of_document.items():
            back = documents[key].take_back(*exact_shares(rows))
            moved[key] = -self.settle(documents[key], SettlementAct.UNDONE, act_id, on, back)
        return moved

    @contextmanager
    def ahead(self) -> Iterator[Callable[[], None]]:
        """Yield what is to be called after each act, and write all at the end; nothing stays if the block raises.

        On PostgreSQL the server takes the first thousands of rows while the next are made.
        """
        with tried(self._connection) as attempt, copying_beside(self._connection) as insert:
            yield partial(self._write_ahead, insert)
            self._write(insert)
            attempt.keep()

    def _write_ahead(self, insert: RowWriter) -> None:
        if len(self.entries) % _AHEAD == 0:
            self._write_rows(insert)

    def write(self) -> None:
        """Write every row, index what they open again, stop reminders of what they settle, then post the entries."""
        with copying_beside(self._connection) as insert:
            self._write(insert)

    def _write_rows(self, insert: RowWriter) -> None:
        for table in _TABLES:
            if rows := self._rows[table][self._written[table] :]:
                insert(self._connection, table, _COLUMNS[table], rows)
                self._written[table] += len(rows)

    def _write(self, insert: RowWriter) -> None:
        self._write_rows(insert)
        if reopened := [document_id for document_id, act, *_ in self._rows[settlement] if act in TAKEN_BACK]:
            reopen(self._connection, reopened, [key for key, *_ in self._rows[allocation_undoing]])
        if self.reopened_placements:
            reopen_placements(self._connection, self.reopened_placements)
        settled = [document_id for document_id, _, _, _, _, base, vat, *_ in self._rows[settlement] if base + vat > 0]
        if settled:
            stop_settled(self._connection, settled)
        post(self._connection, self.entries, recorded_at=self.recorded_at, insert=insert)


def sign_of(kind: str) -> int:
    """Return 1 for an invoice, -1 for a credit note."""
    return -1 if kind == CREDIT_NOTE else 1
