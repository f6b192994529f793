"""Monthly runs: previewed, run, watched; and what each decided between the sites."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row, Select, case, func, select

from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.fields import Day, Flag, Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts, reads
from billing.frame.shapes import instant
from billing.register.tables import billing_run
from billing.run.matrix_export import funding_of_run, json_pieces
from billing.run.month import preview_month, run_month
from billing.run.plan import MONTHS_AHEAD_MAX
from billing.run.report import stored_totals
from billing.run.tables import run_batch, run_outcome
from billing.run.waterfall_export import stored
from invoices.models import document
from pricing.funding_matrix import GRANT, OPERATOR, RESERVE, TENANT
from pricing.period import add_months, first_of_month, format_month

_TEXT = fields.String
OUTCOMES = ("issued", "nothing", "error")


class SiteFundingSchema(Schema):
    """How one site's need was met (R18)."""

    contributions = _TEXT(required=True)
    draws = _TEXT(required=True)
    earmarked_grants = _TEXT(required=True)
    own = _TEXT(required=True)
    network = _TEXT(required=True)
    reserve = _TEXT(required=True)
    network_grants = _TEXT(required=True)
    unfunded = _TEXT(required=True)


class CrossSubsidySchema(Schema):
    """The waterfall of a run (R16-R19)."""

    period = _TEXT(required=True)
    advantage = _TEXT(required=True)
    sites = fields.Dict(keys=_TEXT(), values=fields.Nested(SiteFundingSchema), required=True)
    reserve_before = _TEXT()
    surplus = _TEXT()
    reserve_after = _TEXT(required=True)
    grants_left = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)


class FunderSchema(Schema):
    """Who gives."""

    kind = _TEXT(required=True, validate=validate.OneOf((TENANT, GRANT, RESERVE, OPERATOR)))
    site = _TEXT(required=True, allow_none=True)
    code = _TEXT(required=True, allow_none=True)


class GiftSchema(FunderSchema):
    """What a funder gives."""

    amount = _TEXT(required=True)


class SupportedSchema(Schema):
    """Who is supported: a tenant at one of its sites."""

    site = _TEXT(required=True)
    tenant = _TEXT(required=True)


class SupportSchema(SupportedSchema):
    """What a supported tenant receives."""

    amount = _TEXT(required=True)


class PoolSchema(Schema):
    """One step of R18 at one site, or in the network: everybody gives and receives in proportion."""

    step = _TEXT(required=True)
    gives = fields.List(fields.Nested(GiftSchema), required=True)
    receives = fields.List(fields.Nested(SupportSchema), required=True)


class FundingCellSchema(Schema):
    """What one funder gave one supported tenant in one step."""

    step = _TEXT(required=True)
    funder = fields.Nested(FunderSchema, required=True)
    supported = fields.Nested(SupportedSchema, required=True)
    amount = _TEXT(required=True)


class FundingMatrixSchema(Schema):
    """Who funded whom in a run, tenant by tenant (R17-R19)."""

    period = _TEXT(required=True)
    pools = fields.List(fields.Nested(PoolSchema), required=True)
    to_reserve = fields.List(fields.Nested(GiftSchema), required=True)
    cells = fields.List(fields.Nested(FundingCellSchema), required=True)


class TotalsSchema(Schema):
    """Documents of one kind."""

    count = fields.Integer(required=True)
    net = _TEXT(required=True)
    tax = _TEXT(required=True)
    gross = _TEXT(required=True)
    lines = fields.Integer(required=True)


class TenantErrorSchema(Schema):
    """A tenant that could not be billed, and why."""

    tenant = _TEXT(required=True)
    message = _TEXT(required=True)


class RunReportSchema(Schema):
    """What a run did, or would do."""

    period = _TEXT(required=True)
    issued_on = _TEXT(required=True)
    dry_run = fields.Boolean(required=True)
    issued_now = fields.Boolean(required=True, metadata={"description": "False when the run was final already"})
    invoices = fields.Nested(TotalsSchema, required=True)
    credit_notes = fields.Nested(TotalsSchema, required=True)
    cross_subsidy = fields.Nested(CrossSubsidySchema, required=True)
    errors = fields.List(fields.Nested(TenantErrorSchema), required=True)


class ProgressSchema(Schema):
    """How far a run has come."""

    done = fields.Integer(required=True)
    total = fields.Integer(required=True)


class RunSchema(Schema):
    """A run and its progress."""

    period = _TEXT(required=True)
    issued_on = _TEXT(required=True)
    status = _TEXT(required=True, validate=validate.OneOf(("running", "complete")))
    attempt = fields.Integer(required=True)
    started_at = _TEXT(required=True)
    completed_at = _TEXT(required=True, allow_none=True)
    batches = fields.Nested(ProgressSchema, required=True)
    outcomes = fields.Dict(keys=_TEXT(), values=fields.Integer(), required=True)


class RunDetailSchema(RunSchema):
    """A run, its progress and its totals so far."""

    invoices = fields.Nested(TotalsSchema, required=True)
    credit_notes = fields.Nested(TotalsSchema, required=True)


class OutcomeSchema(Schema):
    """What a run meant for one tenant."""

    tenant = _TEXT(required=True)
    status = _TEXT(required=True, validate=validate.OneOf(OUTCOMES))
    message = _TEXT(required=True, allow_none=True)
    invoice = _TEXT(required=True, allow_none=True)
    credit_note = _TEXT(required=True, allow_none=True)


blueprint = ApiBlueprint("billing runs", __name__, url_prefix="/v1", description="The month, for everybody")
_ORDER: Mapping[str, fields.Field[Any]] = {
    "period": Month(required=True),
    "issue_date": Day(load_default=None, allow_none=True, metadata={"description": "Today in Casablanca unless given"}),
}


def _require_near(period: date) -> None:
    """Raise Refused for a month that can't be meant."""
    latest = add_months(first_of_month(service().today()), MONTHS_AHEAD_MAX)
    if period > latest:
        problem = f"is more than {MONTHS_AHEAD_MAX} months ahead"
        raise Refused([Fault("run", None, "period", format_month(period), problem, "check the year")])


def _runs() -> Select[Any]:
    """Runs with their batches and outcomes counted."""
    batches = run_batch.c.period == billing_run.c.period, run_batch.c.attempt == billing_run.c.attempt
    done = func.sum(case((run_batch.c.status == "done", 1), else_=0))
    counted = [
        select(func.count())
        .where(run_outcome.c.period == billing_run.c.period, run_outcome.c.status == status)
        .scalar_subquery()
        .label(f"outcomes_{status}")
        for status in OUTCOMES
    ]
    return select(
        billing_run,
        select(func.count()).select_from(run_batch).where(*batches).scalar_subquery().label("batches"),
        select(done).where(*batches).scalar_subquery().label("batches_done"),
        *counted,
    )


def _run_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "period": format_month(row.period),
        "issued_on": row.issued_on.isoformat(),
        "status": row.status,
        "attempt": row.attempt,
        "started_at": instant(row.started_at),
        "completed_at": instant(row.completed_at),
        "batches": {"done": int(row.batches_done or 0), "total": row.batches},
        "outcomes": {status: row._mapping[f"outcomes_{status}"] for status in OUTCOMES},
    }


def _find(connection: Connection, period: date) -> Row[Any]:
    row = connection.execute(_runs().where(billing_run.c.period == period)).one_or_none()
    if row is None:
        raise Unknown(f"{format_month(period)} has not been run: POST /v1/billing-runs runs a month")
    return row


@blueprint.route("/billing-runs")
@blueprint.response(200, page_schema(RunSchema, "Run"))
@blueprint.arguments(query_schema("RunQuery", {}), location="query")
@reads
def list_runs(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """The runs, by month."""
    return page(connection, _runs(), (billing_run.c.period,), query, _run_json)


@blueprint.route("/billing-runs/<month:period>")
@blueprint.response(200, RunDetailSchema)
@reads
def get_run(connection: Connection, period: date) -> dict[str, Any]:
    """One run: how far it has come, and its totals so far."""
    row = _find(connection, period)
    totals = stored_totals(connection, period)
    return _run_json(row) | {
        "invoices": totals["invoice"].to_json(),
        "credit_notes": totals["credit_note"].to_json(),
    }


@blueprint.route("/billing-runs/<month:period>/outcomes")
@blueprint.response(200, page_schema(OutcomeSchema, "Outcome"))
@blueprint.arguments(
    query_schema("OutcomeQuery", {"status": fields.String(validate=validate.OneOf(OUTCOMES))}), location="query"
)
@reads
def list_outcomes(connection: Connection, query: Mapping[str, Any], period: date) -> Page[Any]:
    """What a run meant for each tenant; those in error say why."""
    _find(connection, period)
    invoice, credit_note = document.alias("invoice"), document.alias("credit_note")
    found = (
        select(run_outcome, invoice.c.number.label("invoice"), credit_note.c.number.label("credit_note"))
        .outerjoin(invoice, invoice.c.id == run_outcome.c.invoice_id)
        .outerjoin(credit_note, credit_note.c.id == run_outcome.c.credit_note_id)
        .where(run_outcome.c.period == period)
    )
    if query.get("status") is not None:
        found = found.where(run_outcome.c.status == query["status"])
    names = ("tenant", "status", "message", "invoice", "credit_note")
    return page(
        connection, found, (run_outcome.c.tenant,), query, lambda row: {name: row._mapping[name] for name in names}
    )


@blueprint.route("/billing-runs", methods=["POST"])
@blueprint.response(201, RunReportSchema)
@blueprint.alt_response(200, schema=RunReportSchema, description="It was final already", success=True)
@blueprint.arguments(strict_schema("RunOrder", {**_ORDER, "deliver": Flag(load_default=True)}))
@acts
def create_run(order: Mapping[str, Any]) -> Answer:
    """Run a month: price, issue, number, post, queue deliveries. Answers when it is done.

    A month begun and interrupted is finished; a final one issues nothing more, apart from tenants that were in
    error. While it works, GET the run to see how far it has come.
    """
    _require_near(order["period"])
    found = run_month(
        service().settings,
        acting_engine(),
        order["period"],
        clock=service().clock,
        issued_on=order["issue_date"],
        deliver=order["deliver"],
        workers=1,
    )
    location = f"/v1/billing-runs/{format_month(order['period'])}"
    return Answer(found.to_json(), 201 if found.issued_now else 200, {"Location": location})


@blueprint.route("/billing-runs/preview", methods=["POST"])
@blueprint.response(200, RunReportSchema)
@blueprint.arguments(strict_schema("PreviewOrder", _ORDER))
@opened_to(READERS)
@acts
def preview_run(order: Mapping[str, Any]) -> Answer:
    """What running a month now would give, with the same totals; writes nothing."""
    _require_near(order["period"])
    found = preview_month(service().engine, order["period"], clock=service().clock, issued_on=order["issue_date"])
    return Answer(found.to_json())


@blueprint.route("/cross-subsidy/<month:period>")
@blueprint.response(200, CrossSubsidySchema)
@reads
def get_cross_subsidy(connection: Connection, period: date) -> Any:
    """Who funded whom in a month's run."""
    return orjson.loads(stored(connection, period))


@blueprint.route("/cross-subsidy/<month:period>/matrix")
@blueprint.response(200, FundingMatrixSchema)
@reads
def get_funding_matrix(connection: Connection, period: date) -> Response:
    """Who funded whom in a month's run, tenant by tenant: pools with their sums, and every cell."""
    found = b"".join(json_pieces(period, funding_of_run(connection, period)))
    return Response(found, content_type="application/json")
