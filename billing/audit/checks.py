"""Proof that every entry, document, usage event and import belongs to exactly one audit event."""

from collections.abc import Iterator
from itertools import pairwise

from sqlalchemy import Connection, exists, func, not_, select, text

from billing.frame.audit_log import RANGES
from billing.frame.checking import Proof, Step
from billing.frame.tables import audit_change, audit_counter, audit_event

_PLURALS = {"entry": "entries", "document": "documents", "usage_event": "usage events", "import": "imports"}


def audit_events(connection: Connection, _step: Step) -> Iterator[str]:
    """Audit events run 1, 2, 3 …, and what they name covers everything once: each row has its author."""
    counted = connection.scalar(select(audit_counter.c.last).where(audit_counter.c.id == 1)) or 0
    count, last = connection.execute(select(func.count(), func.max(audit_event.c.id))).one()
    if not count == (last or 0) == counted:
        yield f"{counted} audit events were counted, {count} stand, the last is {last or 0}: some are missing"
    for kind in RANGES:
        yield from _coverage_faults(connection, kind.name, int(connection.scalar(text(kind.newest)) or 0))
    orphans = (
        select(audit_change.c.act_id).where(not_(exists().where(audit_event.c.id == audit_change.c.act_id))).distinct()
    )
    for number in connection.scalars(orphans):
        yield f"changes stand for audit event {number}, which does not exist"


def _coverage_faults(connection: Connection, name: str, newest: int) -> Iterator[str]:
    first, last = audit_event.c[f"first_{name}"], audit_event.c[f"last_{name}"]
    rows = connection.execute(
        select(audit_event.c.id, first, last).where(last.is_not(None) | first.is_not(None)).order_by(audit_event.c.id)
    )
    ranges = [(0, 0, 0), *((number, low or 0, high or 0) for number, low, high in rows)]
    for (before, _, until), (number, low, high) in pairwise(ranges):
        if low != until + 1 or high < low:
            yield (
                f"audit event {number} names {_PLURALS[name]} {low} to {high}, audit event {before} before it up to "
                f"{until}: each must be named once"
            )
    covered = ranges[-1][2]
    if covered > newest:
        yield f"audit event {ranges[-1][0]} names {_PLURALS[name]} up to {covered}, the last that stands is {newest}"
    elif covered < newest:
        yield f"{_PLURALS[name]} {covered + 1} to {newest} belong to no audit event: nobody is named for them"


CHECKS: tuple[Proof, ...] = (audit_events,)
