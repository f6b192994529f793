"""Reminders that are still to be sent are stopped once an invoice they name has been settled.

Such a mail is stopped for good, in the transaction that settles the invoice; its act and its steps stay. Other invoices
it named that are still open are reminded of at their next step.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from billing.frame.audit_log import record_change
from billing.frame.database import among
from billing.receivables.open_items.open_item_index import settled_of
from billing.receivables.tables.dunning import dunning_act, dunning_step
from invoices.delivery import FAILED, QUEUED
from invoices.messages.message import number_of
from invoices.messages.tables import STOPPED, message_delivery
from invoices.models import document


def stop_settled(connection: Connection, documents: Iterable[int] | None = None) -> list[str]:
    """Stop the reminders not sent yet that name an invoice of which nothing is open; return the messages' numbers.

    `documents` limits it to reminders that name one of these; None: all. A mail that is being handed to the mail server
    at this moment can't be stopped any more.
    """
    d, a, s = message_delivery.c, dunning_act.c, dunning_step.c
    waits = d.state.in_((QUEUED, FAILED)) & d.handed_over_at.is_(None)
    named = (
        select(d.message_id, d.state, s.document_id, document.c.number)
        .join(dunning_act, a.message_id == d.message_id)
        .join(dunning_step, s.act_id == a.id)
        .join(document, document.c.id == s.document_id)
        .where(waits)
        .order_by(d.message_id, s.document_id)
    )
    if documents is not None:
        named = named.where(among(connection, s.document_id, sorted(set(documents))))
    rows = connection.execute(named).all()
    if not rows:
        return []
    keys = among(connection, document.c.id, sorted({row.document_id for row in rows}))
    settled = set(connection.scalars(settled_of(select(document.c.id).where(keys))))
    reasons: dict[int, list[str]] = {}
    states: dict[int, str] = {}
    for row in rows:
        if row.document_id in settled:
            reasons.setdefault(row.message_id, []).append(row.number)
            states[row.message_id] = row.state
    stopped = []
    for key, numbers in reasons.items():
        reason = f"not sent: settled meanwhile: {', '.join(numbers)}"
        values = {
            "state": STOPPED, "next_attempt_at": None, "claimed_by": None, "claimed_until": None, "last_error": reason,
        }  # fmt: skip
        if connection.execute(update(message_delivery).where(d.message_id == key, waits).values(values)).rowcount:
            after = {"state": STOPPED, "reason": reason}
            record_change(connection, "message-deliveries", number_of(key), {"state": states[key]}, after)
            stopped.append(number_of(key))
    return stopped
