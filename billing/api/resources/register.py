"""The register: sites, services, rates, VAT rates, tenants, leases, grants, usage events.

Every write goes through the import's own rules (`billing.network_import.apply_records`), so that a file and a
request are accepted, refused and logged alike. Fields are the columns of the network folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import g
from marshmallow import Schema, fields, validate
from sqlalchemy import ColumnElement, Connection, Date, Integer, select

from billing.api import fields as texts
from billing.api.addresses import EVERY_KIND
from billing.api.fields import Cell, Code, WholeNumber
from billing.api.idempotency import Answer
from billing.api.openapi import ApiBlueprint
from billing.api.paging import page
from billing.api.schemas import page_schema, query_schema, strict_schema
from billing.api.service import service
from billing.api.transactions import reads, writes
from billing.db import change_facts
from billing.errors import Fault, Refused, Unknown
from billing.network_import import ImportReport, apply_records, stored_record
from billing.network_import.layout import ADVANCE, ARREARS, LANGUAGES, LAYOUTS, UNITS, Column, Layout
from pricing.eligibility import KINDS


class Resource(NamedTuple):
    """One resource of the register: its address, its file's stem, and what the documentation says of it.

    `required` are the fields besides the key that must be given; `filters` those a list can be asked for.
    """

    path: str
    stem: str
    one: str
    required: tuple[str, ...]
    filters: tuple[str, ...] = ()
    changeable: bool = True

    @property
    def layout(self) -> Layout:
        """The columns and the table."""
        return LAYOUTS[self.stem]

    @property
    def address(self) -> str:
        """The address of one of them, as a rule."""
        key = self.layout.key
        if len(key) == 1:
            return f"/{self.path}/<code:{key[0]}>"
        parts = ("day" if name == "effective_from" else "part" for name in key)
        return f"/{self.path}/" + "/".join(f"<{kind}:{name}>" for kind, name in zip(parts, key, strict=True))

    @property
    def order(self) -> tuple[ColumnElement[Any], ...]:
        """What its lists are ordered by: the key, or the order of arrival."""
        table = self.layout.table
        return (table.c.id,) if self.stem == "usage" else tuple(table.c[name] for name in self.layout.key)


RESOURCES = (
    Resource("sites", "sites", "site", ("name",)),
    Resource("services", "services", "service", ("label", "unit", "billing", "revenue_account")),
    Resource("vat-rates", "vat_rates", "VAT rate", ("rate",), ("service",)),
    Resource("rates", "rates", "rate", ("market", "subsidised", "full_cost"), ("site", "service", "tenant_kind")),
    Resource("tenants", "tenants", "tenant", ("legal_name", "kind"), ("kind",)),
    Resource("leases", "leases", "lease", ("tenant", "site", "unit", "area_m2", "starts_on"), ("tenant", "site")),
    Resource("grants", "grants", "grant", ("amount", "granted_on"), ("site",)),
    Resource(
        "usage-events", "usage", "usage event", ("tenant", "site", "service", "quantity", "occurred_on"),
        ("tenant", "site", "service"), changeable=False,
    ),
)  # fmt: skip
_USAGE = RESOURCES[-1]
BATCH_MAX = 10_000
blueprint = ApiBlueprint("register", __name__, url_prefix="/v1", description="Sites, services, rates, tenants, leases")

_CODES = frozenset({"code", "event_id", "tenant", "site", "service", "unit"})
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("services", "unit"): UNITS,
    ("services", "billing"): (ADVANCE, ARREARS),
    ("rates", "tenant_kind"): KINDS,
    ("tenants", "kind"): KINDS,
    ("tenants", "language"): LANGUAGES,
}
_DECIMALS = {
    "price_ceiling_incl_vat": texts.AMOUNT_DOC, "amount": texts.AMOUNT_DOC, "rate": texts.RATE_DOC,
    "market": texts.PRICE_DOC, "full_cost": texts.PRICE_DOC, "area_m2": texts.QUANTITY_DOC,
    "quantity": texts.QUANTITY_DOC,
    "subsidised": {
        "pattern": r"^([0-9]+(\.[0-9]{1,4})?|[0-9]{1,9}/[0-9]{1,9})$", "example": "1/3",
        "description": "An amount, or a fraction of the market price",
    },
    "revenue_account": {"pattern": "^7[0-9]{3,15}$", "example": "71243"},
}  # fmt: skip


def _field(resource: Resource, column: Column, *, required: bool) -> fields.Field[Any]:
    """The field of a column: a JSON text or whole number; the import judges what it says."""
    may_be_none = not required
    kind = resource.layout.table.c[column.field].type
    if isinstance(kind, Integer) and column.show is str:
        return WholeNumber(required=required, allow_none=may_be_none, metadata={"minimum": 0, "maximum": 1_000_000})
    words = _WORDS.get((resource.stem, column.name))
    if words is not None:
        # `null` is one of the words where it is allowed at all.
        listed = [*words, None] if may_be_none else list(words)
        return Cell({"enum": listed}, required=required, allow_none=may_be_none, validate=validate.OneOf(words))
    doc: Mapping[str, Any] = _DECIMALS.get(column.name) or (
        texts.DAY_DOC if isinstance(kind, Date) else texts.CODE_DOC if column.name in _CODES else texts.TEXT_DOC
    )
    return Cell(doc, required=required, allow_none=may_be_none)


@cache
def _record_schema(resource: Resource) -> type[Schema]:
    required = {*resource.layout.key, *resource.required} - {"tenant_kind"}
    found = {c.name: _field(resource, c, required=c.name in required) for c in resource.layout.columns}
    return strict_schema(_schema_name(resource), found)


def _change_schema(resource: Resource) -> type[Schema]:
    found = {}
    for column in resource.layout.columns:
        if column.name not in resource.layout.key:
            field = _field(resource, column, required=column.name in resource.required)
            field.required = False
            found[column.name] = field
    return strict_schema(f"{_schema_name(resource)}Change", found)


def _answer_schema(resource: Resource) -> type[Schema]:
    """All fields are always there; what may be blank may be null."""
    found: dict[str, fields.Field[Any]] = {}
    for column in resource.layout.columns:
        stored = resource.layout.table.c[column.field]
        none = bool(stored.nullable) or column.name == "tenant_kind"
        is_count = isinstance(stored.type, Integer) and column.show is str
        kind = fields.Integer if is_count else fields.String
        found[column.name] = kind(required=True, allow_none=none)
    return Schema.from_dict(found, name=f"{_schema_name(resource)}Stored")


def _schema_name(resource: Resource) -> str:
    return resource.one.title().replace(" ", "")


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
    table = resource.layout.table
    row = connection.execute(
        select(table).where(*(table.c[name] == part for name, part in zip(resource.layout.key, key, strict=True)))
    ).one_or_none()
    if row is None:
        raise Unknown(f"there is no {resource.one} {resource.layout.show_key(key)}: GET /v1/{resource.path} lists them")
    return as_json(resource.layout, row)


def _location(resource: Resource, record: Mapping[str, Any]) -> str:
    parts = (record[name] or EVERY_KIND for name in resource.layout.key)
    return f"/v1/{resource.path}/" + "/".join(quote(part, safe="") for part in parts)


def _list_view(resource: Resource) -> Callable[..., Any]:
    table = resource.layout.table

    def view(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
        chosen = [
            table.c[name] == ("" if name == "tenant_kind" and query[name] == EVERY_KIND else query[name])
            for name in resource.filters
            if query.get(name) is not None
        ]
        return page(
            connection, select(table).where(*chosen), resource.order, query, lambda row: as_json(resource.layout, row)
        )

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
    text = record.get(name) or ""
    return date.fromisoformat(text) if isinstance(resource.layout.table.c[name].type, Date) else text


def _patch_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, change: Mapping[str, Any], **address: Any) -> Answer:
        key = _key(resource, address)
        # Nobody changes the row between its reading and its writing.
        change_facts(connection)
        _find(connection, resource, key)
        stored = stored_record(connection, resource.stem, key) or {}
        take(connection, resource.stem, [stored | _cells(change)], create_only=False)
        return Answer(_find(connection, resource, key))

    return view


def _add(resource: Resource) -> None:
    """The four views of a resource, or three."""
    record, stored = _record_schema(resource), _answer_schema(resource)
    name, many = _schema_name(resource), resource.path.replace("-", " ")
    one = resource.one.replace(" ", "_").lower()

    def route(rule: str, method: str, operation: str, summary: str, view: Callable[..., Any]) -> None:
        view.__doc__ = summary
        blueprint.add_url_rule(rule, operation, view, methods=[method], tags=[many])

    query = query_schema(f"{name}Query", {name: _filter(resource, name) for name in resource.filters})
    view = blueprint.arguments(query, location="query")(reads(_list_view(resource)))
    view = blueprint.response(200, page_schema(stored, name))(view)
    route(f"/{resource.path}", "GET", f"list_{one}s", f"The {many}", view)

    view = blueprint.response(200, stored)(reads(_get_view(resource)))
    route(resource.address, "GET", f"get_{one}", f"One {resource.one}", view)

    view = blueprint.arguments(record)(writes(_post_view(resource)))
    view = blueprint.alt_response(200, schema=stored, description="It exists, just so", success=True)(view)
    view = blueprint.response(201, stored)(view)
    route(f"/{resource.path}", "POST", f"create_{one}", f"Add a {resource.one}; one that exists is left as it is", view)

    if resource.changeable:
        view = blueprint.arguments(_change_schema(resource))(writes(_patch_view(resource)))
        view = blueprint.response(200, stored)(view)
        route(resource.address, "PATCH", f"change_{one}", f"Correct a {resource.one}: the fields given, no other", view)


def _filter(resource: Resource, name: str) -> fields.Field[Any]:
    words = _WORDS.get((resource.stem, name))
    if words is None:
        return Code()
    if name == "tenant_kind":
        words = (*words, EVERY_KIND)
    return fields.String(validate=validate.OneOf(words))


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
        {
            "events": Events(
                fields.Nested(_record_schema(_USAGE)), required=True, validate=validate.Length(1, BATCH_MAX)
            )
        },
    )
)
@writes
def create_usage_events(connection: Connection, batch: Mapping[str, Any]) -> Answer:
    """Add up to 10,000 usage events, all or none; those that exist already, just so, are left alone."""
    report = take(connection, "usage", batch["events"], place="events.{}.".format)
    return Answer({"added": report.new, "known": report.unchanged})
