"""Monthly runs: previewed, run, watched; and what each decided between the sites."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.deferring import job_progress, may_be_job, only_if_asked
from billing.frame.http.fields import Day, Flag, Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.report_files import format_field, in_formats, sent, shown, streamed
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts, reads
from billing.frame.tokens import RUNS
from billing.run import matrix_export, waterfall_export
from billing.run.drafts import DIGEST_PATTERN
from billing.run.month import run_month
from billing.run.preview import preview_month
from billing.run.queries import OUTCOME_KEY, RUN_KEY, find_run, outcomes, runs
from billing.run.report import stored_totals
from billing.run.review.files import MEDIA_TYPES as REVIEW_MEDIA_TYPES
from billing.run.review.files import pieces, review_shape
from billing.run.review.reviewing import Review, review_month
from billing.run.review.shapes import RunReview
from billing.run.shapes import CrossSubsidy, FundingMatrix, Outcome, Run, RunDetail, RunOutcome, RunReport
from ledger.exports.tables import MEDIA_TYPES, ending
from pricing.period import format_month

blueprint = ApiBlueprint(
    "billing runs", __name__, url_prefix="/v1", description="The month, for everybody", fine_scope=RUNS
)
_ORDER: Mapping[str, fields.Field[Any]] = {
    "period": Month(required=True, metadata={"description": "The month to be billed"}),
    "issue_date": Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "Today in Casablanca unless given; at most 31 days ahead"},
    ),
    "catch_up": Flag(
        load_default=False, metadata={"description": "true: bill the months that have not run before it, too"}
    ),
}


@blueprint.route("/billing-runs")
@blueprint.response(200, Page[Run])
@blueprint.arguments(query_schema("RunQuery", {}), location="query")
@reads
def list_runs(connection: Connection, query: Mapping[str, Any]) -> Page[Run]:
    """The runs, by month."""
    return page(connection, runs(), RUN_KEY, query, Run.of)


@blueprint.route("/billing-runs/<month:period>")
@blueprint.response(200, RunDetail)
@reads
def get_run(connection: Connection, period: date) -> RunDetail:
    """One run: how far it has come, and its totals so far."""
    row = find_run(connection, period)
    totals = stored_totals(connection, period)
    return RunDetail.with_totals(row, totals["invoice"].shape(), totals["credit_note"].shape())


@blueprint.route("/billing-runs/<month:period>/outcomes")
@blueprint.response(200, Page[Outcome])
@blueprint.arguments(
    query_schema(
        "OutcomeQuery",
        {
            "status": fields.String(
                validate=validate.OneOf(tuple(RunOutcome)), metadata={"description": "Only tenants with this outcome"}
            )
        },
    ),
    location="query",
)
@reads
def list_outcomes(connection: Connection, query: Mapping[str, Any], period: date) -> Page[Outcome]:
    """What a run meant for each tenant; those in error say why."""
    find_run(connection, period)
    return page(connection, outcomes(period, query.get("status")), OUTCOME_KEY, query, Outcome.of)


@blueprint.route("/billing-runs", methods=["POST"])
@blueprint.response(201, RunReport, headers=LOCATION)
@blueprint.alt_response(200, schema=RunReport, description="It was final already", success=True, headers=LOCATION)
@blueprint.arguments(
    strict_schema(
        "RunOrder",
        {
            **_ORDER,
            "digest": fields.String(
                load_default=None,
                allow_none=True,
                validate=validate.Regexp(DIGEST_PATTERN, error="is no digest of a review"),
                metadata={"description": "Of a review: the run is refused if it would issue anything else"},
            ),
            "deliver": Flag(load_default=True, metadata={"description": "false: queue nothing for delivery"}),
        },
    )
)
@may_be_job(only_if_asked)
@acts
def create_run(order: Mapping[str, Any]) -> Answer:
    """Run a month: price, issue, number, post, queue deliveries. Answers when it is done, unless a job is preferred.

    A month begun and interrupted is finished; a final one issues nothing more, apart from tenants that were in
    error. While it works, GET the run to see how far it has come.
    """
    report = run_month(
        service().settings,
        acting_engine(),
        order["period"],
        clock=service().clock,
        issued_on=order["issue_date"],
        catch_up=order["catch_up"],
        digest=order["digest"],
        deliver=order["deliver"],
        workers=1,
        progress=job_progress(),
    )
    location = f"/v1/billing-runs/{format_month(order['period'])}"
    return Answer(report.shape(), 201 if report.issued_now else 200, {"Location": location})


@blueprint.route("/billing-runs/preview", methods=["POST"])
@blueprint.response(200, RunReport)
@blueprint.arguments(strict_schema("PreviewOrder", _ORDER))
@opened_to(READERS | {RUNS})
@acts
def preview_run(order: Mapping[str, Any]) -> Answer:
    """What running a month now would give, with the same totals; writes nothing."""
    report = preview_month(
        service().engine,
        order["period"],
        clock=service().clock,
        issued_on=order["issue_date"],
        catch_up=order["catch_up"],
    )
    return Answer(report.shape())


@blueprint.route("/billing-runs/review", methods=["POST"])
@blueprint.response(200, RunReview)
@blueprint.arguments(strict_schema("ReviewOrder", _ORDER))
@opened_to(READERS | {RUNS})
@acts
def review_run(order: Mapping[str, Any]) -> Answer:
    """Review a run before it is ordered (R24): every document against the month before, with reasons and flags.

    Writes nothing. `POST /v1/billing-runs` with its `digest` issues just these documents, or is refused.
    """
    return Answer(review_shape(_review(order["period"], order)))


@blueprint.route("/billing-runs/<month:period>/review")
@in_formats(blueprint, REVIEW_MEDIA_TYPES.values(), RunReview)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema(
        "ReviewQuery",
        {
            "format": format_field(REVIEW_MEDIA_TYPES),
            "issue_date": Day(metadata={"description": "Today in Casablanca unless given"}),
            "catch_up": fields.String(
                validate=validate.OneOf(("true", "false")),
                metadata={"description": "true: bill the months that have not run before it, too"},
            ),
        },
    ),
    location="query",
)
def get_review(query: Mapping[str, Any], period: date) -> Response:
    """The review of a run as a file: JSON, CSV, XLSX, or a page that a manager signs (French)."""
    order = {"issue_date": query.get("issue_date"), "catch_up": query.get("catch_up") == "true"}
    review, file_format = _review(period, order), query["format"]
    written = (piece for piece in pieces(review, file_format, service().settings.operator.party))
    return streamed(written, REVIEW_MEDIA_TYPES[file_format], f"review-{format_month(period)}.{ending(file_format)}")


def _review(period: date, order: Mapping[str, Any]) -> Review:
    return review_month(
        acting_engine(),
        period,
        clock=service().clock,
        issued_on=order["issue_date"],
        catch_up=order["catch_up"],
    )


@blueprint.route("/cross-subsidy/<month:period>")
@in_formats(blueprint, MEDIA_TYPES.values(), CrossSubsidy)
@blueprint.arguments(strict_schema("CrossSubsidyQuery", {"format": format_field()}), location="query")
def get_cross_subsidy(query: Mapping[str, Any], period: date) -> Response:
    """Who funded whom in a month's run."""
    return shown(
        f"cross-subsidy-{format_month(period)}",
        query,
        lambda connection: orjson.loads(waterfall_export.stored(connection, period)),
        lambda connection: waterfall_export.pieces(connection, period, query["format"]),
    )


@blueprint.route("/cross-subsidy/<month:period>/matrix")
@in_formats(blueprint, MEDIA_TYPES.values(), FundingMatrix)
@blueprint.arguments(strict_schema("FundingMatrixQuery", {"format": format_field()}), location="query")
def get_funding_matrix(query: Mapping[str, Any], period: date) -> Response:
    """Who funded whom in a month's run, tenant by tenant: pools with their sums, and every cell."""
    chosen, name = query["format"], f"funding-matrix-{format_month(period)}"
    return sent(name, chosen, lambda connection: matrix_export.pieces(connection, period, chosen))
