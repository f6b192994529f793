"""Occupancy over HTTP."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from billing.frame.http.fields import Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.report_files import format_field, in_formats, shown
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.register.occupancy.files import pieces
from billing.register.occupancy.queries import occupancy
from billing.register.occupancy.shapes import Occupancy
from ledger.exports.tables import MEDIA_TYPES

blueprint = ApiBlueprint("occupancy", __name__, url_prefix="/v1", description="How far the sites are let")


@blueprint.route("/occupancy")
@in_formats(blueprint, MEDIA_TYPES.values(), Occupancy)
@blueprint.arguments(
    strict_schema(
        "OccupancyQuery",
        {"format": format_field(), "on": Day(metadata={"description": "Any day; absent: today"})},
    ),
    location="query",
)
def get_occupancy(query: Mapping[str, Any]) -> Response:
    """How far sites and network are let on a day, past or to come, by the leases as they stand today."""
    on = query.get("on") or service().today()
    return shown(
        "occupancy",
        query,
        lambda connection: occupancy(connection, on),
        lambda connection: pieces(occupancy(connection, on), query["format"]),
    )
