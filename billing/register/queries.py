"""The queries of the register's resources."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from billing.frame.errors import Unknown
from billing.frame.http.addresses import EVERY_KIND
from billing.register.shapes import Resource
from billing.register.tables import usage_event, usage_void


def key_of(resource: Resource) -> tuple[ColumnElement[Any], ...]:
    """Return the key of a resource, by which its list is ordered."""
    return tuple(resource.layout.table.c[name] for name in resource.layout.key)


def rows_of(resource: Resource, query: Mapping[str, Any]) -> Select[Any]:
    """Select the rows of a resource, narrowed by the filters that are given."""
    table = resource.layout.table
    return _rows(resource).where(
        *(
            table.c[name] == ("" if name == "tenant_kind" and query[name] == EVERY_KIND else query[name])
            for name in resource.filters
            if query.get(name) is not None
        )
    )


def _rows(resource: Resource) -> Select[Any]:
    """Select the rows of a resource; usage events with why they are void."""
    table = resource.layout.table
    if table is not usage_event:
        return select(table)
    void = usage_void.c
    return select(table, void.reason.label("void_reason")).outerjoin(usage_void, void.usage_event_id == table.c.id)


def find_row(connection: Connection, resource: Resource, key: tuple[Any, ...]) -> Row[Any]:
    """Return the row with that key; raises Unknown."""
    table = resource.layout.table
    row = connection.execute(
        _rows(resource).where(*(table.c[name] == part for name, part in zip(resource.layout.key, key, strict=True)))
    ).one_or_none()
    if row is None:
        raise Unknown(f"there is no {resource.one} {resource.layout.show_key(key)}: GET /v1/{resource.path} lists them")
    return row


def of_sites(resource: Resource, rows: Select[Any], sites: Collection[str] | None) -> Select[Any]:
    """Leave in a selection of `rows_of` the rows of these sites alone; None: all of them."""
    if sites is None or resource.site_column is None:
        return rows
    return rows.where(resource.layout.table.c[resource.site_column].in_(sites))
