"""The way from a balance down to the person who caused it, and back up: entry, document, line, usage event, import.

References name entries after what they book (`billing.entries`), numbers follow the order of commits, and audit
events name ranges of numbers: so keys give the way, and nothing more is stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from billing.audit.trail.causes import REVERSALS, named_causes, reversed_reference
from billing.audit.trail.shapes import CauseKind, DocumentTrail, EntryTrail, EventTrail, LineTrail
from billing.books.journal.queries import entry_shapes
from billing.entries.sales import sale_reference
from billing.frame.added_rows import ROWS
from billing.frame.errors import Unknown
from billing.frame.tables import audit_change, audit_event
from billing.register.tables import usage_event
from billing.run.tables import USAGE_LINKS
from billing.run.usage_voids.queries import latest_lines
from invoices.errors import UnknownDocument
from invoices.models import document, document_line
from ledger.models import entry

EVENT_KEY = (audit_event.c.id,)
CHANGE_KEY = (audit_change.c.act_id, audit_change.c.seq)


def audit_events(criteria: Mapping[str, Any]) -> Select[Any]:
    """Select the audit events that have the `actor`, `origin` and `request_id` given."""
    return select(audit_event).where(*_equal(audit_event, criteria, "actor", "origin", "request_id"))


def find_audit_event(connection: Connection, number: int) -> Row[Any]:
    """Return the row of an audit event; raises Unknown."""
    row = connection.execute(select(audit_event).where(audit_event.c.id == number)).one_or_none()
    if row is None:
        raise Unknown(f"there is no act {number}: GET /v1/acts lists them")
    return row


def changes_of(number: int) -> Select[Any]:
    """Select the changes of one audit event, without the digests of the rows that it added."""
    return select(audit_change).where(audit_change.c.act_id == number, audit_change.c.subject != ROWS)


# The kinds of thing that acts change, by the names that `record_change` is given; a test holds it complete.
SUBJECTS = (
    "approvals", "certificates", "closings", "cosignatures", "cut-offs", "debts", "deliveries", "deposit-movements",
    "deposits", "dunning", "files", "fiscal-years", "grants", "lease_removals", "leases", "manual-entries",
    "message-deliveries", "messages", "periods", "rates", "receipts", "refunds", ROWS, "run_holds", "runs", "services",
    "sites", "statement-lines", "statements", "surveys", "switch-notices", "take-on", "tenants", "tokens", "units",
    "usage_voids", "users", "vat_rates", "voucher-files", "webhook-endpoints",
)  # fmt: skip


def changes(criteria: Mapping[str, Any]) -> Select[Any]:
    """Select the changes that have the `subject` and `key` given; the digests of added rows only where asked for."""
    asked = [] if criteria.get("subject") == ROWS else [audit_change.c.subject != ROWS]
    return select(audit_change).where(*_equal(audit_change, criteria, "subject", "key"), *asked)


def _equal(table: Any, criteria: Mapping[str, Any], *names: str) -> list[ColumnElement[bool]]:
    return [table.c[name] == criteria[name] for name in names if criteria.get(name) is not None]


def entry_trails(connection: Connection, heads: Sequence[Row[Any]]) -> list[EntryTrail]:
    """Return the entries whose rows are `heads`, each with its way down, in the same number of statements for any."""
    shapes = entry_shapes(connection, heads)
    references = [shape.reference for shape in shapes]
    event_of = events_behind(connection, "entry", entry.c.id, [shape.number for shape in shapes])
    causes = named_causes(connection, references)
    number_of = entries_named(
        connection,
        [*(f"{name}{ending}" for name in references for ending in REVERSALS), *map(reversed_reference, references)],
    )
    return [
        EntryTrail(
            **asdict(shape),
            causes=causes[shape.reference],
            act=event_of.get(shape.number),
            document=next((x.name for x in causes[shape.reference] if x.kind == CauseKind.DOCUMENT), None),
            reverses=number_of.get(reversed_reference(shape.reference)),
            reversed_by=sorted(
                number_of[name] for ending in REVERSALS if (name := f"{shape.reference}{ending}") in number_of
            ),
        )
        for shape in shapes
    ]


def events_behind(connection: Connection, kind: str, key: ColumnElement[int], numbers: Iterable[int]) -> dict[int, int]:
    """Return by number the audit event that added each `entry`, `document` or `usage_event` with these numbers.

    `key` is the column that holds the numbers. Numbers that belong to no audit event are left out.
    """
    e = audit_event.alias()
    first, last = audit_event.c[f"first_{kind}"], audit_event.c[f"last_{kind}"]
    # The ranges follow each other: the first one that ends at the number or after it is the only one that can hold it.
    behind = select(e.c.id).where(e.c[f"last_{kind}"] >= key).order_by(e.c[f"last_{kind}"]).limit(1)
    statement = (
        select(key, audit_event.c.id)
        .select_from(key.table)
        .join(audit_event, audit_event.c.id == behind.correlate(key.table).scalar_subquery())
        .where(key.in_(list(numbers)), first <= key, last >= key)
    )
    return dict(connection.execute(statement).all())


def entries_named(connection: Connection, references: Iterable[str]) -> dict[str, int]:
    """Return by reference the numbers of those entries that exist."""
    e = entry.c
    return dict(connection.execute(select(e.reference, e.id).where(e.reference.in_(list(references)))).all())


def document_trail(connection: Connection, number: str) -> DocumentTrail:
    """Follow a document to its entries, leases, usage events and audit event; raises UnknownDocument."""
    d = document.c
    row = connection.execute(select(d.id, d.tenant).where(d.number == number)).one_or_none()
    if row is None:
        raise UnknownDocument(number)
    return DocumentTrail(
        number=number,
        tenant=row.tenant,
        act=events_behind(connection, "document", d.id, [row.id]).get(row.id),
        entries=list(entries_named(connection, [sale_reference(number)]).values()),
        lines=_line_trails(connection, row.id, row.tenant),
    )


def _line_trails(connection: Connection, document_id: int, tenant: str) -> list[LineTrail]:
    x = document_line.c
    events: dict[int, list[str]] = {}
    for links in USAGE_LINKS:
        link = links.c
        billed = (
            select(link.line_no, usage_event.c.event_id)
            .join(usage_event, usage_event.c.id == link.usage_event_id)
            # By the tenant's events: there is no index on documents here, which every run would have to keep.
            .where(usage_event.c.tenant == tenant, link.document_id == document_id)
            .order_by(link.line_no, usage_event.c.id)
        )
        for line_no, event_id in connection.execute(billed):
            events.setdefault(line_no, []).append(event_id)
    lines = connection.execute(select(x.line_no, x.lease).where(x.document_id == document_id).order_by(x.line_no))
    return [LineTrail(line_no=line_no, lease=lease, usage_events=events.get(line_no, [])) for line_no, lease in lines]


def event_trail(connection: Connection, event_id: str) -> EventTrail:
    """Follow a usage event to the line that billed it last and to the audit event that brought it; raises Unknown."""
    u = usage_event.c
    key = connection.scalar(select(u.id).where(u.event_id == event_id))
    if key is None:
        raise Unknown(f"there is no usage event {event_id}: GET /v1/usage-events lists them")
    line = latest_lines(connection, [key]).get(key)
    return EventTrail(
        event_id=event_id,
        act=events_behind(connection, "usage_event", u.id, [key]).get(key),
        document=None if line is None else line.number,
        line_no=None if line is None else line.line_no,
    )
