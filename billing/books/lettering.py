"""Lettering (lettrage): which lines of tenants' accounts settle which documents, and since when wholly.

A letter stands on every line of a group that sums to zero: an invoice, the receipts, credit notes and losses that
settle it, and what a credit note ties to it. A document that is settled in part, or tied to one that is, bears none,
nor do the lines that settle it, until the rest is settled. The letter is made of the number that the oldest document
has in the database, so that it stays the same from file to file.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, func, not_, select

from billing.entries.accounts import CLIENTS, DOUBTFUL_CLIENTS
from billing.entries.opening import INVOICES
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import (
    SettlementAct,
    allocation,
    allocation_undoing,
    placement,
    refund,
    settlement,
)
from invoices.brought import is_brought
from invoices.models import document
from ledger.models import entry, posting
from ledger.openings import opens_a_year
from ledger.subledgers import Letter

_ACT = re.compile(r"(?:BQ|CA|OD)/(RG|AF|RB|CR)-([0-9]+)(/.*)?")
_SALE = "VTE/"

# A line of the books: the entry's number, and its own within it.
_Key: TypeAlias = tuple[int, int]
# A line is recognised as an act's by its tenant, account and amount.
_Sum: TypeAlias = tuple[str, str, int]


class _Group:
    """The documents that credit notes tie to each other, each with its lines."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self.tied_on: dict[int, date] = defaultdict(lambda: date.min)

    def of(self, key: int) -> int:
        """Return the oldest document of a document's group."""
        while (above := self._above.get(key, key)) != key:
            key = above
        return key

    def tie(self, one_key: int, other_key: int, on: date) -> None:
        """Make one group of two documents' groups, on a day."""
        first, second = sorted((self.of(one_key), self.of(other_key)))
        self._above[second] = first
        self.tied_on[first] = max(self.tied_on[first], self.tied_on[second], on)


class _Acts(NamedTuple):
    """The documents that entries are about."""

    sales: dict[str, int]
    # By kind and key of an act: an allocation, a refund of a credit note, a decision about a debt.
    of_one: dict[tuple[str, int], int]
    # By entry that settles several: a receipt, its return or cancellation; the invoices that a take-on brought.
    of_several: dict[tuple[str, int, bool], dict[_Sum, list[int]]]

    def document_of(self, line: Any) -> int | None:
        """Return the document that a line of a tenant's account is about; each of those of one sum is named once."""
        if line.reference.startswith(_SALE):
            return self.sales.get(line.reference.removeprefix(_SALE))
        if line.reference == INVOICES:
            several = self.of_several.get((INVOICES, 0, False), {})
        else:
            act = _ACT.fullmatch(line.reference)
            if act is None:
                return None
            kind, key = act[1], int(act[2])
            if kind != "RG":
                return self.of_one.get((kind, key))
            several = self.of_several.get((kind, key, line.amount > 0), {})
        keys = several.get((line.auxiliary, line.account, line.amount))
        return keys.pop() if keys else None


def letters(connection: Connection, until: date) -> dict[_Key, Letter]:
    """Return the letters of lines by number of entry and line, as all that happened until a day settles them.

    So a file that ends on a day has the same letters whenever it is made.
    """
    groups, acts = _Group(), _Acts({}, {}, defaultdict(dict))
    _read_documents(connection, acts)
    _read_allocations(connection, until, groups, acts)
    lines: dict[int, list[Any]] = defaultdict(list)
    for line in connection.execute(_lines(until)):
        key = acts.document_of(line)
        if key is not None:
            lines[groups.of(key)].append(line)
    lettered: dict[_Key, Letter] = {}
    for first, of_group in lines.items():
        if len(of_group) > 1 and _is_settled(of_group):
            since = max(groups.tied_on[first], *(line.effective_on for line in of_group))
            letter = Letter(_text(first), since)
            lettered.update(((line.entry_id, line.line_no), letter) for line in of_group)
    return lettered


def _lines(until: date) -> Any:
    p, e = posting.c, entry.c
    return (
        select(p.entry_id, p.line_no, e.reference, p.account, p.auxiliary, p.amount, e.effective_on)
        .join(entry, e.id == p.entry_id)
        .where(p.account.in_((CLIENTS, DOUBTFUL_CLIENTS)), e.effective_on <= until, not_(opens_a_year()))
        .order_by(p.entry_id, p.line_no)
    )


def _read_documents(connection: Connection, acts: _Acts) -> None:
    d, s = document.c, settlement.c
    acts.sales.update((number, key) for key, number in connection.execute(select(d.id, d.number)))
    for key, note in connection.execute(select(refund.c.id, refund.c.credit_note_id)):
        acts.of_one["RB", key] = note
    for key, invoice in connection.execute(select(debt_act.c.id, debt_act.c.document_id)):
        acts.of_one["CR", key] = invoice
    paid_before = (
        select(func.coalesce(func.sum(s.base + s.vat), 0))
        .where(s.document_id == d.id, s.act == SettlementAct.BROUGHT)
        .scalar_subquery()
    )
    brought = select(d.id, d.tenant, d.gross - paid_before).where(is_brought())
    for key, tenant, open_ in connection.execute(brought):
        _add(acts, (INVOICES, 0, False), key, [(tenant, CLIENTS, int(open_))])


def _read_allocations(connection: Connection, until: date, groups: _Group, acts: _Acts) -> None:
    a, u = allocation.c, allocation_undoing.c
    statement = (
        select(allocation, placement.c.receipt_id, u.undone_on, u.in_return)
        .outerjoin(placement, placement.c.id == a.placement_id)
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
        .order_by(a.id)
    )
    for row in connection.execute(statement):
        acts.of_one["AF", row.id] = row.document_id
        stands = row.allocated_on <= until and (row.undone_on is None or row.undone_on > until)
        if row.credit_note_id is not None:
            if stands:
                groups.tie(row.document_id, row.credit_note_id, row.allocated_on)
            continue
        sums = [
            (row.tenant, account, amount)
            for account, amount in ((CLIENTS, row.amount - row.doubtful), (DOUBTFUL_CLIENTS, row.doubtful))
            if amount
        ]
        if row.in_receipt:
            settled = [(tenant, account, -amount) for tenant, account, amount in sums]
            _add(acts, ("RG", row.receipt_id, False), row.document_id, settled)
        if row.in_return:
            _add(acts, ("RG", row.receipt_id, True), row.document_id, sums)


def _add(acts: _Acts, entry_key: tuple[str, int, bool], document_key: int, sums: Iterable[_Sum]) -> None:
    for of_line in sums:
        acts.of_several[entry_key].setdefault(of_line, []).append(document_key)


def _is_settled(of_group: Iterable[Any]) -> bool:
    """Return whether the lines of a group sum to zero on each account."""
    sums: dict[str, int] = defaultdict(int)
    for line in of_group:
        sums[line.account] += line.amount
    return not any(sums.values())


def _text(number: int) -> str:
    """Return a number in letters: 1 gives A, 27 gives AA."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
