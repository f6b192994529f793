"""Tenants at a glance: found by name, ICE or address; one with its leases, window, balance and last documents."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.documents.tenants.queries import find_tenant, find_tenants, tenant_summaries
from billing.documents.tenants.shapes import TenantShown, TenantSummary
from billing.frame.http.fields import Code
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, listed_page
from billing.frame.http.schemas import query_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.frame.shapes import Shape
from billing.register.listings import LISTINGS
from pricing.eligibility import KINDS

blueprint = ApiBlueprint("tenant summaries", __name__, url_prefix="/v1", description="Tenants at a glance")
_QUERY = {
    "site": Code(metadata={"description": "Only those that rent at this site today"}),
    "kind": fields.String(validate=validate.OneOf(KINDS), metadata={"description": "Only those of this kind"}),
}


@blueprint.route("/tenant-summaries")
@blueprint.response(200, Page[TenantSummary])
@blueprint.arguments(query_schema("TenantSummaryQuery", _QUERY, LISTINGS["tenants"]), location="query")
@reads
def list_tenant_summaries(connection: Connection, query: Mapping[str, Any]) -> Page[TenantSummary]:
    """The tenants, by code unless sorted otherwise, with the days at the subsidised price and what each owes."""
    today = service().today()
    found = find_tenants(query.get("site"), query.get("kind"), today)
    return listed_page(
        connection, LISTINGS["tenants"], found, query, lambda rows: tenant_summaries(connection, rows, today)
    )


@blueprint.route("/tenant-summaries/<code:code>")
@blueprint.response(200, TenantShown)
@reads
def get_tenant_summary(connection: Connection, code: str) -> Shape:
    """One tenant as the register has it, with its leases and window, what it owes, its last documents."""
    return find_tenant(connection, code, service().today())
