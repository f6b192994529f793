"""Proof of receipts: each act about them has its settlements, and just the entry it demands.

Receipts are taken some hundreds at a time with all that became of them; then the credit notes' allocations and
refunds, and the VAT that fell due at issue.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, func, or_, select

from billing.entries.standing import difference_of_sums
from billing.frame.checking import Proof, Step, by_index
from billing.frame.codes import RECEIPT
from billing.frame.database import among
from billing.receivables.receipts.checks.allocations import Allocated, grouped, load_allocations
from billing.receivables.receipts.checks.credit_notes import credit_note_acts, vat_due_at_issue
from billing.receivables.receipts.checks.story import Story
from billing.receivables.tables.receipts import (
    allocation,
    placement,
    placement_withdrawal,
    receipt,
    receipt_cancellation,
    receipt_event,
    receipt_leg,
    refund,
    refund_cancellation,
)
from ledger.entry import Entry
from ledger.errors import UnbalancedEntry
from ledger.models import entry, posting

_RECEIPTS_AT_A_TIME = 500
# The forms of the references of these acts' entries.
_OURS = ("__/RG-%", "OD/AF-%", "OD/PL-%", "OD/RP-%", "__/RB-%", "OD/TVA-%")


def receipts(connection: Connection, _step: Step) -> Iterator[str]:
    """Prove that receipts and all acts about them are complete, within bounds, and booked."""
    yield from _occurrences(connection)
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
            known = {due.reference for expected, _ in _batches(connection) for due in expected}
        for reference in connection.scalars(select(e.reference).where(ours).order_by(e.id)):
            if reference not in known:
                yield f"entry {reference} books an act about money that does not stand"


def _occurrences(connection: Connection) -> Iterator[str]:
    """Prove that what bears the same name is counted without gap."""
    r, p = receipt.c, refund.c
    for of, name in ((r, (r.means, r.reference, r.value_date)), (p, (p.means, p.reference, p.refunded_on))):
        last, first = func.max(of.occurrence), func.min(of.occurrence)
        counted = select(*name).group_by(*name).having(or_(last != func.count(), first != 1)).order_by(*name)
        for means, reference, day in connection.execute(counted):
            yield f"{means} {reference} of {day}: those of that name are not counted 1, 2, 3"


def _batches(connection: Connection) -> Iterator[tuple[list[Entry], list[str]]]:
    """Yield the entries that must stand, and the faults of the acts themselves, batch by batch."""
    last = int(connection.scalar(select(func.max(receipt.c.id))) or 0)
    for first in range(1, last + 1, _RECEIPTS_AT_A_TIME):
        yield _of_receipts(connection, first, first + _RECEIPTS_AT_A_TIME - 1)
    yield credit_note_acts(connection)
    yield vat_due_at_issue(connection)


def _of_receipts(connection: Connection, first: int, until: int) -> tuple[list[Entry], list[str]]:
    ours = receipt.c.id.between(first, until)
    placed = placement.c.receipt_id.between(first, until)
    legs = grouped(connection, select(receipt_leg).where(receipt_leg.c.receipt_id.between(first, until)), "receipt_id")
    events = grouped(
        connection, select(receipt_event).where(receipt_event.c.receipt_id.between(first, until)), "receipt_id"
    )
    placements = grouped(connection, select(placement).where(placed).order_by(placement.c.id), "receipt_id")
    refunds = grouped(connection, select(refund).where(refund.c.receipt_id.between(first, until)), "receipt_id")
    x, y = receipt_cancellation.c, refund_cancellation.c
    cancelled = connection.execute(select(receipt_cancellation).where(x.receipt_id.between(first, until)))
    cancellations = {row.receipt_id: row for row in cancelled}
    paid = [row.id for rows in refunds.values() for row in rows]
    cancelled = connection.execute(select(refund_cancellation).where(among(connection, y.refund_id, paid)))
    refund_cancellations = {row.refund_id: row for row in cancelled}
    keys = [row.id for rows in placements.values() for row in rows]
    w = placement_withdrawal.c
    withdrawals = grouped(
        connection, select(placement_withdrawal).where(among(connection, w.placement_id, keys)), "placement_id"
    )
    allocations, documents = load_allocations(connection, among(connection, allocation.c.placement_id, keys))
    kinds = {key: row.kind for key, row in documents.items()}
    by_placement: dict[int, list[Allocated]] = defaultdict(list)
    for allocated in allocations:
        by_placement[allocated.row.placement_id].append(allocated)
    entries: list[Entry] = []
    faults: list[str] = []
    for head in connection.execute(select(receipt).where(ours).order_by(receipt.c.id)):
        story = Story(
            head=head,
            legs=legs[head.id],
            events=events[head.id],
            placements=placements[head.id],
            refunds=refunds[head.id],
            cancellation=cancellations.get(head.id),
            refund_cancellations=refund_cancellations,
            withdrawals=withdrawals,
            allocated=by_placement,
            documents=documents,
            kinds=kinds,
        )
        faults += [f"{RECEIPT.format(head.id)}: {fault}" for fault in story.faults()]
        try:
            entries += list(story.entries())
        except UnbalancedEntry as error:
            faults.append(f"{RECEIPT.format(head.id)}: no entry can book what became of it: {error}")
    return entries, faults


def _booked_faults(connection: Connection, expected: Sequence[Entry]) -> Iterator[str]:
    """Prove that each entry stands as its act demands it, word for word."""
    e, p = entry.c, posting.c
    standing: dict[str, tuple[Any, Counter[tuple[str, str | None, str | None]]]] = {}
    rows = connection.execute(
        select(e.reference, e.journal, e.effective_on, e.label, e.piece, p.account, p.auxiliary, p.site, p.amount)
        .outerjoin(posting, p.entry_id == e.id)
        .where(among(connection, e.reference, [due.reference for due in expected]))
    )
    for row in rows:
        sums = standing.setdefault(row.reference, (row, Counter()))[1]
        sums[row.account, row.auxiliary, row.site] += row.amount
    for due in expected:
        stands = standing.get(due.reference)
        if stands is None:
            yield f"no entry {due.reference} books {due.label}"
            continue
        head, sums = stands
        if (head.journal, head.effective_on, head.piece) != (
            due.journal, due.effective_on, due.piece,
        ) or not _says(head.label, due.label):  # fmt: skip
            yield f"entry {due.reference} is not of the journal, day, label and piece its act demands"
        wanted: Counter[tuple[str, str | None, str | None]] = Counter()
        for leg in due.postings:
            wanted[leg.account, leg.auxiliary, leg.site] += leg.amount
        for fault in difference_of_sums(wanted, sums):
            yield f"entry {due.reference}: {fault}"


def _says(label: str, due: str) -> bool:
    """Return whether a label is the one due; of more than three invoices, entries named three and "…" before."""
    return label == due or (label.endswith("…") and due.startswith(f"{label[:-1]}, "))


CHECKS: tuple[Proof, ...] = (receipts,)
