"""The shapes of messages: where each goes and whether it arrived; with its text for one."""

from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import Row

from billing.frame.shapes import Count, Day, DocumentNumber, Instant, Shape, Text, about, instant
from invoices import delivery
from invoices.messages.message import StoredMessage, number_of
from invoices.messages.tables import STOPPED


class MessageState(StrEnum):
    """How far a message has come: failed ones wait for a person, stopped ones became untrue before they were sent."""

    QUEUED = delivery.QUEUED
    FAILED = delivery.FAILED
    SENT = delivery.SENT
    STOPPED = STOPPED


MessageNumber = Annotated[str, about("The message's number: ME-000001")]


class Message(Shape, frozen=True):
    """A message, and whether it arrived."""

    number: MessageNumber
    kind: Annotated[str, about("The kind of message: dunning, window_end …")]
    key: Annotated[str, about("What it is about: sent once, ever")]
    tenant: Annotated[str, about("The tenant's code; blank: it goes to no tenant")]
    written_on: Annotated[Day, about("The day its papers bear")]
    state: MessageState
    recipient: Annotated[
        Text | None, about("Where it goes: its tenant's present address, or a chosen one; null: nowhere")
    ]
    attempts: Annotated[Count, about("How often it was tried")]
    queued_at: Instant
    next_attempt_at: Annotated[Instant | None, about("When it is tried next; null: not without a person")]
    sent_at: Annotated[Instant | None, about("When the mail server took it; null: it has not")]
    last_error: Annotated[
        Text | None, about("What hindered it last, whom it did not reach, or why it was stopped; null: nothing")
    ]
    is_unknown: Annotated[bool, about("Whether it may have arrived: a person must settle it")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Message":
        """Return the message whose row is of `queries.messages`."""
        return cls(**_message(row))


class MessageText(Message, frozen=True):
    """A message with its text."""

    language: Annotated[str, about("The language it is written in")]
    subject: Annotated[Text, about("The mail's subject")]
    paragraphs: Annotated[list[str], about("The mail's text, paragraph by paragraph")]
    facts: Annotated[dict[str, str], about("The mail's table: label and value")]
    papers: Annotated[list[str], about("The names of the PDFs it carries, in order")]
    copies: Annotated[list[DocumentNumber], about("The invoices of which it carries a copy each, after these")]

    @classmethod
    def with_text(cls, row: Row[Any], stored: StoredMessage) -> "MessageText":
        """Return the message whose row is of `queries.messages`, with what was stored of it."""
        text = stored.message.text
        return cls(
            **_message(row),
            language=text.language,
            subject=text.subject,
            paragraphs=[*text.before, *text.after],
            facts=dict(text.facts),
            papers=[paper.file_name for paper in stored.message.papers],
            copies=list(stored.message.copies),
        )


def _message(row: Row[Any]) -> dict[str, Any]:
    return {
        "number": number_of(row.id),
        "kind": row.kind,
        "key": row.key,
        "tenant": row.tenant,
        "written_on": row.written_on,
        "state": row.state,
        "recipient": row.goes_to or None,
        "attempts": row.attempts,
        "queued_at": instant(row.queued_at),
        "next_attempt_at": instant(row.next_attempt_at),
        "sent_at": instant(row.sent_at),
        "last_error": row.last_error,
        "is_unknown": bool(row.in_doubt),
    }
