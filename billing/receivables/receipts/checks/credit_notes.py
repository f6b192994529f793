"""Credit notes' allocations and refunds, and VAT that fell due at issue: their faults and the entries they demand."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from billing.entries.accounts import CLIENTS
from billing.entries.cancelling import cancellation
from billing.entries.receivables import Held, issue_entry, refund_entry
from billing.frame.codes import REFUND
from billing.receivables.receipts.checks.allocations import (
    allocation_entries,
    allocation_faults,
    due_faults,
    grouped,
    load_allocations,
    present,
)
from billing.receivables.receipts.recording import sign_of
from billing.receivables.receipts.refunding import REFUND_MEANS
from billing.receivables.tables.receipts import (
    AllocatedBy,
    SettlementAct,
    allocation,
    refund,
    refund_cancellation,
    settlement,
)
from invoices.brought import is_ours
from invoices.document import CREDIT_NOTE
from invoices.models import document
from ledger.entry import Entry
from pricing.money import format_amount


def credit_note_acts(connection: Connection) -> tuple[list[Entry], list[str]]:
    """Return the entries that the credit notes' allocations and refunds demand, and the faults of these."""
    allocations, documents = load_allocations(connection, allocation.c.credit_note_id.is_not(None))
    kinds = {key: row.kind for key, row in documents.items()}
    entries: list[Entry] = []
    faults: list[str] = []
    for allocated in allocations:
        row = allocated.row
        note = documents.get(row.credit_note_id)
        if note is None or note.kind != CREDIT_NOTE or note.tenant != row.tenant:
            faults.append(f"{allocated.name} is of no credit note of its tenant")
            continue
        if row.how != AllocatedBy.NOTE or row.in_receipt or row.allocated_on < note.issued_on:
            faults.append(f"the allocation {row.id} of {note.number} is not as a credit note's is")
        faults += allocation_faults(allocated, documents, is_money=True)
        entries += allocation_entries(allocated, kinds, None, note.number)
    refund_entries, refund_faults = _refunds(connection)
    return [*entries, *refund_entries], [*faults, *refund_faults]


def _refunds(connection: Connection) -> tuple[list[Entry], list[str]]:
    entries: list[Entry] = []
    faults: list[str] = []
    r, s, d, x = refund.c, settlement.c, document.c, refund_cancellation.c
    settlements, taken_back = (
        grouped(connection, select(settlement).where(s.act == act), "act_id")
        for act in (SettlementAct.REFUNDED, SettlementAct.UNREFUNDED)
    )
    rows = connection.execute(
        select(
            refund, d.number, d.kind, d.tenant.label("buyer"), d.issued_on, x.booked_on.label("cancelled"),
            x.cancelled_on,
        )
        .join(document, d.id == r.credit_note_id)
        .outerjoin(refund_cancellation, x.refund_id == r.id)
    )  # fmt: skip
    for row in rows:
        name, settled = REFUND.format(row.id), settlements.pop(row.id, [])
        amount = sum(share.base + share.vat for share in settled)
        if row.means not in REFUND_MEANS:
            faults.append(f"{name} was paid by no means there is")
        paid_on = row.booked_on or row.refunded_on
        if (row.kind, row.buyer) != (CREDIT_NOTE, row.tenant) or paid_on < row.issued_on:
            faults.append(f"{name} pays back no credit note of tenant {row.tenant}")
        if amount != row.amount or any(share.document_id != row.credit_note_id for share in settled):
            faults.append(f"{name}: by rate it is {format_amount(amount)}, not {format_amount(row.amount)}")
        if any(share.settled_on != paid_on for share in settled):
            faults.append(f"{name} is settled by rate on another day")
        faults += due_faults(name, settled, (), is_money=True)
        vat = sum(share.vat_due for share in settled)
        held = Held(CLIENTS, row.tenant, row.amount)
        entries.append(refund_entry(row.id, paid_on, row.means, row.account, held, vat, row.number))
        if row.cancelled is not None:
            back = taken_back.pop(row.id, [])
            vat = -sum(share.vat_due for share in back)
            due = refund_entry(row.id, paid_on, row.means, row.account, held, vat, row.number)
            entries.append(cancellation(due, row.cancelled))
            faults += _taken_back_faults(row, paid_on, back)
    for key in sorted({*settlements, *taken_back}):
        faults.append(f"{REFUND.format(key)} has settlements of what it does not pay back")
    return entries, faults


def _taken_back_faults(row: Any, paid_on: date, back: Sequence[Any]) -> Iterator[str]:
    name = REFUND.format(row.id)
    amount = -sum(share.base + share.vat for share in back)
    if amount != row.amount or any(share.document_id != row.credit_note_id for share in back):
        yield f"{name} was cancelled: by rate {format_amount(amount)} is open again, not {format_amount(row.amount)}"
    if any(share.settled_on != row.cancelled for share in back) or not paid_on <= row.cancelled_on <= row.cancelled:
        yield f"{name} was cancelled on {row.cancelled_on} and booked on {row.cancelled}"


def vat_due_at_issue(connection: Connection) -> tuple[list[Entry], list[str]]:
    """Return the entries of VAT that fell due as documents were issued, and where it is not all of theirs."""
    s, d = settlement.c, document.c
    rows = connection.execute(
        select(d.number, d.kind, d.tax, s.document_id, s.act_id, s.settled_on, func.sum(s.vat_due).label("due"),
               func.sum(s.vat_released).label("released"))
        .join(document, d.id == s.document_id)
        # That of brought invoices was declared before, and proved with the take-on.
        .where(s.act == SettlementAct.ISSUED, is_ours())
        .group_by(d.number, d.kind, d.tax, s.document_id, s.act_id, s.settled_on)
        .order_by(s.document_id)
    )  # fmt: skip
    entries: list[Entry] = []
    faults: list[str] = []
    for row in rows:
        if row.act_id != row.document_id or int(row.due) != row.tax or int(row.released) != row.tax:
            due = format_amount(int(row.due))
            faults.append(f"{row.number}: {due} of {format_amount(row.tax)} VAT fell due at issue")
        entries += present(issue_entry(row.number, row.settled_on, sign_of(row.kind) * int(row.due)))
    return entries, faults
