"""Lines that billed events which have been voided since: the next run takes them back and bills what is left (R10)."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, select

from billing.frame.database import among
from billing.register.tables import usage_event, usage_void
from billing.run.tables import USAGE_LINKS
from invoices.models import document, document_line
from pricing.rating import UsageEvent


class VoidedLine(NamedTuple):
    """A usage line that stands and bills a voided event: its row, with number and issue date, and the events left."""

    row: Row[Any]
    left: tuple[UsageEvent, ...]


_e, _x = usage_event.c, document_line.c
_credit = document_line.alias("credit")
_VOIDS = (
    select(usage_void.c.usage_event_id)
    .join(usage_event, _e.id == usage_void.c.usage_event_id)
    .order_by(usage_void.c.usage_event_id)
)


def voided_lines(connection: Connection, first: str, last: str) -> list[VoidedLine]:
    """Return the lines to be taken back of the tenants from `first` to `last`, in the order they were issued."""
    voids = connection.scalars(_VOIDS.where(_e.tenant.between(first, last))).all()
    if not voids:
        return []
    rows = standing_lines(connection, voids)
    left = events_left(connection, rows.values())
    return [VoidedLine(rows[key], tuple(left.get(key, ()))) for key in sorted(rows)]


def standing_lines(connection: Connection, events: Sequence[int]) -> dict[tuple[int, int], Row[Any]]:
    """Return the lines that bill these events and have not been taken back, by document and line.

    A row is that of `document_line`, with the document's tenant, number and issue date.
    """
    rows: dict[tuple[int, int], Row[Any]] = {}
    for links in USAGE_LINKS:
        query: Select[Any] = (
            select(document_line, document.c.tenant, document.c.number, document.c.issued_on)
            .select_from(links)
            .join(document_line, and_(_x.document_id == links.c.document_id, _x.line_no == links.c.line_no))
            .join(document, document.c.id == _x.document_id)
            .outerjoin(
                _credit,
                and_(_credit.c.corrects_document_id == _x.document_id, _credit.c.corrects_line_no == _x.line_no),
            )
            .where(among(connection, links.c.usage_event_id, events), _credit.c.document_id.is_(None))
        )
        for row in connection.execute(query):
            rows[row.document_id, row.line_no] = row
    return rows


def events_left(connection: Connection, rows: Iterable[Row[Any]]) -> dict[tuple[int, int], list[UsageEvent]]:
    """Return the events of these lines that are not void, by document and line."""
    tenants, keys = {row.tenant for row in rows}, {(row.document_id, row.line_no) for row in rows}
    left: dict[tuple[int, int], list[UsageEvent]] = {}
    for links in USAGE_LINKS:
        # By the tenant's events: there is no index on documents here, which every run would have to keep.
        query = (
            select(links.c.document_id, links.c.line_no, _e.id, _e.site, _e.service, _e.quantity, _e.occurred_on)
            .select_from(usage_event)
            .join(links, links.c.usage_event_id == _e.id)
            .outerjoin(usage_void, usage_void.c.usage_event_id == _e.id)
            .where(
                among(connection, _e.tenant, sorted(tenants)),
                among(connection, links.c.document_id, sorted({document_id for document_id, _ in keys})),
                usage_void.c.usage_event_id.is_(None),
            )
            .order_by(_e.id)
        )
        for document_id, line_no, *event in connection.execute(query):
            if (document_id, line_no) in keys:
                left.setdefault((document_id, line_no), []).append(UsageEvent(*event))
    return left
