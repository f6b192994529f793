"""The register: sites, services, rates, VAT rates, tenants, leases, grants, usage events.

Every write goes through the import's own rules (`billing.register.network_import.apply_records`), so that a file and a
request are accepted, refused and logged alike. Fields are the columns of the network folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import g
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.frame.audit_log import require_reason
from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.http.addresses import EVERY_KIND
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import page_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.register.network_import import ImportReport, apply_records, stored_record
from billing.register.network_import.layout import LAYOUTS, Layout
from billing.register.queries import find_row, key_value, rows_with
from billing.register.shapes import (
    RESOURCES,
    USAGE,
    Resource,
    answer_schema,
    change_schema,
    list_query_schema,
    record_schema,
)

BATCH_MAX = 10_000
blueprint = ApiBlueprint("register", __name__, url_prefix="/v1", description="Sites, services, rates, tenants, leases")


def as_json(layout: Layout, row: Any) -> dict[str, Any]:
    """A stored row as answers show it: texts, whole numbers, `null` for none and for every kind."""
    values = row._mapping
    found = {}
    for column in layout.columns:
        value = values[column.field]
        found[column.name] = value if value is None or column.show is str else column.show(value)
    if "tenant_kind" in found:
        found["tenant_kind"] = found["tenant_kind"] or None
    return found


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    """A request's fields as a file's cells: blank for null."""
    return {name: "" if value is None else str(value) for name, value in record.items()}


def take(
    connection: Connection,
    stem: str,
    records: Sequence[Mapping[str, Any]],
    *,
    create_only: bool = True,
    place: Callable[[int], str] | None = None,
) -> ImportReport:
    """Write records by the import's rules; raises Refused whose faults name the body's fields.

    `place` gives, for records in a batch, the prefix of the fields of the n-th, from 0.
    """
    try:
        return apply_records(
            connection,
            {stem: [_cells(record) for record in records]},
            now=service().clock(),
            source=f"api:{g.token}",
            create_only=create_only,
        )
    except Refused as refused:
        raise Refused([_placed(fault, place) for fault in refused.faults]) from None


def _placed(fault: Fault, place: Callable[[int], str] | None) -> Fault:
    prefix = "" if place is None or fault.line is None else place(fault.line - 1)
    # Files and lines are the import's words; a request has fields.
    remedy = fault.remedy.replace(".csv", "")
    return replace(fault, file="", line=None, column=f"{prefix}{fault.column or ''}".rstrip("."), remedy=remedy)


def _key(resource: Resource, parts: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key in an address, as stored."""
    return tuple(
        "" if name == "tenant_kind" and parts[name] == EVERY_KIND else parts[name] for name in resource.layout.key
    )


def _find(connection: Connection, resource: Resource, key: tuple[Any, ...]) -> dict[str, Any]:
    row = find_row(connection, resource.layout, key)
    if row is None:
        raise Unknown(f"there is no {resource.one} {resource.layout.show_key(key)}: GET /v1/{resource.path} lists them")
    return as_json(resource.layout, row)


def _location(resource: Resource, record: Mapping[str, Any]) -> str:
    parts = (record[name] or EVERY_KIND for name in resource.layout.key)
    return f"/v1/{resource.path}/" + "/".join(quote(part, safe="") for part in parts)


def _list_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
        chosen = {
            name: "" if name == "tenant_kind" and query[name] == EVERY_KIND else query[name]
            for name in resource.filters
            if query.get(name) is not None
        }
        rows = rows_with(resource.layout, chosen)
        return page(connection, rows, resource.order, query, lambda row: as_json(resource.layout, row))

    return view


def _get_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, **key: Any) -> dict[str, Any]:
        return _find(connection, resource, _key(resource, key))

    return view


def _post_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, record: Mapping[str, Any]) -> Answer:
        report = take(connection, resource.stem, [record])
        key = tuple(_as_key(resource, name, record) for name in resource.layout.key)
        stored = _find(connection, resource, key)
        return Answer(stored, 201 if report.new else 200, {"Location": _location(resource, stored)})

    return view


def _as_key(resource: Resource, name: str, record: Mapping[str, Any]) -> Any:
    return key_value(resource.layout, name, record.get(name) or "")


def _patch_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, change: Mapping[str, Any], **address: Any) -> Answer:
        key = _key(resource, address)
        # Nobody changes the row between its reading and its writing.
        change_facts(connection)
        _find(connection, resource, key)
        if resource.stem == "rates" and address["effective_from"] <= service().today():
            # Months may have been billed by it: whoever overrides a price says why.
            require_reason(connection, "changing a price that has begun")
        stored = stored_record(connection, resource.stem, key) or {}
        take(connection, resource.stem, [stored | _cells(change)], create_only=False)
        return Answer(_find(connection, resource, key))

    return view


def _add(resource: Resource) -> None:
    """The four views of a resource, or three."""
    record, stored = record_schema(resource), answer_schema(resource)
    many = resource.path.replace("-", " ")
    one = resource.one.replace(" ", "_").lower()

    def route(rule: str, method: str, operation: str, summary: str, view: Callable[..., Any]) -> None:
        view.__doc__ = summary
        parameters = resource.key_example if rule == resource.address else None
        blueprint.add_url_rule(rule, operation, view, methods=[method], tags=[many], parameters=parameters)

    view = blueprint.arguments(list_query_schema(resource), location="query")(reads(_list_view(resource)))
    view = blueprint.response(200, page_schema(stored, resource.name))(view)
    route(f"/{resource.path}", "GET", f"list_{one}s", f"The {many}", view)

    view = blueprint.response(200, stored)(reads(_get_view(resource)))
    route(resource.address, "GET", f"get_{one}", f"One {resource.one}", view)

    view = blueprint.arguments(record)(writes(_post_view(resource)))
    view = blueprint.alt_response(200, schema=stored, description="It exists, just so", success=True)(view)
    view = blueprint.response(201, stored)(view)
    route(f"/{resource.path}", "POST", f"create_{one}", f"Add a {resource.one}; one that exists is left as it is", view)

    if resource.changeable:
        view = blueprint.arguments(change_schema(resource))(writes(_patch_view(resource)))
        view = blueprint.response(200, stored)(view)
        route(resource.address, "PATCH", f"change_{one}", f"Correct a {resource.one}: the fields given, no other", view)


class UsageBatchTakenSchema(Schema):
    """How many events of a batch were new, and how many were known."""

    added = fields.Integer(required=True)
    known = fields.Integer(required=True)


_USAGE_COLUMNS = frozenset(LAYOUTS["usage"].names)


class Events(fields.List[Any]):
    """Usage events. The shape of an event that is right is seen at a glance; a wrong one is looked at closely."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and all(
            isinstance(event, dict)
            and event.keys() == _USAGE_COLUMNS
            and all(type(cell) is str for cell in event.values())
            for event in value
        ):
            return value
        return super()._deserialize(value, attr, data, **kwargs) or []


for _resource in RESOURCES:
    _add(_resource)


@blueprint.route("/usage-events/batch", methods=["POST"], tags=["usage events"])
@blueprint.response(200, UsageBatchTakenSchema)
@blueprint.arguments(
    strict_schema(
        "UsageBatch",
        {"events": Events(fields.Nested(record_schema(USAGE)), required=True, validate=validate.Length(1, BATCH_MAX))},
    )
)
@writes
def create_usage_events(connection: Connection, batch: Mapping[str, Any]) -> Answer:
    """Add up to 10,000 usage events, all or none; those that exist already, just so, are left alone."""
    report = take(connection, "usage", batch["events"], place="events.{}.".format)
    return Answer({"added": report.new, "known": report.unchanged})
