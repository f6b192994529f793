"""Occupancy over HTTP."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from billing.frame.http.fields import Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.register.occupancy.queries import occupancy
from billing.register.occupancy.shapes import Occupancy

blueprint = ApiBlueprint("occupancy", __name__, url_prefix="/v1", description="How far the sites are let")


@blueprint.route("/occupancy")
@blueprint.response(200, Occupancy)
@blueprint.arguments(
    strict_schema("OccupancyQuery", {"on": Day(metadata={"description": "Any day; absent: today"})}), location="query"
)
@reads
def get_occupancy(connection: Connection, query: Mapping[str, Any]) -> Occupancy:
    """How far sites and network are let on a day, past or to come, by the leases as they stand today."""
    return occupancy(connection, query.get("on") or service().today())
