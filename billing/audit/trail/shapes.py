"""The shapes of the audit trail: audit events with what they changed, and the way from a figure to a person."""

from typing import Annotated, Any, Literal

import orjson
from sqlalchemy import Row

from billing.books.journal.shapes import Entry
from billing.frame.audit_log import RANGES
from billing.frame.shapes import DocumentNumber, Instant, LeaseCode, Serial, Shape, TenantCode, Text, about, instant


class Added(Shape, frozen=True):
    """The first and last number of what a transaction has added."""

    first: Serial
    last: Serial


class AuditEvent(Shape, frozen=True):
    """One transaction: who wrote, when, why, by which request, and what it added."""

    number: Serial
    recorded_at: Annotated[Instant, about("When it was written")]
    actor: Annotated[Text, about("A token, a user of the operating system, the scheduler")]
    user: Annotated[Text | None, about("The person behind the token or the operating system's user; null: none known")]
    origin: Annotated[Literal["api", "cli", "scheduler", "program"], about("By which way it was asked for")]
    operation: Annotated[Text, about("What was asked for: a route or a command")]
    request_id: Annotated[Text, about("The transactions of one request share it")]
    reason: Annotated[Text | None, about("Why it was done; null: none was given")]
    added: Annotated[dict[str, Added], about("Of entry, document, usage_event and import, where any was added")]

    @classmethod
    def of(cls, row: Row[Any]) -> "AuditEvent":
        """Return the audit event whose row is given."""
        values = row._mapping
        return cls(
            number=row.id,
            recorded_at=instant(row.recorded_at),
            actor=row.actor,
            user=row.user_name,
            origin=row.origin,
            operation=row.operation,
            request_id=row.request_id,
            reason=row.reason,
            added={
                kind.name: Added(first=values[f"first_{kind.name}"], last=values[f"last_{kind.name}"])
                for kind in RANGES
                if values[f"last_{kind.name}"] is not None
            },
        )


class AuditChange(Shape, frozen=True):
    """A row that became another, or came to be, or ceased to."""

    act: Annotated[Serial, about("The audit event it belongs to, by number")]
    number: Annotated[Serial, about("Its place among the changes of that audit event")]
    subject: Annotated[Text, about("The kind of thing: tenants")]
    key: Annotated[Text, about("The thing's key: T0042")]
    before: Annotated[dict[str, Any] | None, about("What it was; null: it did not exist")]
    after: Annotated[dict[str, Any] | None, about("What it has become; null: it no longer exists")]

    @classmethod
    def of(cls, row: Row[Any]) -> "AuditChange":
        """Return the change whose row is given."""
        before, after = (None if text is None else orjson.loads(text) for text in (row.before, row.after))
        return cls(act=row.act_id, number=row.seq, subject=row.subject, key=row.key, before=before, after=after)


class EntryTrail(Entry, frozen=True):
    """An entry with the way down: its document and the audit event that posted it; and what takes it back."""

    act: Annotated[Serial | None, about("The audit event that posted it, by number; null: none is recorded")]
    document: Annotated[DocumentNumber | None, about("The document it books; null: it books none")]
    reverses: Annotated[Serial | None, about("The entry it takes back; null: it takes none back")]
    reversed_by: Annotated[list[int], about("The entries that take it back, by number")]


class LineTrail(Shape, frozen=True):
    """A line with the facts it rests on."""

    line_no: Annotated[Serial, about("Its place in the document")]
    lease: Annotated[LeaseCode | None, about("The lease it bills; null: it bills none")]
    usage_events: Annotated[list[str], about("The usage events it bills, by their ids")]


class DocumentTrail(Shape, frozen=True):
    """From a document up to its entries, down to its lines' facts and to its audit event."""

    number: DocumentNumber
    tenant: TenantCode
    act: Annotated[Serial | None, about("The audit event that issued it, by number; null: none is recorded")]
    entries: Annotated[list[int], about("The entries that book it, by number")]
    lines: Annotated[list[LineTrail], about("Its lines, in order; a credit note's rest on those they correct")]


class EventTrail(Shape, frozen=True):
    """From a usage event up to the line that billed it, and down to the audit event that brought it."""

    event_id: Annotated[Text, about("Its id, as its source gave it")]
    act: Annotated[Serial | None, about("The audit event that brought it, by number; null: none is recorded")]
    document: Annotated[DocumentNumber | None, about("The document that bills it; null: it is not billed")]
    line_no: Annotated[Serial | None, about("The document's line that bills it; null: it is not billed")]
