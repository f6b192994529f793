"""The way from a balance down to whoever caused it, and back up: entry, document, line, event, import, act.

References name entries after what they book (`billing.entries`), numbers follow the order of
commits, and acts name
ranges of numbers: so the way is found from keys, and nothing more is stored.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from billing.frame.tables import audit_event
from billing.register.tables import usage_event
from billing.run.tables import usage_billing
from invoices.models import document, document_line
from ledger.entry import SALES
from ledger.models import entry


class LineTrail(NamedTuple):
    """What a line rests on: a lease, or usage events by their ids."""

    line_no: int
    lease: str | None
    usage_events: tuple[str, ...]


class EventTrail(NamedTuple):
    """Where a usage event came from, and which line billed it: an act's number, a document's number and line."""

    act: int | None
    document: str | None
    line_no: int | None


def act_behind(connection: Connection, kind: str, number: int) -> int | None:
    """The act that added an `entry`, `document`, `usage_event` or `import` of that number; None if nobody's."""
    first, last = audit_event.c[f"first_{kind}"], audit_event.c[f"last_{kind}"]
    found = connection.execute(
        select(audit_event.c.id, first).where(last >= number).order_by(last).limit(1)
    ).one_or_none()
    return None if found is None or found[1] > number else int(found[0])


def document_behind(connection: Connection, reference: str) -> str | None:
    """The number of the document an entry books; None if it books none."""
    prefix, _, number = reference.partition("/")
    if prefix != SALES:
        return None
    return connection.scalar(select(document.c.number).where(document.c.number == number))


def reversals_of(connection: Connection, reference: str) -> list[int]:
    """The entries that take one back, by number."""
    e = entry.c
    names = [f"{reference}/{end}" for end in ("reversal", "annulation")]
    return list(connection.scalars(select(e.id).where(e.reference.in_(names)).order_by(e.id)))


def entry_behind(connection: Connection, reference: str) -> int | None:
    """The entry that one takes back; None if it takes none back."""
    name, _, end = reference.rpartition("/")
    if end not in ("reversal", "annulation"):
        return None
    return connection.scalar(select(entry.c.id).where(entry.c.reference == name))


def entries_of_document(connection: Connection, number: str) -> list[int]:
    """The entries that book a document, by number."""
    return list(connection.scalars(select(entry.c.id).where(entry.c.reference == f"{SALES}/{number}")))


def lines_of_document(connection: Connection, document_id: int, tenant: str) -> list[LineTrail]:
    """What each line of a tenant's document rests on, in order; a credit note's lines rest on those they correct."""
    x, link = document_line.c, usage_billing.c
    events: dict[int, list[str]] = {}
    found = (
        select(link.line_no, usage_event.c.event_id)
        .join(usage_event, usage_event.c.id == link.usage_event_id)
        # By the tenant's events: there is no index on documents here, which every run would have to keep.
        .where(usage_event.c.tenant == tenant, link.document_id == document_id)
        .order_by(link.line_no, usage_event.c.id)
    )
    for line_no, event_id in connection.execute(found):
        events.setdefault(line_no, []).append(event_id)
    lines = connection.execute(select(x.line_no, x.lease).where(x.document_id == document_id).order_by(x.line_no))
    return [LineTrail(line_no, lease, tuple(events.get(line_no, ()))) for line_no, lease in lines]


def trail_of_event(connection: Connection, event_id: str) -> EventTrail | None:
    """Where a usage event came from and where it went; None if there is no such event."""
    u, link = usage_event.c, usage_billing.c
    found: Any = connection.execute(
        select(u.id, document.c.number, link.line_no)
        .outerjoin(usage_billing, link.usage_event_id == u.id)
        .outerjoin(document, document.c.id == link.document_id)
        .where(u.event_id == event_id)
    ).one_or_none()
    if found is None:
        return None
    return EventTrail(act_behind(connection, "usage_event", found.id), found.number, found.line_no)
