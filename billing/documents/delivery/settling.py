"""Papers of which nobody knows whether they arrived: a person decides about one, some or all of them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.documents.delivery.mailings import MAILINGS, Mailing
from billing.frame.audit_log import record_change, require_reason
from billing.frame.database import change_receivables
from billing.frame.errors import Conflict
from billing.receivables.open_items.stopping_reminders import stop_settled
from invoices.delivery import retry, settle_as_sent, settle_unknown

_NAMED_MAX = 10


class Settlement(StrEnum):
    """What a person found out about a mail: it has arrived, or it is to be sent again."""

    SENT = "sent"
    AGAIN = "again"


def settle_deliveries(
    connection: Connection, settlement: Settlement, numbers: Sequence[str] | None, *, now: datetime
) -> list[str]:
    """Settle mails of unknown outcome by their numbers (None: all there are); return the numbers that were settled.

    What is sent again bears the same Message-ID and goes to the tenant's present address; a reminder of what was paid
    meanwhile is stopped instead. Raises ReasonRequired;
    Conflict, and settles none, if the outcome of one is not unknown.
    """
    require_reason(connection, "settling what may have arrived")
    change_receivables(connection)
    settled = {mailing: _unknown(connection, mailing, numbers, now) for mailing in MAILINGS}
    names = sorted(mailing.queue.name(row.number) for mailing, rows in settled.items() for row in rows)
    others = sorted(set(numbers or ()) - set(names))
    if others:
        shown = ", ".join(others[:_NAMED_MAX]) + (" …" if len(others) > _NAMED_MAX else "")
        raise Conflict(
            f"nothing is unknown about {shown}: it was sent, refused, settled or is still queued, or there is no such "
            "mail; list what is unknown by `deliveries list --state unknown` (GET /v1/deliveries?state=unknown)"
        )
    for mailing, rows in settled.items():
        _settle(connection, mailing, rows, settlement, now)
    # A reminder that may have arrived was not stopped when what it names was paid.
    stop_settled(connection)
    return names


def _unknown(
    connection: Connection, mailing: Mailing, numbers: Sequence[str] | None, now: datetime
) -> Sequence[Row[Any]]:
    """Return the mails of unknown outcome, held until the transaction ends."""
    queue = mailing.queue
    settle_unknown(connection, now, queue=queue)
    c = queue.delivery.c
    query: Select[Any] = (
        select(queue.delivered.label("key"), queue.number.label("number"), c.recipient, c.attempts, c.last_error)
        .join(queue.papers, queue.papers.c.id == queue.delivered)
        .where(queue.in_doubt)
        .order_by(queue.number)
        .with_for_update(of=queue.delivery)
    )
    rows = connection.execute(query).all()
    return rows if numbers is None else [row for row in rows if queue.name(row.number) in set(numbers)]


def _settle(
    connection: Connection, mailing: Mailing, rows: Sequence[Row[Any]], settlement: Settlement, now: datetime
) -> None:
    keys = [row.key for row in rows]
    if settlement is Settlement.SENT:
        settle_as_sent(connection, keys, queue=mailing.queue)
    else:
        retry(connection, keys, now=now, queue=mailing.queue)
    for row in rows:
        before = {"outcome": "unknown", "recipient": row.recipient, "reason": row.last_error}
        after = {"outcome": str(settlement), "recipient": row.recipient}
        record_change(connection, mailing.subject, mailing.queue.name(row.number), before, after)
