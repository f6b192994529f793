"""Open items: invoices not paid, credit notes not used, money that settles nothing yet; now, or at the end of a day.

SQL computes the sums, so that a million documents are aged in one statement (`open_items_select`).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, literal, not_, or_, select

from billing.entries.accounts import UNPLACED
from billing.entries.receivables import TO_BE_CLEARED
from billing.frame.database import among
from billing.receivables.tables.receipts import (
    EventKind,
    SettlementAct,
    allocation,
    allocation_undoing,
    placement,
    placement_withdrawal,
    receipt,
    receipt_booked_on,
    receipt_cancellation,
    receipt_event,
    refund,
    refund_booked_on,
    refund_cancellation,
    settlement,
)
from invoices.brought import is_ours, stands_by
from invoices.document import CREDIT_NOTE
from invoices.models import document

_ROWS_AT_A_TIME = 10_000


class OpenItem(NamedTuple):
    """A document of which something is open; centimes, `open` positive on invoices, negative on credit notes."""

    document_id: int
    number: str
    kind: str
    tenant: str
    issued_on: date
    due_on: date
    gross: int
    open: int


class UnallocatedCredit(NamedTuple):
    """Money of a receipt that settles nothing yet: a tenant's by a placement, or nobody's (both None); centimes.

    `is_money` is false for a cheque or bill still to be cleared. `money_on` is the day the money came: its value date,
    or the day it was cleared.
    """

    receipt: int
    placement: int | None
    tenant: str | None
    account: str
    since: date
    left: int
    is_money: bool
    money_on: date


def open_items_select(on: date | None = None) -> Select[Any]:
    """Select the documents of which something is open, as `OpenItem` has them, at the end of a day (None: now).

    It is one aggregation over the settlements, to be narrowed by tenant, put in order, or grouped.
    """
    d, s = document.c, settlement.c
    sums = select(s.document_id, func.sum(s.base + s.vat).label("settled")).group_by(s.document_id)
    if on is not None:
        sums = sums.where(s.settled_on <= on)
    settled = sums.subquery("settled")
    left = d.gross - func.coalesce(settled.c.settled, 0)
    statement = (
        select(
            d.id.label("document_id"),
            d.number,
            d.kind,
            d.tenant,
            d.issued_on,
            d.due_on,
            d.gross,
            case((d.kind == CREDIT_NOTE, -left), else_=left).label("open"),
        )
        .outerjoin(settled, settled.c.document_id == d.id)
        .where(left != 0)
    )
    return statement if on is None else statement.where(stands_by(on))


# The key that open items are paged by, as `open_items_listed` selects it.
OPEN_ITEM_KEY = (document.c.id,)


def open_items_listed(*, tenant: str | None = None, on: date | None = None) -> Select[Any]:
    """Select the open documents of a tenant (None: of all) at the end of a day (None: now), with their key."""
    statement = open_items_select(on).add_columns(*OPEN_ITEM_KEY)
    return statement if tenant is None else statement.where(document.c.tenant == tenant)


def open_items(
    connection: Connection, *, tenants: Iterable[str] | None = None, on: date | None = None
) -> Iterator[OpenItem]:
    """Yield the open documents of tenants (None: all) at the end of a day (None: now), by tenant, oldest due first."""
    statement = open_items_select(on)
    if tenants is not None:
        statement = statement.where(among(connection, document.c.tenant, sorted(set(tenants))))
    statement = statement.order_by(document.c.tenant, document.c.due_on, document.c.id)
    for row in connection.execute(statement.execution_options(yield_per=_ROWS_AT_A_TIME)):
        yield OpenItem(**{**row._mapping, "open": int(row.open)})


def _until(column: ColumnElement[Any], on: date | None) -> list[ColumnElement[bool]]:
    return [] if on is None else [column <= on]


def _taken_back(on: date | None) -> ColumnElement[bool]:
    """Select the receipts that came back unpaid, or were cancelled: nothing is left of them."""
    e, x = receipt_event.c, receipt_cancellation.c
    return or_(
        exists().where(e.receipt_id == receipt.c.id, e.kind == EventKind.BOUNCED, *_until(e.booked_on, on)),
        exists().where(x.receipt_id == receipt.c.id, *_until(x.booked_on, on)),
    )


def is_standing_refund(on: date | None = None) -> ColumnElement[bool]:
    """Select the refunds that were not cancelled by the end of a day (None: by now)."""
    x = refund_cancellation.c
    return not_(exists().where(x.refund_id == refund.c.id, *_until(x.booked_on, on)))


def _is_money(on: date | None) -> ColumnElement[bool]:
    e = receipt_event.c
    cleared = exists().where(e.receipt_id == receipt.c.id, e.kind == EventKind.CLEARED, *_until(e.booked_on, on))
    return or_(receipt.c.means.not_in(TO_BE_CLEARED), cleared)


def _money_on() -> ColumnElement[Any]:
    e = receipt_event.c
    cleared = select(e.booked_on).where(e.receipt_id == receipt.c.id, e.kind == EventKind.CLEARED).scalar_subquery()
    return func.coalesce(cleared, receipt.c.value_date)


def placements_left(concerned: ColumnElement[bool], on: date | None = None) -> Select[Any]:
    """Select what is left of placements at the end of a day, as `UnallocatedCredit`; `concerned` narrows placements."""
    p, a, u, w, r = placement.c, allocation.c, allocation_undoing.c, placement_withdrawal.c, refund.c
    keys = select(p.id).where(concerned)
    undone = u.allocation_id.is_not(None) if on is None else and_(u.allocation_id.is_not(None), u.undone_on <= on)
    allocated = (
        select(a.placement_id, func.sum(a.amount).label("amount"))
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
        .where(a.placement_id.in_(keys), not_(undone), *_until(a.allocated_on, on))
        .group_by(a.placement_id)
        .subquery()
    )
    withdrawn = (
        select(w.placement_id, func.sum(w.amount).label("amount"))
        .where(w.placement_id.in_(keys), *_until(w.withdrawn_on, on))
        .group_by(w.placement_id)
        .subquery()
    )
    refunded = (
        select(r.placement_id, func.sum(r.amount).label("amount"))
        .where(r.placement_id.in_(keys), is_standing_refund(on), *_until(refund_booked_on(), on))
        .group_by(r.placement_id)
        .subquery()
    )
    left: ColumnElement[Any] = p.amount
    for used in (allocated, withdrawn, refunded):
        left = left - func.coalesce(used.c.amount, 0)
    return (
        select(
            p.receipt_id,
            p.id,
            p.tenant,
            p.account,
            p.placed_on,
            left.label("left"),
            _is_money(on).label("is_money"),
            _money_on().label("money_on"),
        )
        .join(receipt, receipt.c.id == p.receipt_id)
        .outerjoin(allocated, allocated.c.placement_id == p.id)
        .outerjoin(withdrawn, withdrawn.c.placement_id == p.id)
        .outerjoin(refunded, refunded.c.placement_id == p.id)
        .where(concerned, left != 0, not_(_taken_back(on)), *_until(p.placed_on, on))
    )


def unplaced_left(concerned: ColumnElement[bool], on: date | None = None) -> Select[Any]:
    """Select nobody's part of receipts at the end of a day, as `UnallocatedCredit`; `concerned` narrows receipts."""
    c, p, w, r = receipt.c, placement.c, placement_withdrawal.c, refund.c
    keys = select(c.id).where(concerned)
    placed = (
        select(p.receipt_id, func.sum(p.amount).label("amount"))
        .where(p.receipt_id.in_(keys), *_until(p.placed_on, on))
        .group_by(p.receipt_id)
        .subquery()
    )
    withdrawn = (
        select(p.receipt_id, func.sum(w.amount).label("amount"))
        .join(placement, p.id == w.placement_id)
        .where(p.receipt_id.in_(keys), *_until(w.withdrawn_on, on))
        .group_by(p.receipt_id)
        .subquery()
    )
    refunded = (
        select(r.receipt_id, func.sum(r.amount).label("amount"))
        .where(r.placement_id.is_(None), r.receipt_id.in_(keys), is_standing_refund(on))
        .where(*_until(refund_booked_on(), on))
        .group_by(r.receipt_id)
        .subquery()
    )
    left = (
        c.amount
        - func.coalesce(placed.c.amount, 0)
        + func.coalesce(withdrawn.c.amount, 0)
        - func.coalesce(refunded.c.amount, 0)
    )
    return (
        select(
            c.id, literal(None).label("placement"), literal(None).label("tenant"), literal(UNPLACED).label("account"),
            receipt_booked_on(), left.label("left"), _is_money(on).label("is_money"), _money_on().label("money_on"),
        )
        .outerjoin(placed, placed.c.receipt_id == c.id)
        .outerjoin(withdrawn, withdrawn.c.receipt_id == c.id)
        .outerjoin(refunded, refunded.c.receipt_id == c.id)
        .where(concerned, left != 0, not_(_taken_back(on)), *_until(receipt_booked_on(), on))
    )  # fmt: skip


def credit_of(row: Any) -> UnallocatedCredit:
    """Return the credit in a row of `placements_left` or `unplaced_left`."""
    key, placed, code, account, since, left, is_money, money_on = row
    return UnallocatedCredit(key, placed, code, account, since, int(left), bool(is_money), money_on)


def credits(  # noqa: A001
    connection: Connection, *, tenants: Iterable[str] | None = None, on: date | None = None, unplaced: bool = True
) -> Iterator[UnallocatedCredit]:
    """Yield money that settles nothing at the end of a day (None: now), oldest first: tenants' credit, then nobody's.

    `tenants` None selects everybody's; `unplaced` adds what nobody could place.
    """
    p = placement.c
    if tenants is None:
        concerned: ColumnElement[bool] = p.id > 0
    else:
        concerned = among(connection, p.tenant, sorted(set(tenants)))
    statements = [placements_left(concerned, on).order_by(p.placed_on, p.id)]
    if unplaced:
        statements.append(unplaced_left(receipt.c.id > 0, on).order_by(receipt_booked_on(), receipt.c.id))
    for statement in statements:
        for row in connection.execute(statement.execution_options(yield_per=_ROWS_AT_A_TIME)):
            yield credit_of(row)


def vat_movements_select(from_day: date | None = None, until: date | None = None) -> Select[Any]:
    """Select what fell due of documents' VAT by rate, act by act: what a VAT return sums.

    Columns: settled_on, document_id, number, kind, tenant, act, act_id, rate, base_due, vat_due; negative on credit
    notes, and where it was given back. `act_id` is the allocation (allocated, undone, cleared), the refund (refunded),
    the decision about the debt (recovered), or the document itself (issued).
    """
    s, d = settlement.c, document.c
    sign = case((d.kind == CREDIT_NOTE, -1), else_=1)
    statement = (
        select(
            s.settled_on, s.document_id, d.number, d.kind, d.tenant, s.act, s.act_id, s.rate,
            (sign * s.base_due).label("base_due"), (sign * s.vat_due).label("vat_due"),
        )
        .join(document, d.id == s.document_id)
        # What fell due before a take-on was declared before, too.
        .where(
            or_(s.base_due != 0, s.vat_due != 0),
            s.act != SettlementAct.BROUGHT,
            or_(s.act != SettlementAct.ISSUED, is_ours()),
        )
    )  # fmt: skip
    if from_day is not None:
        statement = statement.where(s.settled_on >= from_day)
    return statement.where(*_until(s.settled_on, until))
