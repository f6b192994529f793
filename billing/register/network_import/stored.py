"""Reads what the register holds already, set-wise."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, func, select

from billing.frame.database import among
from billing.register import tables as models
from billing.register.network_import.layout import LAYOUTS, Layout

Key: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[str, Any]


def stored_rows(connection: Connection, layout: Layout, keys: Iterable[Key]) -> dict[Key, Values]:
    """Return the rows stored under those keys, or under keys that begin like them."""
    first = among(connection, layout.table.c[layout.key[0]], (key[0] for key in keys))
    return _by_key(connection, layout, first)


def rows_of_services(connection: Connection, stem: str, services: Iterable[str]) -> dict[Key, Values]:
    """Return every stored rate, or VAT rate, of those services."""
    layout = LAYOUTS[stem]
    return _by_key(connection, layout, among(connection, layout.table.c.service, services))


def leases_of_units(connection: Connection, places: Iterable[tuple[str, str]]) -> dict[Key, Values]:
    """Return every stored lease of those sites' units, and perhaps of some others."""
    wanted = list(places)
    table = models.lease
    condition = among(connection, table.c.site, (site for site, _ in wanted)) & among(
        connection, table.c.unit, (unit for _, unit in wanted)
    )
    return _by_key(connection, LAYOUTS["leases"], condition)


def _by_key(connection: Connection, layout: Layout, condition: ColumnElement[bool]) -> dict[Key, Values]:
    rows = map(_values, connection.execute(select(layout.table).where(condition)))
    return {tuple(values[name] for name in layout.key): values for values in rows}


def _values(row: Row[Any]) -> dict[str, Any]:
    return dict(zip(row._fields, row, strict=True))


def stored_codes(connection: Connection, stem: str, codes: Iterable[str] | None = None) -> set[str]:
    """Return the stored codes of sites, services or tenants: of those asked for, or all of them."""
    column = LAYOUTS[stem].table.c.code
    statement = select(column)
    if codes is not None:
        statement = statement.where(among(connection, column, codes))
    return set(connection.scalars(statement))


def stored_services(connection: Connection) -> dict[str, Values]:
    """Return the catalogue, by code."""
    return {row.code: _values(row) for row in connection.execute(select(models.service))}


def usage_exists(connection: Connection, service: str) -> bool:
    """Return whether any usage of a service is on record."""
    event = models.usage_event
    return connection.scalar(select(event.c.id).where(event.c.service == service).limit(1)) is not None


def first_usage(connection: Connection, site: str) -> date | None:
    """Return the first day of usage at a site that is not void."""
    event, void = models.usage_event.c, models.usage_void.c
    days = select(func.min(event.occurred_on)).outerjoin(models.usage_void, void.usage_event_id == event.id)
    first: date | None = connection.scalar(days.where(event.site == site, void.usage_event_id.is_(None)))
    return first


def stored_record(connection: Connection, stem: str, key: Key) -> dict[str, str] | None:
    """Return a stored row as its file would hold it, by column, to complete a partial change; None if unknown.

    `key` holds the key's parts as values: codes as text, days as `date`.
    """
    layout = LAYOUTS[stem]
    parts = [layout.table.c[name] == part for name, part in zip(layout.key, key, strict=True)]
    row = connection.execute(select(layout.table).where(*parts)).one_or_none()
    return None if row is None else layout.show_row(_values(row))
