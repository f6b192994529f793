"""The queries of messages: lists with their deliveries, and one as it was stored."""

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.frame.errors import Unknown
from billing.register.recipients import present_recipient
from invoices.messages.message import StoredMessage, number_of
from invoices.messages.queueing import MESSAGES, load_messages
from invoices.messages.tables import message, message_delivery

# Lists are ordered by it.
MESSAGE_KEY = (message.c.id,)


def messages(state: str | None = None, tenant: str | None = None, kind: str | None = None) -> Select[Any]:
    """Select messages with their deliveries; those in a state, to a tenant, of a kind where it is given."""
    chosen = {message.c.tenant: tenant, message.c.kind: kind}
    columns = message, message_delivery, present_recipient(MESSAGES), MESSAGES.in_doubt.label("in_doubt")
    rows = select(*columns).join(message_delivery, message_delivery.c.message_id == message.c.id)
    if state is not None:
        rows = rows.where(MESSAGES.is_in(state))
    return rows.where(*(column == value for column, value in chosen.items() if value is not None))


def find_message(connection: Connection, key: int) -> Row[Any]:
    """Return the row of one message with its delivery; raises Unknown."""
    row = connection.execute(messages().where(message.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no message {number_of(key)}")
    return row


def load_message(connection: Connection, key: int) -> StoredMessage:
    """Return one message as it was stored; raises Unknown."""
    stored = load_messages(connection, [key])
    if not stored:
        raise Unknown(f"there is no message {number_of(key)}")
    return stored[0][1]
