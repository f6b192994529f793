"""Receipts of bank lines: money received under a line's own name, cheques cleared or bounced by it, and taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, func, not_, select

from billing.bank.choices import Choice
from billing.bank.matching.values import LineKind
from billing.bank.naming import LineKey, line_name
from billing.bank.queries import LineRow, receipt_of_line
from billing.bank.recording import LineEntry
from billing.bank.refusing import refused
from billing.entries.receivables import MONEY, TRANSFER
from billing.frame.codes import RECEIPT
from billing.frame.database import among
from billing.frame.errors import Refused
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import placements_left
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.orders import AUTOMATIC, NONE, PAYER_TEXT_LENGTH_MAX, Leg, ReceiptOrder
from billing.receivables.receipts.placing import place, withdraw
from billing.receivables.receipts.queries import is_cancelled
from billing.receivables.receipts.receiving import STATEMENTS, receive
from billing.receivables.receipts.undoing import undo
from billing.receivables.tables.receipts import allocation, allocation_undoing, placement, placement_withdrawal, receipt
from ledger.entry import BANK

# A line with the word of a person, or of a certain proposal, that it is money received.
Received: TypeAlias = tuple[LineRow, Choice]


def receive_lines(
    connection: Connection,
    received: Sequence[Received],
    *,
    recorded_at: datetime,
    terms: Terms,
    places: Sequence[int] | None = None,
) -> list[LineEntry]:
    """Record the receipts of lines that bring money, all in one act; gives the entries that book the lines.

    `places` are the lines that faults name, where they are many.
    """
    names = _free_names(connection, [row for row, _ in received])
    orders = [_order(row, choice, names[row.key]) for row, choice in received]
    keys = receive(connection, orders, recorded_at=recorded_at, terms=terms, source=STATEMENTS, lines=places)
    return [_receipt_entry(key) for key in keys]


def receive_what_can(
    connection: Connection, received: Sequence[Received], *, recorded_at: datetime, terms: Terms
) -> dict[LineKey, LineEntry]:
    """Record the receipts of lines that bring money, all but those that are refused: these wait for a person.

    What these would have settled is left for those after them, so that the rest are judged anew.
    """
    try:
        entries = receive_lines(connection, received, recorded_at=recorded_at, terms=terms, places=range(len(received)))
    except Refused as refused:
        wrong = {fault.line for fault in refused.faults}
        left = [line for index, line in enumerate(received) if index not in wrong]
        if len(left) == len(received):
            raise
        return receive_what_can(connection, left, recorded_at=recorded_at, terms=terms) if left else {}
    return {row.key: entry for (row, _), entry in zip(received, entries, strict=True)}


def _receipt_entry(key: int) -> LineEntry:
    return LineEntry(f"{BANK}/{RECEIPT.format(key)}", key)


def _free_names(connection: Connection, rows: Sequence[LineRow]) -> dict[LineKey, str]:
    """Return the references of the receipts that lines are: their names, or others where a receipt bears that already.

    Until such names were kept for lines, a person could give them.
    """
    names = {row.key: line_name(*row.key) for row in rows}
    on = {row.key: row.line.booked_on for row in rows}
    suffix, asked = 0, dict(names)
    while asked:
        c = receipt.c
        named = select(c.reference, c.value_date).where(
            c.means == TRANSFER, among(connection, c.reference, list(asked.values())), not_(is_cancelled())
        )
        taken = {tuple(row) for row in connection.execute(named)}
        suffix += 1
        asked = {key: f"{line_name(*key)}/{suffix}" for key, name in asked.items() if (name, on[key]) in taken}
        names |= asked
    return names


def _order(row: LineRow, choice: Choice, name: str) -> ReceiptOrder:
    """Return the receipt that a line is: on the day the bank booked it, under the line's own name."""
    line = row.line
    legs = [Leg(MONEY, line.amount)]
    if choice.rent_withheld:
        legs.append(Leg("rent_withholding", choice.rent_withheld))
    if choice.vat_withheld:
        legs.append(Leg("vat_withholding", choice.vat_withheld))
    said = (line.counterparty, line.text, line.structured_reference, line.end_to_end_id, line.bank_reference)
    return ReceiptOrder(
        TRANSFER,
        name,
        line.booked_on,
        choice.tenant,
        tuple(legs),
        AUTOMATIC if choice.automatic else choice.parts or NONE,
        " ".join(text for text in said if text)[:PAYER_TEXT_LENGTH_MAX],
    )


def receive_line(
    connection: Connection, row: LineRow, choice: Choice, *, recorded_at: datetime, terms: Terms
) -> LineEntry:
    """Record the receipt of one line, or place anew the one it was before its decision was undone."""
    if row.line.amount < 0:
        raise refused("kind", LineKind.RECEIVED, "is what money that left can't be", "say booked, bounced or recorded")
    standing = receipt_of_line(connection, row.key)
    if standing is None:
        (entry,) = receive_lines(connection, [(row, choice)], recorded_at=recorded_at, terms=terms)
        return entry
    if choice.rent_withheld or choice.vat_withheld:
        problem = f"is said of {RECEIPT.format(standing)} already, with all that was withheld"
        raise refused("rent_withheld", None, problem, "leave it out: what was withheld stays")
    if choice.parts:
        allocate(connection, standing, choice.parts, recorded_at=recorded_at, terms=terms)
    if choice.tenant is not None and _unplaced(connection, standing):
        place(connection, standing, choice.tenant, None, recorded_at=recorded_at, terms=terms)
    if choice.automatic:
        allocate(connection, standing, AUTOMATIC, recorded_at=recorded_at, terms=terms)
    return _receipt_entry(standing)


def _unplaced(connection: Connection, key: int) -> int:
    """Return the part of a receipt that is placed with no tenant."""
    p, w = placement.c, placement_withdrawal.c
    placed = select(func.coalesce(func.sum(p.amount), 0)).where(p.receipt_id == key)
    withdrawn = (
        select(func.coalesce(func.sum(w.amount), 0)).join(placement, p.id == w.placement_id).where(p.receipt_id == key)
    )
    left = receipt.c.amount - placed.scalar_subquery() + withdrawn.scalar_subquery()
    return int(connection.scalar(select(left).where(receipt.c.id == key)) or 0)


def settle_cheques(
    connection: Connection, row: LineRow, choice: Choice, why: str, *, recorded_at: datetime, terms: Terms
) -> list[LineEntry]:
    """Clear or bounce the cheques and bills that a line is of; gives the entries that book the line."""
    on = row.line.booked_on
    entries = []
    for key in choice.receipts:
        if choice.kind == LineKind.CLEARED:
            clear(connection, key, on, recorded_at=recorded_at, terms=terms)
            act = "encaissement"
        else:
            bounce(connection, key, on, why, recorded_at=recorded_at)
            act = "impaye"
        entries.append(LineEntry(f"{BANK}/{RECEIPT.format(key)}/{act}", key))
    return entries


def take_back(connection: Connection, receipt_id: int, reason: str, recorded_at: datetime) -> None:
    """Undo the allocations and the placement of a receipt."""
    a, p = allocation.c, placement.c
    standing = (
        select(a.id)
        .join(placement, p.id == a.placement_id)
        .outerjoin(allocation_undoing, allocation_undoing.c.allocation_id == a.id)
        .where(p.receipt_id == receipt_id, allocation_undoing.c.allocation_id.is_(None))
        .order_by(a.id)
    )
    for key in connection.scalars(standing).all():
        undo(connection, key, reason=reason, recorded_at=recorded_at)
    placed = connection.execute(placements_left(p.receipt_id == receipt_id)).all()
    for code in sorted({row.tenant for row in placed if row.left}):
        withdraw(connection, receipt_id, code, None, reason=reason, recorded_at=recorded_at)


def tenant_of(connection: Connection, entries: Sequence[LineEntry]) -> str | None:
    """Return the tenant whose the receipts are, if they are one tenant's."""
    keys = [entry.receipt for entry in entries if entry.receipt is not None]
    if not keys:
        return None
    codes = set(connection.scalars(select(placement.c.tenant).where(placement.c.receipt_id.in_(keys))))
    return codes.pop() if len(codes) == 1 else None
