"""Messages queued, and read back as they were queued."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from invoices.delivery import QUEUED, Queue
from invoices.messages.message import Message, StoredMessage, content_of, number_of, stored_message
from invoices.messages.tables import message, message_attempt, message_delivery

# So many are looked up and written by one statement.
_BLOCK = 500

MESSAGES = Queue(message, message_delivery, message_attempt, "message_id", message.c.id, number_of)


def queue_messages(
    connection: Connection,
    kind: str,
    messages: Iterable[Message],
    *,
    written_on: date,
    queued_at: datetime,
    record: Callable[[Connection, str, Message], None],
) -> dict[str, int]:
    """Store messages of a kind and queue them; return the keys queued now, each with the `message.id` it has got.

    Messages queued before under the same kind and key stay as they are, and are not among them. `record` is called with
    the number of each message that is queued now.
    """
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    queued: dict[str, int] = {}
    for block in _blocks({each.key: each for each in messages}):
        standing = set(
            connection.scalars(select(message.c.key).where(message.c.kind == kind, message.c.key.in_(list(block))))
        )
        rows = [_row(kind, each, written_on, queued_at) for key, each in block.items() if key not in standing]
        if not rows:
            continue
        # Another process may queue the same at this moment: the first to write has it.
        made = insert(message).on_conflict_do_nothing(index_elements=["kind", "key"])
        added = connection.execute(made.returning(message.c.key, message.c.id), rows).all()
        queued |= {key: number for key, number in added}  # noqa: C416 (rows are no pairs to dict's type)
        _queue(connection, {number: block[key] for key, number in added}, queued_at)
        for number, key in sorted((number, key) for key, number in added):
            record(connection, number_of(number), block[key])
    return queued


def _row(kind: str, queued: Message, written_on: date, queued_at: datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": queued.key,
        "tenant": queued.tenant,
        "written_on": written_on,
        "recipient": queued.recipient,
        "recipient_name": queued.recipient_name,
        "content": content_of(queued),
        "queued_at": queued_at,
    }


def _queue(connection: Connection, added: dict[int, Message], queued_at: datetime) -> None:
    rows = [
        {
            "message_id": number,
            "state": QUEUED,
            "attempts": 0,
            "next_attempt_at": queued_at,
            "recipient": queued.recipient,
        }
        for number, queued in added.items()
    ]
    if rows:
        connection.execute(message_delivery.insert(), rows)


def _blocks(messages: dict[str, Message]) -> Iterator[dict[str, Message]]:
    items = list(messages.items())
    return (dict(items[start : start + _BLOCK]) for start in range(0, len(items), _BLOCK))


def load_messages(connection: Connection, ids: Sequence[int]) -> list[tuple[int, StoredMessage]]:
    """Return the messages of these keys, in the order of their numbers."""
    rows = connection.execute(select(message).where(message.c.id.in_(ids)).order_by(message.c.id))
    return [(row.id, stored_message(row)) for row in rows]
