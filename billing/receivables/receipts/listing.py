"""Receipts, allocations, refunds and open items as people and programs read them: JSON, each with its story."""

from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, exists, func, not_, or_, select

from billing.entries.receivables import TO_BE_CLEARED, number_of, refund_number_of
from billing.frame.errors import Unknown
from billing.receivables.open_items.open_items import OpenItem, placements_left, unplaced_left
from billing.receivables.tables.receipts import (
    allocation,
    allocation_undoing,
    placement,
    placement_withdrawal,
    receipt,
    receipt_certificate,
    receipt_event,
    receipt_leg,
    refund,
)
from invoices.models import document
from pricing.money import format_amount

TO_CLEAR, CLEARED, BOUNCED, CASHED = "to_clear", "cleared", "bounced", "cashed"
STATES = (CASHED, TO_CLEAR, CLEARED, BOUNCED)
_note = document.alias("note")


def _event(kind: str) -> Any:
    e = receipt_event.c
    return exists().where(e.receipt_id == receipt.c.id, e.kind == kind)


_STATE = case(
    (_event("bounced"), BOUNCED),
    (receipt.c.means.not_in(TO_BE_CLEARED), CASHED),
    (_event("cleared"), CLEARED),
    else_=TO_CLEAR,
).label("state")


def receipts() -> Select[Any]:
    """Receipts with their state; to be narrowed and put in order."""
    return select(receipt, _STATE)


def in_state(state: str) -> Any:
    """Receipts in one state."""
    return _STATE.element == state


def is_unplaced() -> Any:
    """Receipts of which a part is nobody's."""
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
        .where(r.receipt_id == receipt.c.id, r.placement_id.is_(None))
        .scalar_subquery()
    )
    return and_(receipt.c.amount - placed + withdrawn - refunded > 0, not_(_event("bounced")))


def of_tenant(code: str) -> Any:
    """Receipts that a tenant paid, or of which a part was placed on it."""
    its = exists().where(placement.c.receipt_id == receipt.c.id, placement.c.tenant == code)
    return or_(receipt.c.tenant == code, its)


def find_receipt(connection: Connection, key: int) -> Row[Any]:
    """One receipt; raises Unknown."""
    found = connection.execute(receipts().where(receipt.c.id == key)).one_or_none()
    if found is None:
        raise Unknown(f"there is no receipt {number_of(key)}")
    return found


def receipt_json(row: Row[Any]) -> dict[str, Any]:
    """A receipt as lists show it."""
    return {
        "number": number_of(row.id),
        "means": row.means,
        "reference": row.reference,
        "value_date": row.value_date.isoformat(),
        "tenant": row.tenant,
        "site": row.site,
        "amount": format_amount(row.amount),
        "payer_text": row.payer_text,
        "asked": row.asked,
        "state": row.state,
    }


def receipt_story(connection: Connection, key: int) -> dict[str, Any]:
    """A receipt with its legs and certificates, whose it is, what it settles, what came of it. Raises Unknown."""
    head = find_receipt(connection, key)
    events = connection.execute(
        select(receipt_event).where(receipt_event.c.receipt_id == key).order_by(receipt_event.c.booked_on)
    )
    left = {row.id: int(row.left) for row in connection.execute(placements_left(placement.c.receipt_id == key))}
    placed = connection.execute(select(placement).where(placement.c.receipt_id == key).order_by(placement.c.id)).all()
    nobody = connection.execute(unplaced_left(receipt.c.id == key)).one_or_none()
    its = allocations().where(placement.c.receipt_id == key).order_by(allocation.c.id)
    refunded = refunds().where(refund.c.receipt_id == key).order_by(refund.c.id)
    return receipt_json(head) | {
        "legs": _legs(connection, key),
        "placements": [
            {
                "tenant": row.tenant,
                "amount": format_amount(row.amount),
                "left": format_amount(left.get(row.id, 0)),
                "placed_on": row.placed_on.isoformat(),
                "account": row.account,
            }
            for row in placed
        ],
        "unplaced": format_amount(0 if nobody is None else int(nobody.left)),
        "allocations": [allocation_json(row) for row in connection.execute(its)],
        "refunds": [refund_json(row) for row in connection.execute(refunded)],
        "events": [
            {
                "kind": row.kind,
                "happened_on": row.happened_on.isoformat(),
                "booked_on": row.booked_on.isoformat(),
                "reason": row.reason,
            }
            for row in events
        ],
    }


def _legs(connection: Connection, key: int) -> list[dict[str, Any]]:
    leg, c = receipt_leg.c, receipt_certificate.c
    certificates = {
        row.kind: row
        for row in connection.execute(select(receipt_certificate).where(c.receipt_id == key).order_by(c.version))
    }
    rows = connection.execute(select(receipt_leg).where(leg.receipt_id == key).order_by(leg.kind))
    return [
        {
            "kind": row.kind,
            "amount": format_amount(row.amount),
            "account": row.account,
            "certificate": None if row.kind not in certificates else certificates[row.kind].number,
            "certified_on": (None if row.kind not in certificates else certificates[row.kind].certified_on.isoformat()),
        }
        for row in rows
    ]


def allocations() -> Select[Any]:
    """Allocations with the numbers of their documents, their receipts and how they were undone."""
    a, u = allocation.c, allocation_undoing.c
    return (
        select(
            allocation, document.c.number, _note.c.number.label("note"), placement.c.receipt_id, u.undone_on,
            u.reason.label("undone_for"),
        )
        .join(document, document.c.id == a.document_id)
        .outerjoin(_note, _note.c.id == a.credit_note_id)
        .outerjoin(placement, placement.c.id == a.placement_id)
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
    )  # fmt: skip


def allocation_json(row: Row[Any]) -> dict[str, Any]:
    """An allocation as JSON; `undone_on` where it was taken back."""
    return {
        "id": row.id,
        "receipt": None if row.receipt_id is None else number_of(row.receipt_id),
        "credit_note": row.note,
        "invoice": row.number,
        "tenant": row.tenant,
        "amount": format_amount(row.amount),
        "allocated_on": row.allocated_on.isoformat(),
        "how": row.how,
        "undone_on": None if row.undone_on is None else row.undone_on.isoformat(),
        "undone_for": row.undone_for,
    }


def find_allocation(connection: Connection, key: int) -> Row[Any]:
    """One allocation; raises Unknown."""
    found = connection.execute(allocations().where(allocation.c.id == key)).one_or_none()
    if found is None:
        raise Unknown(f"there is no allocation {key}")
    return found


def refunds() -> Select[Any]:
    """Refunds with the numbers of their credit notes."""
    return select(refund, _note.c.number.label("note")).outerjoin(_note, _note.c.id == refund.c.credit_note_id)


def refund_json(row: Row[Any]) -> dict[str, Any]:
    """A refund as JSON."""
    return {
        "number": refund_number_of(row.id),
        "means": row.means,
        "reference": row.reference,
        "refunded_on": row.refunded_on.isoformat(),
        "receipt": None if row.receipt_id is None else number_of(row.receipt_id),
        "credit_note": row.note,
        "tenant": row.tenant,
        "amount": format_amount(row.amount),
        "reason": row.reason,
    }


def open_item_json(item: OpenItem) -> dict[str, Any]:
    """A document of which something is open, as JSON; `open` below nil on a credit note."""
    return {
        "number": item.number,
        "kind": item.kind,
        "tenant": item.tenant,
        "issued_on": item.issued_on.isoformat(),
        "due_on": item.due_on.isoformat(),
        "gross": format_amount(item.gross),
        "open": format_amount(int(item.open)),
    }
