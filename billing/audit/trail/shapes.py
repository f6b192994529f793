"""The shapes of the audit trail: audit events with what they changed, and the way from a figure to a person."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import orjson
from sqlalchemy import Row

from billing.books.journal.shapes import Entry
from billing.documents.explanation.shapes import Written
from billing.frame.audit_log import RANGES
from billing.frame.shapes import (
    Count,
    Day,
    DocumentNumber,
    Instant,
    LeaseCode,
    Money,
    Serial,
    Shape,
    TenantCode,
    Text,
    about,
    instant,
)


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


class CauseKind(StrEnum):
    """The facts that entries book."""

    DOCUMENT = "document"
    RUN = "run"
    GRANT = "grant"
    RECEIPT = "receipt"
    CASH_RECEIPT = "cash_receipt"
    REFUND = "refund"
    DEBT_ACT = "debt_act"
    DEPOSIT = "deposit"
    DEPOSIT_MOVEMENT = "deposit_movement"
    BANK_LINE = "bank_line"
    MANUAL_ENTRY = "manual_entry"
    CUT_OFF = "cut_off"
    TAKE_ON = "take_on"
    FISCAL_YEAR = "fiscal_year"


class CauseName(Shape, frozen=True):
    """A fact that an entry books, by name: `GET /v1/trail` follows entries, documents and receipts."""

    kind: CauseKind
    name: Annotated[Text, about("What people call it: RG-000012, FA-2026-000001, RE-000003/2, 2026-09")]


class Cause(CauseName, frozen=True):
    """A fact that an entry books, or a bank line that shows it."""

    on: Annotated[Day | None, about("Its day; null: it has none of its own")]
    amount: Annotated[Money | None, about("Its amount; null: it has none of its own")]
    about: Annotated[Text, about("What it is, in words")]


class EntryTrail(Entry, frozen=True):
    """An entry with the way down: what it books and the audit event that posted it; and what takes it back."""

    causes: Annotated[list[CauseName], about("What it books, the nearest first")]
    act: Annotated[Serial | None, about("The audit event that posted it, by number; null: none is recorded")]
    document: Annotated[
        DocumentNumber | None, about("The document it books, or the first that it concerns; null: none")
    ]
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


class StepKind(StrEnum):
    """The things that a trail passes."""

    BALANCE = "balance"
    ENTRY = "entry"
    DOCUMENT = "document"
    LINE = "line"
    LEASE = "lease"
    USAGE_EVENT = "usage_event"
    RATE = "rate"
    VAT_RATE = "vat_rate"
    ADMISSION = "admission"
    CHANGE = "change"
    RUN = "run"
    GRANT = "grant"
    RECEIPT = "receipt"
    CASH_RECEIPT = "cash_receipt"
    PLACEMENT = "placement"
    EVENT = "event"
    SETTLEMENT = "settlement"
    CERTIFICATE = "certificate"
    REFUND = "refund"
    CREDIT_NOTE = "credit_note"
    DEBT_ACT = "debt_act"
    REMINDER = "reminder"
    DISPUTE = "dispute"
    DELIVERY = "delivery"
    DEPOSIT = "deposit"
    DEPOSIT_MOVEMENT = "deposit_movement"
    FINAL_STATEMENT = "final_statement"
    BANK_LINE = "bank_line"
    MANUAL_ENTRY = "manual_entry"
    CUT_OFF = "cut_off"
    TAKE_ON = "take_on"
    FISCAL_YEAR = "fiscal_year"


class TrailStep(Shape, frozen=True):
    """A thing on the way, and who wrote it."""

    level: Annotated[Count, about("0: beside what is followed; 1: beside the step of level 0 before it; and so on")]
    kind: StepKind
    name: Annotated[Text, about("What people call it")]
    on: Annotated[Day | None, about("Its day; null: none of its own")]
    amount: Annotated[Money | None, about("Its amount; null: none of its own")]
    about: Annotated[Text, about("What it is, in words")]
    written: Annotated[Written | None, about("The act that wrote it; null: it is that of the thing before, or unknown")]


class Trail(Shape, frozen=True):
    """The whole way of one thing: down to facts and persons, and up to what came of it."""

    kind: Annotated[Literal["balance", "entry", "document", "receipt", "lease"], about("What is followed")]
    name: Annotated[Text, about("What people call it")]
    on: Annotated[Day | None, about("Its day; null: none of its own")]
    amount: Annotated[Money | None, about("Its amount; null: none of its own")]
    about: Annotated[Text, about("What it is, in words")]
    written: Annotated[Written | None, about("The act that wrote it first; null: not on record")]
    down: Annotated[list[TrailStep], about("The way down: what it was made of")]
    up: Annotated[list[TrailStep], about("The way up: what came of it")]
