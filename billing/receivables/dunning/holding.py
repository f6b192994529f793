"""What holds reminders back: disputes until they are ended, promises until their day; each with reason and person."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, or_, select

from billing.frame.audit_log import act_of, require_reason
from billing.frame.database import change_facts
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.receivables.tables.dunning import dunning_hold, dunning_hold_end
from billing.register.tables import tenant
from invoices.document import INVOICE
from invoices.models import document

DISPUTE, PROMISE = "dispute", "promise"
KINDS = (DISPUTE, PROMISE)
_NUMBER = re.compile(r"SU-([0-9]{6,18})", re.ASCII)


class Hold(NamedTuple):
    """What is to hold reminders back: of one invoice (its number), or of all a tenant's; a promise has a last day."""

    kind: str
    tenant: str | None
    invoice: str | None
    since: date
    until: date | None


def number_of(key: int) -> str:
    """How people call a dispute or a promise: `SU-000012`."""
    return f"SU-{key:06d}"


def key_of(number: str) -> int:
    """The key of the dispute or promise that people call so; raises Unknown for what is no such number."""
    match = _NUMBER.fullmatch(number)
    if match is None or number != number_of(int(match[1])):
        raise Unknown(f"there is no dispute or promise {number}: they are called SU-000012")
    return int(match[1])


def hold(connection: Connection, order: Hold, *, recorded_at: datetime) -> int:
    """Record a dispute or a promise, by whoever acts, for the reason given; gives its key.

    Raises ReasonRequired, Unknown, Refused.
    """
    reason = require_reason(connection, f"a {order.kind}")
    change_facts(connection)
    code, document_id = _concerned(connection, order)
    faults = []
    if (order.kind == PROMISE) != (order.until is not None):
        problem = "must say by when it is paid" if order.kind == PROMISE else "lasts until it is ended: it has no day"
        faults.append(_fault("until", None, problem, "a promise has a day, a dispute has none"))
    elif order.until is not None and order.until < order.since:
        faults.append(_fault("until", order.until.isoformat(), "is past", f"give {order.since} or later"))
    if faults:
        raise Refused(faults)
    key = connection.scalar(
        dunning_hold.insert()
        .values(
            kind=order.kind, tenant=code, document_id=document_id, since=order.since, until=order.until, reason=reason,
            recorded_by=act_of(connection).actor, recorded_at=recorded_at,
        )
        .returning(dunning_hold.c.id)
    )  # fmt: skip
    return int(key or 0)


def _concerned(connection: Connection, order: Hold) -> tuple[str, int | None]:
    if order.invoice is not None:
        d = document.c
        head = connection.execute(select(d.id, d.kind, d.tenant).where(d.number == order.invoice)).one_or_none()
        if head is None:
            raise Unknown(f"no document bears the number {order.invoice}")
        if head.kind != INVOICE:
            raise Refused([_fault("invoice", order.invoice, "is no invoice", "name the invoice that is unpaid")])
        if order.tenant not in (None, head.tenant):
            raise Refused(
                [_fault("tenant", order.tenant, f"is not whose invoice it is: {head.tenant}", "leave it out")]
            )
        return head.tenant, int(head.id)
    if order.tenant is None:
        raise Refused([_fault("invoice", None, "is missing, and so is the tenant", "name one of them")])
    if connection.scalar(select(tenant.c.code).where(tenant.c.code == order.tenant)) is None:
        raise Unknown(f"no tenant has the code {order.tenant}")
    return order.tenant, None


def _fault(column: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault("dunning", None, column, value, problem, remedy)


def end_hold(connection: Connection, key: int, ended_on: date, *, recorded_at: datetime) -> None:
    """End a dispute or a promise from a day on, for a reason. Raises ReasonRequired, Unknown, Conflict, Refused."""
    reason = require_reason(connection, "ending a dispute or a promise")
    change_facts(connection)
    found = find_hold(connection, key)
    if found.ended_on is not None:
        raise Conflict(f"{number_of(key)} was ended on {found.ended_on} already")
    if ended_on < found.since:
        remedy = f"give {found.since} or later"
        raise Refused([_fault("ended_on", ended_on.isoformat(), "is before it began", remedy)])
    connection.execute(
        dunning_hold_end.insert().values(
            hold_id=key, ended_on=ended_on, reason=reason, recorded_by=act_of(connection).actor,
            recorded_at=recorded_at,
        )
    )  # fmt: skip


def holds() -> Select[Any]:
    """Every dispute and promise with its ending and its invoice's number; to be narrowed and put in order."""
    h, e = dunning_hold.c, dunning_hold_end.c
    return (
        select(
            dunning_hold, document.c.number, e.ended_on, e.reason.label("end_reason"),
            e.recorded_by.label("ended_by"),
        )
        .outerjoin(dunning_hold_end, e.hold_id == h.id)
        .outerjoin(document, document.c.id == h.document_id)
    )  # fmt: skip


def standing_on(day: date) -> Any:
    """Whether a dispute or promise holds on a day: begun, not ended, its own last day not past."""
    h, e = dunning_hold.c, dunning_hold_end.c
    return and_(
        h.since <= day,
        or_(h.until.is_(None), h.until >= day),
        or_(e.ended_on.is_(None), e.ended_on > day),
    )


def find_hold(connection: Connection, key: int) -> Row[Any]:
    """One dispute or promise; raises Unknown."""
    found = connection.execute(holds().where(dunning_hold.c.id == key)).one_or_none()
    if found is None:
        raise Unknown(f"there is no dispute or promise {number_of(key)}")
    return found


class Held(NamedTuple):
    """What is held back on a day: whole tenants, and single invoices by key."""

    tenants: frozenset[str]
    documents: frozenset[int]

    def holds(self, tenant_code: str, document_id: int) -> bool:
        """Whether an invoice of a tenant is held back."""
        return tenant_code in self.tenants or document_id in self.documents


def held_on(connection: Connection, day: date, tenants: Iterable[str] | None = None) -> Held:
    """What disputes and promises hold back on a day, of tenants (None: of all)."""
    found = holds().where(standing_on(day))
    if tenants is not None:
        found = found.where(dunning_hold.c.tenant.in_(list(tenants)))
    rows = connection.execute(found).all()
    return Held(
        frozenset(row.tenant for row in rows if row.document_id is None),
        frozenset(row.document_id for row in rows if row.document_id is not None),
    )


def hold_json(row: Row[Any]) -> dict[str, Any]:
    """A dispute or a promise as JSON."""
    return {
        "number": number_of(row.id),
        "kind": row.kind,
        "tenant": row.tenant,
        "invoice": row.number,
        "since": row.since.isoformat(),
        "until": None if row.until is None else row.until.isoformat(),
        "reason": row.reason,
        "recorded_by": row.recorded_by,
        "ended_on": None if row.ended_on is None else row.ended_on.isoformat(),
        "end_reason": row.end_reason,
        "ended_by": row.ended_by,
    }
