"""Receipts, allocations and refunds as they are read: lists to be narrowed, and a receipt with its story."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
)

from billing.entries.receivables import TO_BE_CLEARED, WITHHOLDINGS, LegKind
from billing.frame.codes import RECEIPT
from billing.frame.errors import Unknown
from billing.frame.listing import Listing, named_since
from billing.frame.searching import found_in
from billing.receivables.open_items.open_items import is_standing_refund, placements_left, unplaced_left
from billing.receivables.receipts.certificates import is_withdrawn
from billing.receivables.receipts.shapes import (
    Allocation,
    Leg,
    Placement,
    ReceiptCancellation,
    ReceiptEvent,
    ReceiptState,
    ReceiptStory,
    Refund,
    receipt_fields,
)
from billing.receivables.tables.receipts import (
    EventKind,
    allocation,
    allocation_undoing,
    certificate_withdrawal,
    placement,
    placement_withdrawal,
    receipt,
    receipt_cancellation,
    receipt_certificate,
    receipt_event,
    receipt_leg,
    refund,
    refund_cancellation,
)
from billing.register.listings import FIRMS, of_firms
from invoices.models import document
from pricing.money import format_amount

# The keys that lists are ordered and paged by.
RECEIPT_KEY = (receipt.c.id,)
ALLOCATION_KEY = (allocation.c.id,)
REFUND_KEY = (refund.c.id,)
_note = document.alias("note")
_DIGITS_MAX = 18
# Their rows name the receipt first.
_OF_RECEIPTS = (receipt_event, receipt_certificate, certificate_withdrawal, receipt_cancellation)


def has_event(kind: EventKind) -> ColumnElement[bool]:
    """Select the receipts that were cleared, or bounced."""
    e = receipt_event.c
    return exists().where(e.receipt_id == receipt.c.id, e.kind == kind)


def is_cancelled() -> ColumnElement[bool]:
    """Select the receipts that were cancelled."""
    return exists().where(receipt_cancellation.c.receipt_id == receipt.c.id)


_STATE = case(
    (is_cancelled(), ReceiptState.CANCELLED.value),
    (has_event(EventKind.BOUNCED), ReceiptState.BOUNCED.value),
    (receipt.c.means.not_in(TO_BE_CLEARED), ReceiptState.CASHED.value),
    (has_event(EventKind.CLEARED), ReceiptState.CLEARED.value),
    else_=ReceiptState.TO_CLEAR.value,
).label("state")


def _legs_of(kinds: Sequence[LegKind]) -> ColumnElement[int]:
    """Return the sum of a receipt's legs of some kinds, in centimes."""
    leg = receipt_leg.c
    total = func.coalesce(func.sum(leg.amount), 0)
    summed = select(cast(total, BigInteger)).where(leg.receipt_id == receipt.c.id, leg.kind.in_(kinds))
    return summed.scalar_subquery()


def receipts(
    *,
    tenant: str | None = None,
    means: str | None = None,
    state: str | None = None,
    from_day: date | None = None,
    until: date | None = None,
    unplaced: bool | None = None,
) -> Select[Any]:
    """Select receipts with their state: those a tenant paid or has a part of, of a means, in a state, of days.

    `unplaced` selects those of which a part is nobody's; False those of which none is.
    """
    withheld, charges = _legs_of(WITHHOLDINGS), _legs_of((LegKind.BANK_CHARGES,))
    statement = select(receipt, _STATE, withheld.label("withheld"), charges.label("bank_charges"))
    if tenant is not None:
        its_part = exists().where(placement.c.receipt_id == receipt.c.id, placement.c.tenant == tenant)
        statement = statement.where(or_(receipt.c.tenant == tenant, its_part))
    if means is not None:
        statement = statement.where(receipt.c.means == means)
    if state is not None:
        statement = statement.where(_STATE.element == state)
    if from_day is not None:
        statement = statement.where(receipt.c.value_date >= from_day)
    if until is not None:
        statement = statement.where(receipt.c.value_date <= until)
    if unplaced is not None:
        statement = statement.where(_is_unplaced() if unplaced else not_(_is_unplaced()))
    return statement


def _searched(_connection: Connection, text: str) -> ColumnElement[bool]:
    """Select what has a text in its reference, in what the payer wrote or in who paid; or has it as number."""
    r = receipt.c
    number = text.strip().upper()
    is_number = [r.id == RECEIPT.parse(number)] if re.fullmatch(RECEIPT.pattern, number, re.ASCII) else []
    return or_(found_in(text, r.reference, r.payer_text), of_firms(r.tenant, text), *is_number)


def _touched_since(connection: Connection, at: datetime) -> ColumnElement[bool]:
    """Select what was placed, allocated, paid back, cleared, bounced, certified or cancelled since, or undone."""
    p, a, w, r = placement.c, allocation.c, placement_withdrawal.c, refund.c

    def named(table: Table) -> Select[Any]:
        return named_since(connection, table.name, at)

    of_placements = [
        p.id.in_(named(placement)),
        p.id.in_(select(w.placement_id).where(w.id.in_(named(placement_withdrawal)))),
        p.id.in_(select(a.placement_id).where(or_(a.id.in_(named(allocation)), a.id.in_(named(allocation_undoing))))),
    ]
    refunds_since = or_(r.id.in_(named(refund)), r.id.in_(named(refund_cancellation)))
    return or_(
        *(receipt.c.id.in_(named(table)) for table in _OF_RECEIPTS),
        receipt.c.id.in_(select(p.receipt_id).where(or_(*of_placements))),
        receipt.c.id.in_(select(r.receipt_id).where(r.receipt_id.is_not(None), refunds_since)),
    )


RECEIPTS_LISTING = Listing(
    key=RECEIPT_KEY,
    sorts={"number": receipt.c.id, "value_date": receipt.c.value_date, "amount": receipt.c.amount},
    searched=f"reference or the payer's text, or in the tenant's {FIRMS}, or with it as number",
    search=_searched,
    created=lambda _connection, at: receipt.c.recorded_at > at,
    updated=_touched_since,
)


def _is_unplaced() -> ColumnElement[bool]:
    # As one scalar a row, so that a page asks only for its own receipts.
    p, w, r = placement.c, placement_withdrawal.c, refund.c
    placed = select(func.coalesce(func.sum(p.amount), 0)).where(p.receipt_id == receipt.c.id).scalar_subquery()
    withdrawn = (
        select(func.coalesce(func.sum(w.amount), 0))
        .join(placement, p.id == w.placement_id)
        .where(p.receipt_id == receipt.c.id)
        .scalar_subquery()
    )
    refunded = (
        select(func.coalesce(func.sum(r.amount), 0))
        .where(r.receipt_id == receipt.c.id, r.placement_id.is_(None), is_standing_refund())
        .scalar_subquery()
    )
    is_left = receipt.c.amount - placed + withdrawn - refunded > 0
    return and_(is_left, not_(has_event(EventKind.BOUNCED)), not_(is_cancelled()))


def find_receipt(connection: Connection, key: int) -> Row[Any]:
    """Return a receipt with its state; raises Unknown."""
    row = connection.execute(receipts().where(receipt.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no receipt {RECEIPT.format(key)}")
    return row


def receipt_story(connection: Connection, key: int, warnings: Sequence[str | None] = ()) -> ReceiptStory:
    """Return a receipt with its legs and certificates, whose it is, what it settles, what became of it.

    `warnings` are those of what was just done with it. Raises Unknown.
    """
    head = find_receipt(connection, key)
    events = connection.execute(
        select(receipt_event).where(receipt_event.c.receipt_id == key).order_by(receipt_event.c.booked_on)
    )
    left = {row.id: int(row.left) for row in connection.execute(placements_left(placement.c.receipt_id == key))}
    placements = connection.execute(
        select(placement).where(placement.c.receipt_id == key).order_by(placement.c.id)
    ).all()
    unplaced = connection.execute(unplaced_left(receipt.c.id == key)).one_or_none()
    allocated = allocations().where(placement.c.receipt_id == key).order_by(*ALLOCATION_KEY)
    refunded = refunds().where(refund.c.receipt_id == key).order_by(*REFUND_KEY)
    return ReceiptStory(
        **receipt_fields(head),
        legs=_legs(connection, key),
        placements=[
            Placement(
                tenant=row.tenant,
                amount=format_amount(row.amount),
                left=format_amount(left.get(row.id, 0)),
                placed_on=row.placed_on,
                account=row.account,
            )
            for row in placements
        ],
        unplaced=format_amount(0 if unplaced is None else int(unplaced.left)),
        allocations=[Allocation.of(row) for row in connection.execute(allocated)],
        refunds=[Refund.of(row) for row in connection.execute(refunded)],
        events=[
            ReceiptEvent(kind=row.kind, happened_on=row.happened_on, booked_on=row.booked_on, reason=row.reason)
            for row in events
        ],
        cancellation=_cancellation(connection, key),
        warnings=[warning for warning in warnings if warning is not None],
    )


def _cancellation(connection: Connection, key: int) -> ReceiptCancellation | None:
    c = receipt_cancellation.c
    row = connection.execute(select(receipt_cancellation).where(c.receipt_id == key)).one_or_none()
    if row is None:
        return None
    return ReceiptCancellation(cancelled_on=row.cancelled_on, booked_on=row.booked_on, reason=row.reason)


def _legs(connection: Connection, key: int) -> list[Leg]:
    leg, c = receipt_leg.c, receipt_certificate.c
    certificates = {
        row.kind: row
        for row in connection.execute(
            select(receipt_certificate).where(c.receipt_id == key, not_(is_withdrawn())).order_by(c.version)
        )
    }
    legs = []
    for row in connection.execute(select(receipt_leg).where(leg.receipt_id == key).order_by(leg.kind)):
        certificate = certificates.get(row.kind)
        legs.append(
            Leg(
                kind=row.kind,
                amount=format_amount(row.amount),
                account=row.account,
                certificate=None if certificate is None else certificate.number,
                certified_on=None if certificate is None else certificate.certified_on,
            )
        )
    return legs


def allocations(*, tenant: str | None = None, invoice: str | None = None) -> Select[Any]:
    """Select allocations with the numbers of their documents, their receipts and how they were undone."""
    a, u = allocation.c, allocation_undoing.c
    statement = (
        select(
            allocation, document.c.number, _note.c.number.label("note"), placement.c.receipt_id, u.undone_on,
            u.reason.label("undone_for"),
        )
        .join(document, document.c.id == a.document_id)
        .outerjoin(_note, _note.c.id == a.credit_note_id)
        .outerjoin(placement, placement.c.id == a.placement_id)
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
    )  # fmt: skip
    if tenant is not None:
        statement = statement.where(a.tenant == tenant)
    if invoice is not None:
        statement = statement.where(document.c.number == invoice)
    return statement


def find_allocation(connection: Connection, key: int) -> Row[Any]:
    """Return an allocation, as `allocations` selects it; raises Unknown."""
    row = connection.execute(allocations().where(allocation.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no allocation {key}")
    return row


def allocations_keyed(connection: Connection, keys: Sequence[int]) -> Sequence[Row[Any]]:
    """Return allocations by key, as `allocations` selects them."""
    return connection.execute(allocations().where(allocation.c.id.in_(keys)).order_by(*ALLOCATION_KEY)).all()


def named_allocation(connection: Connection, text: str) -> str:
    """Return how an allocation is named on the command line, to somebody who gave its bare number."""
    row = None
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX:
        row = next(iter(allocations_keyed(connection, [int(text)])), None)
    if row is None:
        return "name the receipt and the invoice, such as `payments undo RG-000012 FA-2026-000031`"
    source = row.note if row.receipt_id is None else RECEIPT.format(row.receipt_id)
    return f"allocation {text} is what {source} settles of {row.number}: say `payments undo {source} {row.number}`"


def refunds(*, tenant: str | None = None) -> Select[Any]:
    """Select refunds with the numbers of their credit notes, and how they were cancelled."""
    x = refund_cancellation.c
    statement = (
        select(refund, _note.c.number.label("note"), x.cancelled_on, x.reason.label("cancelled_for"))
        .outerjoin(_note, _note.c.id == refund.c.credit_note_id)
        .outerjoin(refund_cancellation, x.refund_id == refund.c.id)
    )
    return statement if tenant is None else statement.where(refund.c.tenant == tenant)


def find_refund(connection: Connection, key: int) -> Row[Any]:
    """Return a refund that stands, as `refunds` selects it."""
    return connection.execute(refunds().where(refund.c.id == key)).one()
