"""Tenants are held from a month's run, billed by it after all, and listed."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import fields
from sqlalchemy import Connection

from billing.frame.civil_time import today
from billing.frame.http.fields import Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.tokens import RUNS
from billing.run.holds.holding import HoldOrder, hold
from billing.run.holds.queries import HOLD_KEY, hold_rows, holds
from billing.run.holds.shapes import RunHold

blueprint = ApiBlueprint(
    "holds", __name__, url_prefix="/v1", description="Tenants held from a month's run", fine_scope=RUNS
)


@blueprint.route("/run-holds")
@blueprint.response(200, Page[RunHold])
@blueprint.arguments(
    query_schema("RunHoldQuery", {"period": Month(metadata={"description": "Only holds from this month's run"})}),
    location="query",
)
@reads
def list_run_holds(connection: Connection, query: Mapping[str, Any]) -> Page[RunHold]:
    """The tenants held from runs, by month and tenant, and the holds that were taken back."""
    return page(connection, holds(query.get("period")), HOLD_KEY, query, RunHold.of)


@blueprint.route("/billing-runs/<month:period>/holds", methods=["POST"])
@blueprint.response(201, RunHold)
@blueprint.alt_response(200, schema=RunHold, description="It was held already: nothing changed", success=True)
@blueprint.arguments(
    strict_schema(
        "RunHoldOrder",
        {
            "tenant": fields.String(required=True, metadata={"description": "The tenant's code"}),
            "reason": Reason("Why it is held"),
        },
    )
)
@writes
def create_run_hold(connection: Connection, order: Mapping[str, Any], period: date) -> Answer:
    """Hold a tenant from the run of a month that has not billed it: the next run bills what this one leaves."""
    return _done(connection, HoldOrder(period, (order["tenant"],), order["reason"]))


@blueprint.route("/billing-runs/<month:period>/holds/<part:tenant>/release", methods=["POST"])
@blueprint.response(201, RunHold)
@blueprint.alt_response(200, schema=RunHold, description="It was taken back already: nothing changed", success=True)
@blueprint.arguments(strict_schema("RunHoldReleaseOrder", {"reason": Reason("Why the hold is taken back")}))
@writes
def release_run_hold(connection: Connection, order: Mapping[str, Any], period: date, tenant: str) -> Answer:
    """Take a hold back before the month is run: its run bills the tenant."""
    return _done(connection, HoldOrder(period, (tenant,), order["reason"], release=True))


def _done(connection: Connection, order: HoldOrder) -> Answer:
    now = service().clock()
    news = hold(connection, order, today=today(now), recorded_at=now)
    return Answer(RunHold.of(hold_rows(connection, order.period, order.tenants)[0]), 201 if news else 200)
