"""Dunning blocks: disputes until they are ended, promises until their day; each with its reason and who recorded it."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from billing.frame.added_rows import note_rows
from billing.frame.audit_log import act_of, require_reason
from billing.frame.codes import DUNNING_BLOCK
from billing.frame.database import change_facts
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.receivables.tables.dunning import dunning_hold, dunning_hold_end
from billing.register.tables import tenant
from invoices.document import INVOICE
from invoices.models import document

BLOCK_KEY = (dunning_hold.c.id,)


class BlockKind(StrEnum):
    """The kinds of dunning block."""

    DISPUTE = "dispute"
    PROMISE = "promise"


class BlockOrder(NamedTuple):
    """A block to be recorded, of one invoice (its number) or of all a tenant's; a promise has a last day."""

    kind: BlockKind
    tenant: str | None
    invoice: str | None
    since: date
    until: date | None


class Blocked(NamedTuple):
    """The tenants, and the single invoices by key, of which nothing is sent on a day."""

    tenants: frozenset[str]
    documents: frozenset[int]

    def covers(self, tenant_code: str, document_id: int) -> bool:
        """Return whether an invoice of a tenant is blocked."""
        return tenant_code in self.tenants or document_id in self.documents


def block_dunning(connection: Connection, order: BlockOrder, *, recorded_at: datetime) -> int:
    """Record a dispute or a promise, by the actor, for the reason given; return its key.

    Raises ReasonRequired, Unknown, Refused.
    """
    reason = require_reason(connection, f"a {order.kind}")
    change_facts(connection)
    code, document_id = _blocked_by(connection, order)
    if (order.kind == BlockKind.PROMISE) != (order.until is not None):
        is_promise = order.kind == BlockKind.PROMISE
        problem = "must say by when it is paid" if is_promise else "lasts until it is ended: it has no day"
        raise _refused("until", None, problem, "a promise has a day, a dispute has none")
    if order.until is not None and order.until < order.since:
        raise _refused("until", order.until.isoformat(), "is past", f"give {order.since} or later")
    key = connection.scalar(
        dunning_hold.insert()
        .values(
            kind=order.kind, tenant=code, document_id=document_id, since=order.since, until=order.until, reason=reason,
            recorded_by=act_of(connection).person, recorded_at=recorded_at,
        )
        .returning(dunning_hold.c.id)
    )  # fmt: skip
    note_rows(connection, dunning_hold, [key])
    return int(key or 0)


def _blocked_by(connection: Connection, order: BlockOrder) -> tuple[str, int | None]:
    """Return the tenant and the invoice (None: all) that an order blocks."""
    if order.invoice is not None:
        d = document.c
        head = connection.execute(select(d.id, d.kind, d.tenant).where(d.number == order.invoice)).one_or_none()
        if head is None:
            raise Unknown(f"no document bears the number {order.invoice}")
        if head.kind != INVOICE:
            raise _refused("invoice", order.invoice, "is no invoice", "name the invoice that is unpaid")
        if order.tenant not in (None, head.tenant):
            raise _refused("tenant", order.tenant, f"is not whose invoice it is: {head.tenant}", "leave it out")
        return head.tenant, int(head.id)
    if order.tenant is None:
        raise _refused("invoice", None, "is missing, and so is the tenant", "name one of them")
    if connection.scalar(select(tenant.c.code).where(tenant.c.code == order.tenant)) is None:
        raise Unknown(f"no tenant has the code {order.tenant}")
    return order.tenant, None


def _refused(column: str, value: str | None, problem: str, remedy: str) -> Refused:
    return Refused([Fault("dunning", None, column, value, problem, remedy)])


def end_block(connection: Connection, key: int, ended_on: date, *, recorded_at: datetime) -> None:
    """End a dispute or a promise from a day on, for a reason. Raises ReasonRequired, Unknown, Conflict, Refused."""
    reason = require_reason(connection, "ending a dispute or a promise")
    change_facts(connection)
    block = find_block(connection, key)
    if block.ended_on is not None:
        raise Conflict(f"{DUNNING_BLOCK.format(key)} was ended on {block.ended_on} already")
    if ended_on < block.since:
        raise _refused("ended_on", ended_on.isoformat(), "is before it began", f"give {block.since} or later")
    connection.execute(
        dunning_hold_end.insert().values(
            hold_id=key, ended_on=ended_on, reason=reason, recorded_by=act_of(connection).person,
            recorded_at=recorded_at,
        )
    )  # fmt: skip


def blocks(*, tenant_code: str | None = None, on: date | None = None) -> Select[Any]:
    """Return the disputes and promises of a tenant (None: of all) that block on a day (None: ever), in order.

    Each comes with its ending and its invoice's number.
    """
    h, e = dunning_hold.c, dunning_hold_end.c
    ending = e.ended_on, e.reason.label("end_reason"), e.recorded_by.label("ended_by")
    selected = (
        select(dunning_hold, document.c.number, *ending)
        .outerjoin(dunning_hold_end, e.hold_id == h.id)
        .outerjoin(document, document.c.id == h.document_id)
        .order_by(*BLOCK_KEY)
    )
    if tenant_code is not None:
        selected = selected.where(h.tenant == tenant_code)
    if on is not None:
        selected = selected.where(_blocks_on(on))
    return selected


def _blocks_on(day: date) -> ColumnElement[bool]:
    """Return the condition that a block counts on a day: begun, not ended, its own last day not past."""
    h, e = dunning_hold.c, dunning_hold_end.c
    return and_(
        h.since <= day,
        or_(h.until.is_(None), h.until >= day),
        or_(e.ended_on.is_(None), e.ended_on > day),
    )


def find_block(connection: Connection, key: int) -> Row[Any]:
    """Return a dispute or promise; raises Unknown."""
    row = connection.execute(blocks().where(dunning_hold.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no dispute or promise {DUNNING_BLOCK.format(key)}")
    return row


def blocked_on(connection: Connection, day: date, tenants: Iterable[str] | None = None) -> Blocked:
    """Return the tenants and invoices that are blocked on a day, of tenants (None: of all)."""
    selected = blocks(on=day)
    if tenants is not None:
        selected = selected.where(dunning_hold.c.tenant.in_(list(tenants)))
    rows = connection.execute(selected).all()
    return Blocked(
        frozenset(row.tenant for row in rows if row.document_id is None),
        frozenset(row.document_id for row in rows if row.document_id is not None),
    )
