"""The register as it stood after any audit event: today's rows, with every change since taken back.

Each new, changed and removed row of the register is noted with the event that wrote it (`billing.frame.audit_log`).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from billing.frame.database import among
from billing.frame.tables import audit_change, audit_event
from billing.register.network_import.layout import LAYOUTS, Layout

Values = Mapping[str, Any]


class Provenance(NamedTuple):
    """Who wrote something, when and why: an audit event."""

    act: int
    at: datetime
    actor: str
    operation: str
    reason: str | None


class RegisterChange(NamedTuple):
    """A row that an act added (`before` None), changed (the changed columns alone) or removed (`after` None)."""

    subject: str
    key: str
    before: Mapping[str, str] | None
    after: Mapping[str, str] | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class History:
    """Rows of one file, by key as people read it: as they are, and every change of theirs, oldest first."""

    layout: Layout
    rows: Mapping[str, Mapping[str, str]]
    changes: Sequence[RegisterChange]

    def at(self, act: int) -> dict[str, Values]:
        """Return the rows as they stood after an audit event, as the table's fields, by key."""
        stood: dict[str, dict[str, str] | None] = {key: dict(row) for key, row in self.rows.items()}
        for change in reversed(self.changes):
            if change.provenance.act <= act:
                break
            row = stood.get(change.key)
            if change.before is None:
                stood[change.key] = None
            elif row is None or change.after is None:
                stood[change.key] = dict(change.before)
            else:
                row.update(change.before)
        return {key: self._values(row) for key, row in stood.items() if row is not None}

    def _values(self, row: Mapping[str, str]) -> Values:
        # An act older than a column says nothing of it.
        return {column.field: column.parse(row.get(column.name, "")) for column in self.layout.columns}

    def entered(self, key: str, act: int) -> Provenance | None:
        """Return the audit event that made a row what it was after `act`; None where none is on record."""
        made = [x.provenance for x in self.changes if x.key == key and x.provenance.act <= act]
        return made[-1] if made else None

    def between(self, after: int, until: int) -> list[RegisterChange]:
        """Return the changes that came after one audit event, up to another."""
        return [x for x in self.changes if after < x.provenance.act <= until]


def provenance_of(row: Row[Any]) -> Provenance:
    """Return what a row of `audit_event` says."""
    return Provenance(row.id, row.recorded_at, row.user_name or row.actor, row.operation, row.reason)


def tenant_history(connection: Connection, code: str) -> History:
    """Return the history of a tenant's row."""
    layout = LAYOUTS["tenants"]
    return _history(connection, layout, layout.table.c.code == code, audit_change.c.key == code)


def lease_history(connection: Connection, tenant: str) -> History:
    """Return the history of the leases that are or ever were a tenant's."""
    layout, c = LAYOUTS["leases"], audit_change.c
    named = f'"tenant": {json.dumps(tenant, ensure_ascii=False)}'
    mentioned = or_(*(side.contains(named, autoescape=True) for side in (c.before, c.after)))
    keys = set(connection.scalars(select(layout.table.c.code).where(layout.table.c.tenant == tenant)))
    # LIKE takes small letters for capitals on SQLite.
    rows = connection.execute(select(c.key, c.before, c.after).where(c.subject == layout.stem, mentioned))
    keys |= {key for key, *sides in rows if any((_cells(side) or {}).get("tenant") == tenant for side in sides)}
    return _history(connection, layout, among(connection, layout.table.c.code, keys), among(connection, c.key, keys))


def rate_history(connection: Connection, priced: Collection[tuple[str, str]]) -> History:
    """Return the history of the rates of these sites' services, each as (site, service)."""
    layout = LAYOUTS["rates"]
    t = layout.table.c
    rows = or_(*((t.site == site) & (t.service == service) for site, service in priced))
    return _history(connection, layout, rows, _begins({f"{site}/{service}/" for site, service in priced}))


def vat_history(connection: Connection, services: Collection[str]) -> History:
    """Return the history of the VAT rates of these services."""
    layout = LAYOUTS["vat_rates"]
    rows = among(connection, layout.table.c.service, services)
    return _history(connection, layout, rows, _begins({f"{service}/" for service in services}))


def site_history(connection: Connection, sites: Collection[str]) -> History:
    """Return the history of these sites."""
    layout = LAYOUTS["sites"]
    rows = among(connection, layout.table.c.code, sites)
    return _history(connection, layout, rows, among(connection, audit_change.c.key, sites))


def _begins(beginnings: Collection[str]) -> ColumnElement[bool]:
    """Select the keys that begin so, to the letter: LIKE takes small letters for capitals on SQLite."""
    return or_(*(func.substr(audit_change.c.key, 1, len(text)) == text for text in beginnings))


def changes_of_key(connection: Connection, subject: str, key: str) -> list[RegisterChange]:
    """Return every change of one row of a file, oldest first, even of a row that was removed since."""
    return _changes(connection, subject, audit_change.c.key == key)


def _changes(connection: Connection, subject: str, keys: ColumnElement[bool]) -> list[RegisterChange]:
    c = audit_change.c
    return [
        RegisterChange(subject, row.key, _cells(row.before), _cells(row.after), provenance_of(row))
        for row in connection.execute(
            select(c.key, c.before, c.after, audit_event)
            .join(audit_event, audit_event.c.id == c.act_id)
            .where(c.subject == subject, keys)
            .order_by(c.act_id, c.seq)
        )
    ]


def _history(connection: Connection, layout: Layout, rows: ColumnElement[bool], keys: ColumnElement[bool]) -> History:
    changes = _changes(connection, layout.stem, keys)
    now: dict[str, Mapping[str, str]] = {}
    for row in connection.execute(select(layout.table).where(rows)):
        values = row._asdict()
        now[layout.show_key(tuple(values[name] for name in layout.key))] = layout.show_row(values)
    return History(layout, now, changes)


def _cells(text: str | None) -> Mapping[str, str] | None:
    return None if text is None else json.loads(text)
