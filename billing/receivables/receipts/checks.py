"""Proof of receipts: each act about them is told once in the settlements, and booked by just the entry it demands.

Receipts are taken some hundreds at a time with all that became of them; then the credit notes' allocations and
refunds, and the VAT that fell due at issue.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from billing.entries.accounts import CLIENTS
from billing.entries.booked import difference_of_sums
from billing.entries.receivables import (
    MONEY,
    TO_BE_CLEARED,
    UNPLACED,
    Held,
    ReceiptHead,
    Settled,
    allocation_entry,
    clearing_entry,
    due_entry,
    issue_entry,
    number_of,
    placement_entry,
    receipt_entry,
    refund_entry,
    refund_number_of,
    return_entry,
    undoing_entry,
    withdrawal_entry,
)
from billing.frame.checking import Proof, Step, by_index
from billing.frame.database import among
from billing.receivables.receipts.receiving import LEG_KINDS
from billing.receivables.receipts.recording import sign_of
from billing.receivables.receipts.refunding import REFUND_MEANS
from billing.receivables.tables.receipts import (
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
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import document
from ledger.entry import Entry
from ledger.errors import UnbalancedEntry
from ledger.models import entry, posting
from pricing.money import format_amount

_RECEIPTS_AT_A_TIME = 500
# What the references of these acts' entries look like.
_OURS = ("__/RG-%", "OD/AF-%", "OD/PL-%", "OD/RP-%", "__/RB-%", "OD/TVA-%")


class _Allocated(NamedTuple):
    """An allocation with its documents, how it was undone, and what it did to each document, act by act."""

    row: Any
    number: str
    undoing: Any
    rows: dict[tuple[int, str], list[Any]]

    def vat(self, act: str, kinds: dict[int, str]) -> int:
        """What moved from 44551 to 4455 by the rows of an act."""
        return sum(
            sign_of(kinds[key]) * row.vat_due for (key, of), rows in self.rows.items() if of == act for row in rows
        )


def receipts(connection: Connection, _step: Step) -> Iterator[str]:
    """Receipts, placements, allocations, undoings, clearings, returns, refunds: complete, within bounds, booked."""
    demanded = 0
    with by_index(connection):
        for expected, faults in _batches(connection):
            yield from faults
            yield from _booked_faults(connection, expected)
            demanded += len(expected)
    e = entry.c
    ours = or_(*(e.reference.like(pattern) for pattern in _OURS))
    if int(connection.scalar(select(func.count()).where(ours)) or 0) != demanded:
        with by_index(connection):
            known = {one.reference for expected, _ in _batches(connection) for one in expected}
        for reference in connection.scalars(select(e.reference).where(ours).order_by(e.id)):
            if reference not in known:
                yield f"entry {reference} books an act about money that does not stand"


def _batches(connection: Connection) -> Iterator[tuple[list[Entry], list[str]]]:
    """The entries that must stand, and what is wrong with the acts themselves, batch by batch."""
    last = int(connection.scalar(select(func.max(receipt.c.id))) or 0)
    for first in range(1, last + 1, _RECEIPTS_AT_A_TIME):
        yield _of_receipts(connection, first, first + _RECEIPTS_AT_A_TIME - 1)
    yield _of_notes(connection)
    yield _due_at_issue(connection)


def _grouped(connection: Connection, query: Select[Any], key: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[getattr(row, key)].append(row)
    return found


def _of_receipts(connection: Connection, first: int, until: int) -> tuple[list[Entry], list[str]]:
    ours = receipt.c.id.between(first, until)
    placed = placement.c.receipt_id.between(first, until)
    legs = _grouped(connection, select(receipt_leg).where(receipt_leg.c.receipt_id.between(first, until)), "receipt_id")
    events = _grouped(
        connection, select(receipt_event).where(receipt_event.c.receipt_id.between(first, until)), "receipt_id"
    )
    placements = _grouped(connection, select(placement).where(placed).order_by(placement.c.id), "receipt_id")
    refunds = _grouped(connection, select(refund).where(refund.c.receipt_id.between(first, until)), "receipt_id")
    keys = [row.id for rows in placements.values() for row in rows]
    w = placement_withdrawal.c
    withdrawals = _grouped(
        connection, select(placement_withdrawal).where(among(connection, w.placement_id, keys)), "placement_id"
    )
    allocated, documents = _allocations(connection, among(connection, allocation.c.placement_id, keys))
    by_placement: dict[int, list[_Allocated]] = defaultdict(list)
    for one in allocated:
        by_placement[one.row.placement_id].append(one)
    entries: list[Entry] = []
    faults: list[str] = []
    for head in connection.execute(select(receipt).where(ours).order_by(receipt.c.id)):
        story = _Story(
            head, legs[head.id], events[head.id], placements[head.id], refunds[head.id], withdrawals, by_placement,
            documents,
        )  # fmt: skip
        faults += [f"{number_of(head.id)}: {fault}" for fault in story.faults()]
        try:
            entries += list(story.entries())
        except UnbalancedEntry as error:
            faults.append(f"{number_of(head.id)}: no entry can book what became of it: {error}")
    return entries, faults


def _allocations(connection: Connection, concerned: ColumnElement[bool]) -> tuple[list[_Allocated], dict[int, Any]]:
    """Allocations with all that was told of them; and their documents by key."""
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
    told: dict[int, dict[tuple[int, str], list[Any]]] = defaultdict(lambda: defaultdict(list))
    wanted = set(keys)
    found = select(settlement).where(
        among(connection, s.document_id, ids), s.act.in_(("allocated", "undone", "cleared"))
    )
    for row in connection.execute(found.order_by(s.document_id, s.rate)):
        if row.act_id in wanted:
            told[row.act_id][row.document_id, row.act].append(row)
    numbers = {key: row.number for key, row in documents.items()}
    return [
        _Allocated(row, numbers.get(row.document_id, "?"), undoings.get(row.id), told[row.id]) for row in rows
    ], documents


class _Story(NamedTuple):
    """A receipt with all that became of it."""

    head: Any
    legs: list[Any]
    events: list[Any]
    placements: list[Any]
    refunds: list[Any]
    withdrawals: dict[int, list[Any]]
    allocated: dict[int, list[_Allocated]]
    documents: dict[int, Any]

    @property
    def cleared(self) -> Any:
        """When it was cleared."""
        return next((event for event in self.events if event.kind == "cleared"), None)

    @property
    def bounced(self) -> Any:
        """When it came back."""
        return next((event for event in self.events if event.kind == "bounced"), None)

    def used(self, placed: Any) -> int:
        """What of a placement is used: settles, was paid back, or taken away, up to the return if there was one."""
        settled: int = sum(
            one.row.amount
            for one in self.allocated[placed.id]
            if one.undoing is None or (self.bounced is not None and one.undoing.in_return)
        )
        paid: int = sum(row.amount for row in self.refunds if row.placement_id == placed.id)
        taken: int = sum(row.amount for row in self.withdrawals[placed.id])
        return settled + paid + taken

    @property
    def unplaced(self) -> int:
        """What nobody has placed."""
        taken = sum(row.amount - sum(w.amount for w in self.withdrawals[row.id]) for row in self.placements)
        back: int = sum(row.amount for row in self.refunds if row.placement_id is None)
        found: int = self.head.amount - taken - back
        return found

    def faults(self) -> Iterator[str]:
        """What contradicts itself."""
        head = self.head
        whole = sum(leg.amount for leg in self.legs)
        if whole != head.amount:
            yield f"its legs sum to {format_amount(whole)}, not {format_amount(head.amount)}"
        unknown = {leg.kind for leg in self.legs} - set(LEG_KINDS)
        if unknown:
            yield f"its leg {unknown.pop()!r} is of no kind there is"
        if any(paid.means not in REFUND_MEANS for paid in self.refunds):
            yield "it was paid back by no means there is"
        if self.unplaced < 0:
            yield f"{format_amount(-self.unplaced)} more is placed or paid back than came in"
        if self.events and head.means not in TO_BE_CLEARED:
            yield f"it is no cheque or bill, but was {self.events[0].kind}"
        for placed in self.placements:
            left = placed.amount - self.used(placed)
            if left < 0:
                yield f"{format_amount(-left)} more of what {placed.tenant} has is used than there is"
            if placed.in_receipt not in (0, 1) or (placed.in_receipt and placed.placed_on != head.value_date):
                yield f"its placement {placed.id} is booked with it, but dated {placed.placed_on}"
            for one in self.allocated[placed.id]:
                yield from self._allocation_faults(placed, one)

    def _allocation_faults(self, placed: Any, one: _Allocated) -> Iterator[str]:
        row, head = one.row, self.head
        is_money = head.means not in TO_BE_CLEARED or self.cleared is not None
        yield from allocation_faults(one, self.documents, is_money=is_money)
        name = f"the allocation {row.id} to {one.number}"
        if row.tenant != placed.tenant:
            yield f"{name} is of tenant {row.tenant}, its money {placed.tenant}'s"
        if row.in_receipt not in (0, 1) or (
            row.in_receipt and (row.allocated_on != head.value_date or not placed.in_receipt)
        ):
            yield f"{name} is booked with the receipt, but dated {row.allocated_on}"
        if row.allocated_on < placed.placed_on:
            yield f"{name} comes before its money, of {placed.placed_on}"
        if row.how not in ("explicit", "reference", "oldest", "credit"):
            yield f"{name} is of money, and made as {row.how!r}"
        if one.undoing is not None and one.undoing.in_return not in (0, 1):
            yield f"{name} is undone neither by a person nor by a return"
        if self.bounced is not None and one.undoing is None:
            yield f"{name} stands, though the receipt came back unpaid"
        if (
            one.undoing is not None
            and one.undoing.in_return
            and (self.bounced is None or one.undoing.undone_on != self.bounced.booked_on)
        ):
            yield f"{name} is undone by a return that is not of {one.undoing.undone_on}"
        for key, act in one.rows:
            if act == "cleared":
                day = None if self.cleared is None else max(self.cleared.booked_on, row.allocated_on)
                if any(told.settled_on != day for told in one.rows[key, act]):
                    yield f"{name} falls due on another day than its cheque was cleared on"

    def entries(self) -> Iterator[Entry]:
        """What must be booked of it."""
        row = self.head
        head = ReceiptHead(row.id, row.means, row.reference, row.tenant, row.site)
        kinds = {key: found.kind for key, found in self.documents.items()}
        legs = sorted(((leg.kind, leg.account, leg.amount) for leg in self.legs), key=lambda leg: leg[0] != MONEY)
        with_it, rest = [], row.amount
        held = []
        for placed in self.placements:
            if placed.in_receipt:
                mine = [one for one in self.allocated[placed.id] if one.row.in_receipt]
                with_it += mine
                held.append(Held(placed.account, placed.tenant, placed.amount - sum(one.row.amount for one in mine)))
                rest -= placed.amount
        held.append(Held(UNPLACED, None, rest))
        yield receipt_entry(head, row.value_date, legs, [_settled(o, o.vat("allocated", kinds)) for o in with_it], held)
        number = number_of(row.id)
        for placed in self.placements:
            if not placed.in_receipt:
                one_held = Held(placed.account, placed.tenant, placed.amount)
                yield from _some(placement_entry(placed.id, row.id, placed.placed_on, one_held))
            for w in self.withdrawals[placed.id]:
                back = Held(placed.account, placed.tenant, w.amount)
                yield from _some(withdrawal_entry(w.id, row.id, w.withdrawn_on, back))
            for one in self.allocated[placed.id]:
                yield from _allocation_entries(one, kinds, placed.account, number)
        for paid in self.refunds:
            account = next((p.account for p in self.placements if p.id == paid.placement_id), UNPLACED)
            back = Held(account, paid.tenant, paid.amount)
            yield refund_entry(paid.id, paid.refunded_on, paid.means, paid.account, back, 0, number)
        yield from self._event_entries(head, legs, kinds)

    def _event_entries(
        self, head: ReceiptHead, legs: list[tuple[str, str, int]], kinds: dict[int, str]
    ) -> Iterator[Entry]:
        every = [one for placed in self.placements for one in self.allocated[placed.id]]
        cleared, bounced = self.cleared, self.bounced
        if cleared is not None:
            at_once = 0
            for one in every:
                vat, later = one.vat("cleared", kinds), max(cleared.booked_on, one.row.allocated_on)
                if later == cleared.booked_on:
                    at_once += vat
                else:
                    yield from _some(due_entry(one.row.id, later, _settled(one, vat), number_of(head.key)))
            for _, account, amount in legs[:1]:
                yield clearing_entry(head, cleared.booked_on, cleared.account, account, amount, at_once)
        if bounced is not None:
            settled = [
                _settled(one, -one.vat("undone", kinds)) for one in every if one.undoing and one.undoing.in_return
            ]
            held = [Held(p.account, p.tenant, p.amount - self.used(p)) for p in self.placements]
            held.append(Held(UNPLACED, None, self.unplaced))
            back = [(kind, bounced.account if kind == MONEY else account, amount) for kind, account, amount in legs]
            yield return_entry(head, bounced.booked_on, back, settled, held, cleared is not None)


def allocation_faults(one: _Allocated, documents: dict[int, Any], *, is_money: bool) -> Iterator[str]:
    """What is wrong with an allocation and what was told of it by rate; `is_money`: no cheque still to be cleared."""
    row = one.row
    name = f"the allocation {row.id} to {one.number}"
    target = documents.get(row.document_id)
    if target is None or target.kind != INVOICE or target.tenant != row.tenant:
        yield f"{name} settles no invoice of tenant {row.tenant}"
        return
    if row.allocated_on < target.issued_on:
        yield f"{name} comes before the invoice"
    for key in [row.document_id, *([row.credit_note_id] if row.credit_note_id else [])]:
        told = one.rows.get((key, "allocated"), [])
        amount = sum(share.base + share.vat for share in told)
        if amount != row.amount or any(min(share.base, share.vat) < 0 for share in told):
            yield f"{name}: by rate it is {format_amount(amount)}, not {format_amount(row.amount)}"
        if any(share.settled_on != row.allocated_on for share in told):
            yield f"{name} is told by rate on another day"
        cleared, undone = one.rows.get((key, "cleared"), []), one.rows.get((key, "undone"), [])
        yield from _due_faults(name, told, cleared, is_money=is_money)
        yield from _undone_faults(name, [*told, *cleared], undone, one.undoing)


_SUMS = ("base", "vat", "vat_released", "base_due", "vat_due")


def _sums(rows: Iterable[Any]) -> Counter[tuple[int, str]]:
    found: Counter[tuple[int, str]] = Counter()
    for row in rows:
        for name in _SUMS:
            found[row.rate, name] += getattr(row, name)
    return found


def _due_faults(name: str, told: Sequence[Any], cleared: Sequence[Any], *, is_money: bool) -> Iterator[str]:
    """What fell due is what was settled, or nothing: of a cheque not cleared, of a document due at issue."""
    whole = _sums([*told, *cleared])
    for rate in {row.rate for row in told}:
        settled = (whole[rate, "vat"], whole[rate, "base"], whole[rate, "vat"])
        due = (whole[rate, "vat_released"], whole[rate, "base_due"], whole[rate, "vat_due"])
        if due not in (settled, (0, 0, 0)) or (due == settled != (0, 0, 0) and not is_money):
            yield f"{name}: of {format_amount(settled[0])} VAT settled, {format_amount(due[2])} fell due"
    if cleared and not is_money:
        yield f"{name} fell due with a cheque that was not cleared"
    if any((row.base, row.vat) != (0, 0) for row in cleared):
        yield f"{name} settles by a clearing"


def _undone_faults(name: str, stood: Sequence[Any], undone: Sequence[Any], undoing: Any) -> Iterator[str]:
    if undoing is None:
        if undone:
            yield f"{name} stands, but was told undone"
        return
    back, due = _sums(undone), _sums(stood)
    if any(back[key] != -due[key] for key in {*back, *due}):
        yield f"{name} was undone for another sum than it moved"
    if any(row.settled_on != undoing.undone_on for row in undone):
        yield f"{name} was undone on {undoing.undone_on}, but told so on another day"


def _settled(one: _Allocated, vat: int) -> Settled:
    return Settled(one.number, one.row.tenant, one.row.amount, one.row.doubtful, vat)


def _some(found: Entry | None) -> Iterator[Entry]:
    if found is not None:
        yield found


def _allocation_entries(one: _Allocated, kinds: dict[int, str], account: str | None, source: str) -> Iterator[Entry]:
    row, undoing = one.row, one.undoing
    if not row.in_receipt:
        settled = _settled(one, one.vat("allocated", kinds))
        yield from _some(allocation_entry(row.id, row.allocated_on, settled, account, source))
    if undoing is not None and not undoing.in_return:
        settled = _settled(one, -one.vat("undone", kinds))
        yield from _some(undoing_entry(row.id, undoing.undone_on, settled, account, source))


def _of_notes(connection: Connection) -> tuple[list[Entry], list[str]]:
    """The credit notes' allocations and refunds."""
    allocated, documents = _allocations(connection, allocation.c.credit_note_id.is_not(None))
    kinds = {key: found.kind for key, found in documents.items()}
    entries: list[Entry] = []
    faults: list[str] = []
    for one in allocated:
        note = documents.get(one.row.credit_note_id)
        if note is None or note.kind != CREDIT_NOTE or note.tenant != one.row.tenant:
            faults.append(f"the allocation {one.row.id} to {one.number} is of no credit note of its tenant")
            continue
        if one.row.how != "note" or one.row.in_receipt or one.row.allocated_on < note.issued_on:
            faults.append(f"the allocation {one.row.id} of {note.number} is not as a credit note's is")
        faults += allocation_faults(one, documents, is_money=True)
        entries += _allocation_entries(one, kinds, None, note.number)
    r, s, d = refund.c, settlement.c, document.c
    told = _grouped(connection, select(settlement).where(s.act == "refunded"), "act_id")
    rows = connection.execute(
        select(refund, d.number, d.kind, d.tenant.label("buyer"), d.issued_on).join(document, d.id == r.credit_note_id)
    )
    for row in rows:
        name, its = refund_number_of(row.id), told.pop(row.id, [])
        amount = sum(share.base + share.vat for share in its)
        if row.means not in REFUND_MEANS:
            faults.append(f"{name} was paid by no means there is")
        if (row.kind, row.buyer) != (CREDIT_NOTE, row.tenant) or row.refunded_on < row.issued_on:
            faults.append(f"{name} pays back no credit note of tenant {row.tenant}")
        if amount != row.amount or any(share.document_id != row.credit_note_id for share in its):
            faults.append(f"{name}: by rate it is {format_amount(amount)}, not {format_amount(row.amount)}")
        if any(share.settled_on != row.refunded_on for share in its):
            faults.append(f"{name} is told by rate on another day")
        faults += _due_faults(name, its, (), is_money=True)
        vat = sum(share.vat_due for share in its)
        held = Held(CLIENTS, row.tenant, row.amount)
        entries.append(refund_entry(row.id, row.refunded_on, row.means, row.account, held, vat, row.number))
    faults += [f"what {refund_number_of(key)} is told to settle it does not pay back" for key in sorted(told)]
    return entries, faults


def _due_at_issue(connection: Connection) -> tuple[list[Entry], list[str]]:
    """VAT that fell due as documents were issued is all of theirs, and theirs alone."""
    s, d = settlement.c, document.c
    rows = connection.execute(
        select(d.number, d.kind, d.tax, s.document_id, s.act_id, s.settled_on, func.sum(s.vat_due).label("due"),
               func.sum(s.vat_released).label("released"))
        .join(document, d.id == s.document_id)
        .where(s.act == "issued")
        .group_by(d.number, d.kind, d.tax, s.document_id, s.act_id, s.settled_on)
        .order_by(s.document_id)
    )  # fmt: skip
    entries: list[Entry] = []
    faults: list[str] = []
    for row in rows:
        if row.act_id != row.document_id or int(row.due) != row.tax or int(row.released) != row.tax:
            due = format_amount(int(row.due))
            faults.append(f"{row.number}: {due} of {format_amount(row.tax)} VAT fell due at issue")
        entries += _some(issue_entry(row.number, row.settled_on, sign_of(row.kind) * int(row.due)))
    return entries, faults


def _booked_faults(connection: Connection, expected: Sequence[Entry]) -> Iterator[str]:
    """Each entry stands as its act demands it, word for word."""
    e, p = entry.c, posting.c
    found: dict[str, tuple[Any, Counter[tuple[str, str | None, str | None]]]] = {}
    rows = connection.execute(
        select(e.reference, e.journal, e.effective_on, e.label, e.piece, p.account, p.auxiliary, p.site, p.amount)
        .outerjoin(posting, p.entry_id == e.id)
        .where(among(connection, e.reference, [one.reference for one in expected]))
    )
    for row in rows:
        sums = found.setdefault(row.reference, (row, Counter()))[1]
        sums[row.account, row.auxiliary, row.site] += row.amount
    for due in expected:
        stands = found.get(due.reference)
        if stands is None:
            yield f"no entry {due.reference} books {due.label}"
            continue
        head, sums = stands
        if (head.journal, head.effective_on, head.label, head.piece) != (
            due.journal, due.effective_on, due.label, due.piece,
        ):  # fmt: skip
            yield f"entry {due.reference} is not of the journal, day, label and piece its act demands"
        wanted: Counter[tuple[str, str | None, str | None]] = Counter()
        for one in due.postings:
            wanted[one.account, one.auxiliary, one.site] += one.amount
        for fault in difference_of_sums(wanted, sums):
            yield f"entry {due.reference}: {fault}"


CHECKS: tuple[Proof, ...] = (receipts,)
