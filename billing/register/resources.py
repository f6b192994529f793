"""The register: sites, services, rates, VAT rates, tenants, leases, grants, usage events.

Every write goes through the import's own rules (`billing.register.network_import.apply_records`), so that a file and a
request are accepted, refused and logged alike. Fields are the columns of the network folder.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import g
from marshmallow import fields, validate
from sqlalchemy import Connection, Row

from billing.frame.audit_log import require_reason
from billing.frame.database import change_facts
from billing.frame.errors import Refused
from billing.frame.http.addresses import EVERY_KIND
from billing.frame.http.authentication import (
    READERS,
    WRITERS,
    bound_sites,
    keeps_to_sites,
    opened_to,
    require_site,
)
from billing.frame.http.entity_tags import require_unchanged, tag_of, tagged
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, TAGGED, ApiBlueprint
from billing.frame.http.paging import Page, listed_page, page_together
from billing.frame.http.problems import placed, placed_fault
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.shapes import Shape
from billing.frame.tokens import REGISTER
from billing.frame.tokens import USAGE as ADDS_USAGE
from billing.register.listings import LISTINGS
from billing.register.network_import import ImportReport, apply_records, stored_record
from billing.register.network_import.layout import LAYOUTS
from billing.register.queries import find_row, key_of, of_sites, rows_of
from billing.register.shapes import (
    RESOURCES,
    USAGE,
    BatchTaken,
    Resource,
    change_schema,
    list_query_schema,
    record_schema,
    stored_as,
    stored_shape,
    taken_as,
    taken_shape,
)

BATCH_MAX = 10_000
blueprint = ApiBlueprint(
    "register",
    __name__,
    url_prefix="/v1",
    tags={
        "sites": "The parks of the network",
        "units": "What a park consists of: offices, desks, shops, rooms",
        "services": "What is billed",
        "vat rates": "The rates of VAT, from a day on",
        "rates": "The prices, from a day on",
        "tenants": "The tenants",
        "leases": "The offices that are let",
        "grants": "The subsidies that funders give",
        "surveys": "What firms answer once a year: jobs, exports, satisfaction",
        "applications": "The firms that ask for a place, and what is decided",
        "usage events": "What tenants used",
    },
    fine_scope=REGISTER,
)


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
        raise placed(refused, place) from None


def _warnings(report: ImportReport, place: Callable[[int], str] | None = None) -> tuple[str, ...]:
    """Return what was taken and should be looked at, as sentences that begin with the field."""
    return tuple(str(placed_fault(warning, place)).removeprefix(": ") for warning in report.warnings)


def _require_own_site(resource: Resource, row: Mapping[str, Any]) -> None:
    """Refuse a row of another site to a token that is bound to some; a change need not name the site."""
    column = resource.site_column
    if column is not None and column in row:
        require_site(str(row[column]))


def _location(resource: Resource, stored: Shape) -> str:
    parts = (getattr(stored, name) or EVERY_KIND for name in resource.layout.key)
    return f"/v1/{resource.path}/" + "/".join(quote(str(part), safe="") for part in parts)


_USAGE_COLUMNS = frozenset(LAYOUTS["usage"].names)


class Records(fields.List[Any]):
    """Records of a resource, one to many."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(
            fields.Nested(record_schema(resource)),
            required=True,
            validate=validate.Length(1, BATCH_MAX),
            metadata={"description": f"The {resource.one}s, all or none of which are added"},
        )


class Events(Records):
    """Usage events: those that are right are seen to be so at a glance; a wrong one is looked at closely."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and all(
            isinstance(event, dict)
            and event.keys() == _USAGE_COLUMNS
            and all(type(cell) is str for cell in event.values())
            for event in value
        ):
            return value
        return super()._deserialize(value, attr, data, **kwargs) or []


def _list_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, query: Mapping[str, Any]) -> Page[Shape]:
        rows = of_sites(resource, rows_of(resource, query), bound_sites())
        listing = LISTINGS.get(resource.stem)

        def dump(found: Sequence[Row[Any]]) -> list[Shape]:
            return [stored_as(resource, row) for row in found]

        if listing is None:
            return page_together(connection, rows, key_of(resource), query, dump)
        return listed_page(connection, listing, rows, query, dump)

    return view


def _get_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, **address: Any) -> Answer:
        row = find_row(connection, resource, resource.key_in(address))
        _require_own_site(resource, row._asdict())
        return tagged(stored_as(resource, row))

    return view


def _post_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, record: Mapping[str, Any]) -> Answer:
        _require_own_site(resource, record)
        report = take(connection, resource.stem, [record])
        stored = stored_as(resource, find_row(connection, resource, resource.key_of(record)))
        headers = {"Location": _location(resource, stored), **tag_of(stored)}
        return Answer(taken_as(resource, stored, _warnings(report)), 201 if report.new else 200, headers)

    return view


def _batch_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, batch: Mapping[str, Any]) -> Answer:
        records = batch[resource.many]
        for site in {record[resource.site_column] for record in records} if resource.site_column else ():
            require_site(site)
        place = f"{resource.many}.{{}}.".format
        report = take(connection, resource.stem, records, place=place)
        taken = BatchTaken(report.new, report.unchanged, _warnings(report, place))
        return Answer(taken, 201 if report.new else 200)

    return view


def _patch_view(resource: Resource) -> Callable[..., Any]:
    def view(connection: Connection, change: Mapping[str, Any], **address: Any) -> Answer:
        key = resource.key_in(address)
        # Nobody changes the row between its reading and its writing.
        change_facts(connection)
        row = find_row(connection, resource, key)
        _require_own_site(resource, row._asdict())
        before = stored_as(resource, row)
        # Nor is it moved to another site.
        _require_own_site(resource, change)
        if resource.stem == "rates" and address["effective_from"] <= service().today():
            # Months may have been billed by it: overriding a price needs a reason.
            require_reason(connection, "changing a price that has begun")
        stored = stored_record(connection, resource.stem, key) or {}
        report = take(
            connection,
            resource.stem,
            [stored | _cells({name: change[name] for name in change if name in resource.layout.names})],
            create_only=False,
        )
        require_unchanged(before)
        after = stored_as(resource, find_row(connection, resource, key))
        return Answer(taken_as(resource, after, _warnings(report)), headers=tag_of(after))

    return view


def _add(resource: Resource) -> None:
    """The five views of a resource, or four."""
    record, stored, taken = record_schema(resource), stored_shape(resource), taken_shape(resource)
    many = resource.path.replace("-", " ")
    singular = resource.one.replace(" ", "_").lower()

    def route(rule: str, method: str, operation: str, summary: str, view: Callable[..., Any]) -> None:
        view.__doc__ = summary
        if resource is USAGE:
            # Who keeps the register does not thereby bill; a badge terminal adds, and reads nothing.
            view = opened_to(READERS if method == "GET" else WRITERS | {ADDS_USAGE})(view)
        if resource.site_column is not None and (resource.stem != "sites" or method == "GET"):
            view = keeps_to_sites(view)
        parameters = resource.key_example if rule == resource.address else None
        blueprint.add_url_rule(rule, operation, view, methods=[method], tags=[many], parameters=parameters)

    view = blueprint.arguments(list_query_schema(resource), location="query")(reads(_list_view(resource)))
    view = blueprint.response(200, Page[stored])(view)  # type: ignore[valid-type]
    route(f"/{resource.path}", "GET", f"list_{singular}s", f"The {many}", view)

    view = blueprint.response(200, stored, headers=TAGGED)(reads(_get_view(resource)))
    route(resource.address, "GET", f"get_{singular}", f"One {resource.one}", view)

    view = blueprint.arguments(record)(writes(_post_view(resource)))
    made = {**LOCATION, **TAGGED}
    view = blueprint.alt_response(200, schema=taken, description="It exists, just so", success=True, headers=made)(view)
    view = blueprint.response(201, taken, headers=made)(view)
    route(
        f"/{resource.path}",
        "POST",
        f"create_{singular}",
        f"Add one {resource.one}; what exists already is left as it is",
        view,
    )

    batch = strict_schema(
        f"{resource.name}Batch", {resource.many: (Events if resource is USAGE else Records)(resource)}
    )
    view = blueprint.arguments(batch)(writes(_batch_view(resource)))
    view = blueprint.makes(BatchTaken)(view)
    route(
        f"/{resource.path}/batch",
        "POST",
        f"create_{singular}s",
        f"Add up to {BATCH_MAX:,} {resource.one}s, all or none; those that exist already, just so, are left alone",
        view,
    )

    if resource.changeable:
        view = blueprint.arguments(change_schema(resource))(writes(_patch_view(resource)))
        view = blueprint.response(200, taken, headers=TAGGED)(view)
        route(
            resource.address,
            "PATCH",
            f"change_{singular}",
            f"Correct one {resource.one}: the fields given, no other",
            view,
        )


for _resource in RESOURCES:
    _add(_resource)
