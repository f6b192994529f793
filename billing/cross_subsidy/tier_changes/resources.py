"""The resources of tier changes: the list for finance, a tenant's bills around its own, and announcements."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.cross_subsidy.tier_changes.announcing import announce, announcement_of
from billing.cross_subsidy.tier_changes.files import pieces
from billing.cross_subsidy.tier_changes.listing import MONTHS, MONTHS_MAX, Ahead, tier_changes_ahead
from billing.cross_subsidy.tier_changes.queries import ANNOUNCEMENT_KEY, announcements
from billing.cross_subsidy.tier_changes.shapes import Announcements, TenantTierChange, TierChangeNotice, TierChanges
from billing.cross_subsidy.tier_changes.wording import Announcement, letter
from billing.frame.http.fields import Code, Month
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import BINARY, TEXT, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from invoices.rendering.letter import render_letter
from ledger.exports.tables import MEDIA_TYPES, TABLES, ending
from pricing.period import first_of_month

_QUERY: Mapping[str, Any] = {
    "from": lambda: Month(metadata={"description": "The first month; the present one unless given"}),
    "months": lambda: fields.Integer(
        load_default=MONTHS, validate=validate.Range(1, MONTHS_MAX), metadata={"description": "How many months"}
    ),
}
blueprint = ApiBlueprint("tier-changes", __name__, url_prefix="/v1", description="Tier changes, announced")


def _ahead(connection: Connection, query: Mapping[str, Any]) -> Ahead:
    first = query.get("from") or first_of_month(service().today())
    return tier_changes_ahead(connection, first, query["months"])


def _announcement(connection: Connection, tenant: str) -> Announcement:
    own = service()
    return announcement_of(connection, own.settings.operator, tenant, own.today())


@blueprint.route("/tier-changes")
@blueprint.response(200, TierChanges)
@blueprint.arguments(
    strict_schema("TierChangesQuery", {name: made() for name, made in _QUERY.items()}), location="query"
)
@reads
def get_tier_changes(connection: Connection, query: Mapping[str, Any]) -> TierChanges:
    """List the tier changes of the months ahead, and what a whole month's income gains at each site."""
    return TierChanges.of(_ahead(connection, query))


@blueprint.route("/tier-changes/table")
@blueprint.alt_response(200, schema=TEXT, content_type=MEDIA_TYPES["csv"], success=True)
@blueprint.alt_response(200, schema=BINARY, content_type=MEDIA_TYPES["xlsx"], success=True)
@blueprint.arguments(
    strict_schema(
        "TierChangesTableQuery",
        {
            **{name: made() for name, made in _QUERY.items()},
            "format": fields.String(
                required=True, validate=validate.OneOf(TABLES), metadata={"description": "The kind of table"}
            ),
        },
    ),
    location="query",
)
@reads
def get_tier_changes_table(connection: Connection, query: Mapping[str, Any]) -> Response:
    """Give the same as a table, an office a row: for spreadsheets."""
    content = b"".join(pieces(_ahead(connection, query), query["format"]))
    headers = {"Content-Disposition": f'attachment; filename="tier-changes.{ending(query["format"])}"'}
    return Response(content, content_type=MEDIA_TYPES[query["format"]], headers=headers)


@blueprint.route("/tenant-tier-changes/<part:code>")
@blueprint.response(200, TenantTierChange)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY")
@reads
def get_tenant_tier_change(connection: Connection, code: str) -> TenantTierChange:
    """Show a tenant's bills before its tier change, in its month, and after it; its usual usage of a month apart."""
    return TenantTierChange.of(_announcement(connection, code))


@blueprint.route("/tenant-tier-changes/<part:code>/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_tier_change_letter(connection: Connection, code: str) -> Response:
    """Write the letter that would be sent to a tenant today; those that were sent are papers of their messages."""
    return Response(render_letter(letter(_announcement(connection, code))), content_type="application/pdf")


@blueprint.route("/tier-change-notices")
@blueprint.response(200, Page[TierChangeNotice])
@blueprint.arguments(query_schema("TierChangeNoticeQuery", {"tenant": Code()}), location="query")
@reads
def list_tier_change_notices(connection: Connection, query: Mapping[str, Any]) -> Page[TierChangeNotice]:
    """List the announcements, in order."""
    return page(connection, announcements(query.get("tenant")), ANNOUNCEMENT_KEY, query, TierChangeNotice.of)


@blueprint.route("/tier-change-notices", methods=["POST"])
@blueprint.makes(Announcements)
@writes
def create_tier_change_notices(connection: Connection) -> Answer:
    """Announce the tier changes that are due today, each step once; done again on the same day it announces nothing."""
    own = service()
    report = announce(connection, own.settings.terms, own.settings.operator, own.today(), recorded_at=own.clock())
    return made(connection, Announcements.of(report))
