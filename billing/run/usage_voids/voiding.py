"""A usage event is voided, with a reason: no run bills it, and the next one takes back the line that did (R10)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.frame.audit_log import REASON_LENGTH_MAX, record_change
from billing.frame.database import among, change_facts, insert_rows
from billing.frame.errors import Fault, Refused
from billing.register.tables import usage_event, usage_void

# The kind of thing in the audit log, and the stem of the file in a network folder.
SUBJECT = "usage_voids"
REASON_PROBLEM = f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed"
REASON_REMEDY = "say in a sentence why it is void"


class VoidOrder(NamedTuple):
    """An order to void an event, by the id its source gave it; with the line it stands on, where it is of a file."""

    event_id: str
    reason: str
    line: int | None = None


def void_events(
    connection: Connection, orders: Sequence[VoidOrder], *, recorded_at: datetime, file: str = SUBJECT
) -> list[str]:
    """Void the events, all or none, and return the ids of those that were not void before, in order.

    An event voided before keeps its first reason. Runs and imports wait meanwhile. Raises Refused with every fault.
    """
    change_facts(connection)
    e, v = usage_event.c, usage_void.c
    wanted = sorted({order.event_id for order in orders if "\0" not in order.event_id})
    rows = connection.execute(
        select(e.event_id, e.id, v.usage_event_id)
        .outerjoin(usage_void, v.usage_event_id == e.id)
        .where(among(connection, e.event_id, wanted))
    )
    stored = {event_id: (key, void is not None) for event_id, key, void in rows}
    faults = [fault for order in orders for fault in _faults(order, stored, file)]
    if faults:
        raise Refused(faults)
    news = {order.event_id: order.reason.strip() for order in reversed(orders) if not stored[order.event_id][1]}
    insert_rows(
        connection,
        usage_void,
        ("usage_event_id", "reason", "voided_at"),
        [(stored[event_id][0], reason, recorded_at) for event_id, reason in news.items()],
    )
    for event_id, reason in news.items():
        record_change(connection, SUBJECT, event_id, None, {"reason": reason})
    return [event_id for event_id in dict.fromkeys(order.event_id for order in orders) if event_id in news]


def _faults(order: VoidOrder, stored: dict[str, tuple[int, bool]], file: str) -> list[Fault]:
    faults = []
    if order.event_id not in stored:
        problem, remedy = "is no known usage event", "correct it: the event's id is the one it was entered by"
        faults.append(Fault(file, order.line, "event_id", order.event_id, problem, remedy))
    if not is_reason(order.reason):
        faults.append(Fault(file, order.line, "reason", order.reason, REASON_PROBLEM, REASON_REMEDY))
    return faults


def is_reason(text: str) -> bool:
    """Return whether a text can be kept as the reason of a void."""
    reason = text.strip()
    return 0 < len(reason) <= REASON_LENGTH_MAX and reason.isprintable()
