"""Tenants at a glance: found by name, ICE or address; one with its leases, window, balance and last documents."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.documents.tenants.files import all_summaries, pieces
from billing.documents.tenants.queries import find_tenant, find_tenants, tenant_summaries
from billing.documents.tenants.shapes import TenantShown, TenantSummary
from billing.frame.http.fields import Code
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, listed_page
from billing.frame.http.report_files import as_tables, format_field, shown
from billing.frame.http.schemas import query_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.frame.listing import Asked
from billing.frame.shapes import Shape
from billing.register.listings import LISTINGS
from pricing.eligibility import KINDS

blueprint = ApiBlueprint("tenant summaries", __name__, url_prefix="/v1", description="Tenants at a glance")
_QUERY = {
    "format": format_field(),
    "site": Code(metadata={"description": "Only those that rent at this site today"}),
    "kind": fields.String(validate=validate.OneOf(KINDS), metadata={"description": "Only those of this kind"}),
}


@blueprint.route("/tenant-summaries")
@blueprint.response(200, Page[TenantSummary])
@as_tables(blueprint)
@blueprint.arguments(query_schema("TenantSummaryQuery", _QUERY, LISTINGS["tenants"]), location="query")
def list_tenant_summaries(query: Mapping[str, Any]) -> Response:
    """The tenants, by code unless sorted otherwise, with the days at the subsidised price and what each owes."""
    today, wanted = service().today(), (query.get("site"), query.get("kind"), service().today())

    def found(connection: Connection) -> Page[TenantSummary]:
        return listed_page(
            connection,
            LISTINGS["tenants"],
            find_tenants(*wanted),
            query,
            lambda rows: tenant_summaries(connection, rows, today),
        )

    def table(connection: Connection) -> Iterator[bytes]:
        return pieces(all_summaries(connection, Asked.of(query), *wanted), query["format"])

    return shown("tenants", query, found, table)


@blueprint.route("/tenant-summaries/<code:code>")
@blueprint.response(200, TenantShown)
@reads
def get_tenant_summary(connection: Connection, code: str) -> Shape:
    """One tenant as the register has it, with its leases and window, what it owes, its last documents."""
    return find_tenant(connection, code, service().today())
