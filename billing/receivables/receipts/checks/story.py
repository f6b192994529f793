"""A receipt with all that became of it: its faults, and the entries it demands."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from billing.entries.accounts import UNPLACED
from billing.entries.cancelling import cancellation
from billing.entries.receivables import (
    BROUGHT,
    MONEY,
    RETURNABLE,
    TO_BE_CLEARED,
    Held,
    ReceiptHead,
    cancellation_entry,
    clearing_entry,
    due_entry,
    placement_entry,
    receipt_entry,
    refund_entry,
    return_entry,
    withdrawal_entry,
)
from billing.frame.codes import RECEIPT, REFUND
from billing.receivables.receipts.checks.allocations import (
    Allocated,
    allocation_entries,
    allocation_faults,
    present,
    settled_by,
)
from billing.receivables.receipts.orders import LEG_KINDS
from billing.receivables.receipts.refunding import REFUND_MEANS
from billing.receivables.tables.receipts import AllocatedBy, EventKind, SettlementAct
from ledger.entry import Entry
from pricing.money import format_amount


class Story(NamedTuple):
    """A receipt with all that became of it."""

    head: Any
    legs: list[Any]
    events: list[Any]
    placements: list[Any]
    refunds: list[Any]
    cancellation: Any
    refund_cancellations: dict[int, Any]
    withdrawals: dict[int, list[Any]]
    allocated: dict[int, list[Allocated]]
    documents: dict[int, Any]
    # What each of these is: invoice or credit note.
    kinds: dict[int, str]

    @property
    def booked_on(self) -> Any:
        """The day of its entry."""
        return self.head.value_date if self.head.booked_on is None else self.head.booked_on

    @property
    def cleared(self) -> Any:
        """Its clearing."""
        return next((event for event in self.events if event.kind == EventKind.CLEARED), None)

    @property
    def bounced(self) -> Any:
        """Its return."""
        return next((event for event in self.events if event.kind == EventKind.BOUNCED), None)

    @property
    def ending(self) -> Any:
        """What took all of it back: its return, or else its cancellation."""
        return self.cancellation if self.bounced is None else self.bounced

    @property
    def paid_back(self) -> list[Any]:
        """Its refunds that were not cancelled."""
        return [row for row in self.refunds if row.id not in self.refund_cancellations]

    def used(self, placed: Any) -> int:
        """Return how much of a placement settles, was paid back or withdrawn, up to what took all of it back."""
        settled: int = sum(
            allocated.row.amount
            for allocated in self.allocated[placed.id]
            if allocated.undoing is None or (self.ending is not None and allocated.undoing.in_return)
        )
        paid: int = sum(row.amount for row in self.paid_back if row.placement_id == placed.id)
        taken: int = sum(row.amount for row in self.withdrawals[placed.id])
        return settled + paid + taken

    @property
    def unplaced(self) -> int:
        """The part that nobody has placed."""
        taken = sum(row.amount - sum(w.amount for w in self.withdrawals[row.id]) for row in self.placements)
        back: int = sum(row.amount for row in self.paid_back if row.placement_id is None)
        left: int = self.head.amount - taken - back
        return left

    def faults(self) -> Iterator[str]:
        """Yield where the receipt contradicts itself."""
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
        if self.booked_on < head.value_date:
            yield f"it is booked on {self.booked_on}, before its value date"
        if self.events and head.means not in (TO_BE_CLEARED if self.cleared is not None else RETURNABLE):
            yield f"it is {head.means}, but was {self.events[0].kind}"
        yield from self._cancellation_faults()
        for placed in self.placements:
            left = placed.amount - self.used(placed)
            if left < 0:
                yield f"{format_amount(-left)} more of what {placed.tenant} has is used than there is"
            if placed.in_receipt not in (0, 1) or (placed.in_receipt and placed.placed_on != self.booked_on):
                yield f"its placement {placed.id} is booked with it, but dated {placed.placed_on}"
            for allocated in self.allocated[placed.id]:
                yield from self._allocation_faults(placed, allocated)
                yield from self._undoing_faults(allocated)

    def _cancellation_faults(self) -> Iterator[str]:
        for row in self.refunds:
            cancelled = self.refund_cancellations.get(row.id)
            if cancelled is not None and not row.refunded_on <= cancelled.cancelled_on <= cancelled.booked_on:
                yield f"{REFUND.format(row.id)} was cancelled on {cancelled.cancelled_on}"
        cancelled = self.cancellation
        if cancelled is None:
            return
        if cancelled.booked_on < cancelled.cancelled_on or cancelled.cancelled_on < self.booked_on:
            yield f"it was cancelled on {cancelled.cancelled_on} and booked on {cancelled.booked_on}"
        if self.paid_back:
            yield f"it was cancelled, though {REFUND.format(self.paid_back[0].id)} paid a part of it back"

    def _allocation_faults(self, placed: Any, allocated: Allocated) -> Iterator[str]:
        row, head, name = allocated.row, self.head, allocated.name
        is_money = head.means not in TO_BE_CLEARED or self.cleared is not None
        yield from allocation_faults(allocated, self.documents, is_money=is_money)
        if row.tenant != placed.tenant:
            yield f"{name} is of tenant {row.tenant}, its money {placed.tenant}'s"
        if row.in_receipt not in (0, 1) or (
            row.in_receipt and (row.allocated_on != self.booked_on or not placed.in_receipt)
        ):
            yield f"{name} is booked with the receipt, but dated {row.allocated_on}"
        if row.allocated_on < placed.placed_on:
            yield f"{name} comes before its money, of {placed.placed_on}"
        if row.how not in set(AllocatedBy) - {AllocatedBy.NOTE}:
            yield f"{name} is of money, and made as {row.how!r}"

    def _undoing_faults(self, allocated: Allocated) -> Iterator[str]:
        row, undoing, name = allocated.row, allocated.undoing, allocated.name
        if undoing is None:
            if self.ending is not None:
                yield f"{name} stands, though the receipt came back unpaid or was cancelled"
        elif undoing.in_return not in (0, 1):
            yield f"{name} is undone neither by a person nor by a return"
        if (
            undoing is not None
            and undoing.in_return
            and (self.ending is None or undoing.undone_on != self.ending.booked_on)
        ):
            yield f"{name} is undone by a return that is not of {undoing.undone_on}"
        for key, act in allocated.rows:
            if act == SettlementAct.CLEARED:
                day = None if self.cleared is None else max(self.cleared.booked_on, row.allocated_on)
                if any(settled.settled_on != day for settled in allocated.rows[key, act]):
                    yield f"{name} falls due on another day than its cheque was cleared on"

    def entries(self) -> Iterator[Entry]:
        """Yield the entries that it demands."""
        row = self.head
        head = ReceiptHead(row.id, row.means, row.reference, row.tenant, row.site)
        legs = sorted(((leg.kind, leg.account, leg.amount) for leg in self.legs), key=lambda leg: leg[0] != MONEY)
        at_once, held, rest = [], [], row.amount
        for placed in self.placements:
            if placed.in_receipt:
                settling = [allocated for allocated in self.allocated[placed.id] if allocated.row.in_receipt]
                at_once += settling
                left = placed.amount - sum(allocated.row.amount for allocated in settling)
                held.append(Held(placed.account, placed.tenant, left))
                rest -= placed.amount
        held.append(Held(UNPLACED, None, rest))
        # In the order they were made, as the entry's label names them: invoices may alternate between tenants.
        at_once.sort(key=lambda allocated: allocated.row.id)
        settled = [settled_by(allocated, allocated.vat(SettlementAct.ALLOCATED, self.kinds)) for allocated in at_once]
        if row.means != BROUGHT:
            yield receipt_entry(head, self.booked_on, legs, settled, held)
        number = RECEIPT.format(row.id)
        for placed in self.placements:
            if not placed.in_receipt:
                part = Held(placed.account, placed.tenant, placed.amount)
                yield from present(placement_entry(placed.id, row.id, placed.placed_on, part))
            for w in self.withdrawals[placed.id]:
                back = Held(placed.account, placed.tenant, w.amount)
                yield from present(withdrawal_entry(w.id, row.id, w.withdrawn_on, back))
            for allocated in self.allocated[placed.id]:
                yield from allocation_entries(allocated, self.kinds, placed.account, number)
        for paid in self.refunds:
            account = next((p.account for p in self.placements if p.id == paid.placement_id), UNPLACED)
            back = Held(account, paid.tenant, paid.amount)
            due = refund_entry(paid.id, paid.booked_on or paid.refunded_on, paid.means, paid.account, back, 0, number)
            yield due
            cancelled = self.refund_cancellations.get(paid.id)
            if cancelled is not None:
                yield cancellation(due, cancelled.booked_on)
        yield from self._event_entries(head, legs)

    def _event_entries(self, head: ReceiptHead, legs: list[tuple[str, str, int]]) -> Iterator[Entry]:
        every = [allocated for placed in self.placements for allocated in self.allocated[placed.id]]
        cleared, bounced = self.cleared, self.bounced
        if cleared is not None:
            at_once = 0
            for allocated in every:
                row, vat = allocated.row, allocated.vat(SettlementAct.CLEARED, self.kinds)
                due_on = max(cleared.booked_on, row.allocated_on)
                if due_on == cleared.booked_on:
                    at_once += vat
                else:
                    settled = settled_by(allocated, vat)
                    yield from present(due_entry(row.id, due_on, settled, RECEIPT.format(head.key)))
            for _, account, amount in legs[:1]:
                yield clearing_entry(head, cleared.booked_on, cleared.account, account, amount, at_once)
        ending = self.ending
        if ending is not None:
            taken_back = [
                settled_by(allocated, -allocated.vat(SettlementAct.UNDONE, self.kinds))
                for allocated in every
                if allocated.undoing and allocated.undoing.in_return
            ]
            held = [Held(p.account, p.tenant, p.amount - self.used(p)) for p in self.placements]
            held.append(Held(UNPLACED, None, self.unplaced))
            if bounced is None:
                cleared_to = None if cleared is None else cleared.account
                yield cancellation_entry(head, ending.booked_on, legs, taken_back, held, cleared_to)
                return
            back = [(kind, bounced.account if kind == MONEY else account, amount) for kind, account, amount in legs]
            yield return_entry(head, bounced.booked_on, back, taken_back, held, cleared is not None)
