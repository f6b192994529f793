"""Allocations taken back, by a person or because a cheque came back: what they moved moves back."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from billing.entries.receivables import Settled, undoing_entry
from billing.frame.codes import RECEIPT
from billing.frame.database import among, change_receivables
from billing.frame.errors import Conflict, Unknown
from billing.receivables.open_items.standing import documents_keyed, standing_allocations
from billing.receivables.receipts.acting import acting_day, require_reason_text
from billing.receivables.receipts.recording import Records, sign_of
from billing.receivables.tables.receipts import SettlementAct, allocation, allocation_undoing, placement, settlement
from invoices.models import document


def undo_named(
    connection: Connection,
    source: str,
    invoice: str,
    *,
    reason: str,
    recorded_at: datetime,
    on: date | None = None,
) -> list[int]:
    """Take back what a receipt (RG-…) or credit note (AV-…) settles of an invoice; return the allocations' keys.

    Raises Unknown, naming the invoices that it does settle; Refused.
    """
    change_receivables(connection)
    note = document.alias("note")
    of_source = (
        placement.c.receipt_id == RECEIPT.parse(source)
        if source.startswith(RECEIPT.prefix)
        else note.c.number == source
    )
    rows = connection.execute(
        standing_allocations()
        .add_columns(document.c.number)
        .join(document, document.c.id == allocation.c.document_id)
        .outerjoin(note, note.c.id == allocation.c.credit_note_id)
        .outerjoin(placement, placement.c.id == allocation.c.placement_id)
        .where(of_source)
        .order_by(allocation.c.id)
    ).all()
    keys = [row.id for row in rows if row.number == invoice]
    if not keys:
        settles = ", ".join(sorted({row.number for row in rows})) or "nothing"
        raise Unknown(f"{source} settles nothing of {invoice}: it settles {settles}")
    for key in keys:
        undo(connection, key, reason=reason, recorded_at=recorded_at, on=on)
    return keys


def undo(connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None) -> None:
    """Take an allocation back, in the open period: its exact share leaves the sums (R26), and both acts stay.

    What it had settled is open again, its money the tenant's credit. Raises Unknown; Conflict if it was undone already.
    """
    change_receivables(connection)
    reason = require_reason_text(reason)
    c = allocation.c
    row = connection.execute(select(allocation).where(c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no allocation {key}")
    if connection.scalar(select(allocation_undoing.c.undone_on).where(allocation_undoing.c.allocation_id == key)):
        raise Conflict(f"the allocation {key} was undone already")
    records = Records(connection, recorded_at)
    day = max(acting_day(connection, on, recorded_at), last_day_of(connection, row))
    (settled,) = take_back(connection, records, [row], day)
    records.add(allocation_undoing, key, day, reason, 0, recorded_at)
    account, source = _source_of(connection, row)
    records.book(undoing_entry(key, day, settled, account, source))
    records.write()


def take_back(connection: Connection, records: Records, rows: Sequence[Row[Any]], day: date) -> list[Settled]:
    """Take back what allocations settled; return them as they are booked, with the VAT that moves back."""
    s = settlement.c
    keys = {row.document_id for row in rows} | {row.credit_note_id for row in rows if row.credit_note_id is not None}
    documents = documents_keyed(connection, keys)
    stood: dict[int, list[Any]] = {}
    of_documents = select(settlement).where(
        among(connection, s.document_id, sorted(keys)), s.act.in_((SettlementAct.ALLOCATED, SettlementAct.CLEARED))
    )
    allocations = {row.id for row in rows}
    for settled_row in connection.execute(of_documents):
        if settled_row.act_id in allocations:
            stood.setdefault(settled_row.act_id, []).append(settled_row)
    settled = []
    for row in rows:
        moved = records.take_back(row.id, day, stood[row.id], documents)
        vat = sum(sign_of(documents[document_id].kind) * amount for document_id, amount in moved.items())
        settled.append(Settled(documents[row.document_id].number, row.tenant, row.amount, row.doubtful, vat))
    return settled


def _source_of(connection: Connection, row: Row[Any]) -> tuple[str | None, str]:
    """Return the account an allocation drew on, None for a credit note's, and the number of its source."""
    if row.credit_note_id is not None:
        return None, str(connection.scalar(select(document.c.number).where(document.c.id == row.credit_note_id)))
    placed = connection.execute(select(placement).where(placement.c.id == row.placement_id)).one()
    return placed.account, RECEIPT.format(placed.receipt_id)


def last_day_of(connection: Connection, row: Row[Any]) -> date:
    """Return the last day on which an allocation settled anything, or let VAT fall due: it can't be undone before."""
    s = settlement.c
    days = connection.scalars(
        select(s.settled_on).where(
            s.document_id == row.document_id,
            s.act_id == row.id,
            s.act.in_((SettlementAct.ALLOCATED, SettlementAct.CLEARED)),
        )
    )
    latest: date = max([row.allocated_on, *days])
    return latest
