"""Messages queued by the service: each is noted with the transaction's audit event."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from billing.frame.added_rows import note_rows
from billing.frame.audit_log import record_change
from invoices.messages import queueing
from invoices.messages.message import Message
from invoices.messages.tables import message

# What messages are about; each kind is one room's.
MessageKind: TypeAlias = Literal[
    "cash_receipt", "checkpoint", "cross_subsidy_account", "deposit_call", "document", "dunning", "final_statement",
    "window_end",
]  # fmt: skip


def queue_messages(
    connection: Connection, kind: MessageKind, messages: Iterable[Message], *, written_on: date, queued_at: datetime
) -> dict[str, int]:
    """Queue messages and note each; return the keys queued now, each with its `message.id` (`invoices.messages`)."""
    queued = queueing.queue_messages(
        connection, kind, messages, written_on=written_on, queued_at=queued_at, record=_record
    )
    note_rows(connection, message, queued.values())
    return queued


def _record(connection: Connection, number: str, queued: Message) -> None:
    after = {"tenant": queued.tenant, "recipient": queued.recipient, "subject": queued.text.subject}
    record_change(connection, "messages", number, None, after)
