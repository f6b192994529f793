"""The queries of voided usage events: when and why each was voided, and what becomes of the line that billed it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.frame.database import among
from billing.frame.errors import Unknown
from billing.frame.shapes import instant
from billing.register.tables import usage_event, usage_void
from billing.run.tables import USAGE_LINKS
from billing.run.usage_voids.shapes import VoidedEvent
from invoices.models import document, document_line


def void_shapes(connection: Connection, event_ids: Sequence[str]) -> list[VoidedEvent]:
    """Return the voids of these events, in the order given, in the same number of statements for any."""
    e, v = usage_event.c, usage_void.c
    query: Select[Any] = (
        select(e.event_id, e.id, e.tenant, v.reason, v.voided_at)
        .join(usage_void, v.usage_event_id == e.id)
        .where(among(connection, e.event_id, event_ids))
    )
    rows = {row.event_id: row for row in connection.execute(query)}
    for event_id in event_ids:
        if event_id not in rows:
            raise Unknown(f"the usage event {event_id} is not void")
    lines = latest_lines(connection, [row.id for row in rows.values()])
    return [_shape(rows[event_id], lines.get(rows[event_id].id)) for event_id in event_ids]


def _shape(row: Row[Any], line: Row[Any] | None) -> VoidedEvent:
    return VoidedEvent(
        event_id=row.event_id,
        tenant=row.tenant,
        reason=row.reason,
        voided_at=instant(row.voided_at),
        invoice=None if line is None else line.number,
        line_no=None if line is None else line.line_no,
        credit_note=None if line is None else line.credit_note,
    )


def latest_lines(connection: Connection, events: Sequence[int]) -> dict[int, Row[Any]]:
    """Return, by event, the latest line that billed it, with the credit note that took it back."""
    credit, credit_note = document_line.alias("credit"), document.alias("credit_note")
    latest: dict[int, Row[Any]] = {}
    # A line that bills an event again comes after the one before it.
    for links in USAGE_LINKS:
        link = links.c
        rows = connection.execute(
            select(link.usage_event_id, link.line_no, document.c.number, credit_note.c.number.label("credit_note"))
            .join(document, document.c.id == link.document_id)
            .outerjoin(
                credit,
                (credit.c.corrects_document_id == link.document_id) & (credit.c.corrects_line_no == link.line_no),
            )
            .outerjoin(credit_note, credit_note.c.id == credit.c.document_id)
            .where(among(connection, link.usage_event_id, events))
            .order_by(link.document_id)
        )
        latest |= {row.usage_event_id: row for row in rows}
    return latest
