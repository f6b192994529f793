"""Credit notes by hand that cancelled lines, and that no run has counted yet: the next run does (R28)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, select

from billing.register.tables import tenant
from billing.run.tables import cancellation_count
from billing.run.usage_voids.voided_lines import events_left
from invoices.models import credit_reason, document, document_line
from pricing.rating import UsageEvent


class CancelledLine(NamedTuple):
    """A line of an invoice that a credit note by hand cancelled: its row, and the events of it that are not void.

    The row is that of `document_line`, with the invoice's tenant, number and issue date, and the credit note's key
    (`cancelled_by`) and number (`cancelled_as`).
    """

    row: Row[Any]
    events: tuple[UsageEvent, ...]


_x, _d, _note = document_line.c, document.c, document.alias("note")
_cancelling = document_line.alias("cancelling")
_FIRST: BindParameter[Any] = bindparam("first", type_=tenant.c.code.type)
_LAST: BindParameter[Any] = bindparam("last", type_=tenant.c.code.type)
_NOT_COUNTED = (
    select(
        document_line,
        _d.tenant,
        _d.number,
        _d.issued_on,
        _note.c.id.label("cancelled_by"),
        _note.c.number.label("cancelled_as"),
    )
    .select_from(credit_reason)
    .join(_note, _note.c.id == credit_reason.c.document_id)
    .join(_cancelling, _cancelling.c.document_id == _note.c.id)
    .join(
        document_line,
        and_(_x.document_id == _cancelling.c.corrects_document_id, _x.line_no == _cancelling.c.corrects_line_no),
    )
    .join(document, _d.id == _x.document_id)
    .outerjoin(cancellation_count, cancellation_count.c.credit_note_id == _note.c.id)
    .where(_note.c.tenant.between(_FIRST, _LAST), cancellation_count.c.credit_note_id.is_(None))
    .order_by(_note.c.id, _cancelling.c.line_no)
)


def cancelled_lines(connection: Connection, first: str, last: str) -> dict[str, list[CancelledLine]]:
    """Return the cancelled lines of the tenants from `first` to `last` that no run has counted, by tenant."""
    rows = connection.execute(_NOT_COUNTED, {"first": first, "last": last}).all()
    events: Mapping[tuple[int, int], Sequence[UsageEvent]] = events_left(connection, rows) if rows else {}
    return _by_tenant(CancelledLine(row, tuple(events.get((row.document_id, row.line_no), ()))) for row in rows)


def _by_tenant(lines: Iterable[CancelledLine]) -> dict[str, list[CancelledLine]]:
    by_tenant: dict[str, list[CancelledLine]] = defaultdict(list)
    for line in lines:
        by_tenant[line.row.tenant].append(line)
    return by_tenant
