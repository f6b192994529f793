"""Switches to the market price: the list for finance, a tenant's bills around its switch, and what was announced."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection, Row, select

from billing.cross_subsidy.tier_changes.announcing import announce, announcement_of
from billing.cross_subsidy.tier_changes.listing import MONTHS, MONTHS_MAX, ahead_json, pieces, switches_ahead
from billing.cross_subsidy.tier_changes.shapes import Announcements, Habit, Switches, SwitchNotice, TenantSwitch
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.cross_subsidy.tier_changes.wording import letter
from billing.frame.http.fields import Code, Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.run.quotes.shapes import QuotedLine, QuotedMonth
from invoices.messages.message import number_of
from invoices.rendering.letter import render_letter
from ledger.exports.tables import MEDIA_TYPES, TABLES
from pricing.period import first_of_month

_QUERY: Mapping[str, Any] = {
    "from": lambda: Month(metadata={"description": "The first month; the present one unless given"}),
    "months": lambda: fields.Integer(load_default=MONTHS, validate=validate.Range(1, MONTHS_MAX)),
}
blueprint = ApiBlueprint(
    "tier-changes", __name__, url_prefix="/v1", description="The switch to the market price, announced"
)


@blueprint.route("/tier-changes")
@blueprint.response(200, Switches)
@blueprint.arguments(
    strict_schema("TierChangesQuery", {name: made() for name, made in _QUERY.items()}), location="query"
)
@reads
def get_tier_changes(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The switches of the months ahead, and what a whole month's income gains at each site."""
    first = query.get("from") or first_of_month(service().today())
    return ahead_json(switches_ahead(connection, first, query["months"]))


@blueprint.route("/tier-changes/table")
@blueprint.alt_response(200, schema={"type": "string"}, content_type=MEDIA_TYPES["csv"], success=True)
@blueprint.alt_response(200, schema={"type": "string"}, content_type=MEDIA_TYPES["xlsx"], success=True)
@blueprint.arguments(
    strict_schema(
        "TierChangesTableQuery",
        {
            **{name: made() for name, made in _QUERY.items()},
            "format": fields.String(required=True, validate=validate.OneOf(TABLES)),
        },
    ),
    location="query",
)
@reads
def get_tier_changes_table(connection: Connection, query: Mapping[str, Any]) -> Response:
    """The same as a table, an office a row: for spreadsheets."""
    first = query.get("from") or first_of_month(service().today())
    found = b"".join(pieces(switches_ahead(connection, first, query["months"]), query["format"]))
    headers = {"Content-Disposition": f'attachment; filename="tier-changes.{query["format"]}"'}
    return Response(found, content_type=MEDIA_TYPES[query["format"]], headers=headers)


@blueprint.route("/tenant-tier-changes/<part:code>")
@blueprint.response(200, TenantSwitch)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY")
@reads
def get_tenant_tier_change(connection: Connection, code: str) -> TenantSwitch:
    """A tenant's bills before its switch, in its month, and after it; its usual usage of a month apart."""
    found = service()
    one = announcement_of(connection, found.settings.operator, code, found.today())
    return TenantSwitch(
        tenant=code,
        switches_on=one.found.switches_on,
        months=[QuotedMonth.of(month) for month in one.bills.months],
        habits=[Habit(QuotedLine.of(habit.before), QuotedLine.of(habit.after)) for habit in one.bills.habits],
    )


@blueprint.route("/tenant-tier-changes/<part:code>/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_tier_change_letter(connection: Connection, code: str) -> Response:
    """The letter that would be sent to a tenant today; those that were sent are papers of their messages."""
    found = service()
    one = announcement_of(connection, found.settings.operator, code, found.today())
    return Response(render_letter(letter(one)), content_type="application/pdf")


@blueprint.route("/tier-change-notices")
@blueprint.response(200, Page[SwitchNotice])
@blueprint.arguments(query_schema("TierChangeNoticeQuery", {"tenant": Code()}), location="query")
@reads
def list_tier_change_notices(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """What was announced, in order."""
    found = select(tier_change_announcement)
    if query.get("tenant") is not None:
        found = found.where(tier_change_announcement.c.tenant == query["tenant"])
    return page(connection, found, (tier_change_announcement.c.message_id,), query, _notice_json)


@blueprint.route("/tier-change-notices", methods=["POST"])
@blueprint.response(201, Announcements)
@writes
def create_tier_change_notices(connection: Connection) -> Answer:
    """Announce the switches that are due today, each step once; done again on the same day it announces nothing."""
    found = service()
    made = announce(connection, found.settings.terms, found.settings.operator, found.today(), recorded_at=found.clock())
    return Answer(
        {
            "on": made.on.isoformat(),
            "announced": [
                {
                    "message": one.message,
                    "tenant": one.tenant,
                    "switches_on": one.switches_on.isoformat(),
                    "step": one.step,
                    "announced_on": made.on.isoformat(),
                    "corrects": one.corrects,
                }
                for one in made.announced
            ],
            "unpriced": [{"tenant": code, "message": message} for code, message in made.unpriced],
        },
        201,
    )


def _notice_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "message": number_of(row.message_id),
        "tenant": row.tenant,
        "switches_on": row.switches_on.isoformat(),
        "step": row.step,
        "announced_on": row.announced_on.isoformat(),
        "corrects": None if row.corrects is None else number_of(row.corrects),
    }
