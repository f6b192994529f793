"""Accounting periods: which months are closed, closing one, reopening the last."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection

from billing.approvals.http import WAITS, placed
from billing.approvals.shapes import Approval
from billing.books.periods.approving import REOPENING, Reopening
from billing.books.periods.checklist import checklist
from billing.books.periods.closing import close_period
from billing.books.periods.queries import CLOSING_KEY, closings, period_shape
from billing.books.periods.shapes import Checklist, ClosedPeriod, Closing, Period, Unfinished
from billing.frame.audit_log import require_reason
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from pricing.period import format_month

blueprint = ApiBlueprint("periods", __name__, url_prefix="/v1/periods", description="Months, open and closed")

_WHY_CLOSED = strict_schema(
    "ClosingOrder", {"reason": Reason("Why it is closed while bank lines wait", required=False)}
)
_WHY_REOPENED = strict_schema("ReopeningOrder", {"reason": Reason("Why it is reopened; required", required=False)})


@blueprint.route("")
@blueprint.response(200, Page[Closing])
@blueprint.arguments(query_schema("ClosingQuery", {}), location="query")
@reads
def list_closings(connection: Connection, query: Mapping[str, Any]) -> Page[Closing]:
    """Every closing and reopening of a month, oldest first."""
    return page(connection, closings(), CLOSING_KEY, query, Closing.of)


@blueprint.route("/<month:period>")
@blueprint.response(200, Period)
@reads
def get_period(connection: Connection, period: date) -> Period:
    """One month: whether it is open, and how it came to that."""
    return period_shape(connection, period)


@blueprint.route("/<month:period>/checklist")
@blueprint.response(200, Checklist)
@reads
def get_checklist(connection: Connection, period: date) -> Checklist:
    """What is unfinished of a month, to be looked at before it is closed."""
    return Checklist(period=format_month(period), unfinished=_unfinished(connection, period))


@blueprint.route("/<month:period>/close", methods=["POST"])
@blueprint.response(200, ClosedPeriod)
@blueprint.arguments(_WHY_CLOSED, required=False)
@writes
def close_one_period(connection: Connection, _why: Mapping[str, Any], period: date) -> Answer:
    """Close the oldest open month: nothing is posted into it from now on, and its trial balance is kept.

    While bank lines of it wait, only for a reason; they are then booked on the first open day. Where
    advances bear VAT on receipt, that of the credit held at its end is booked first.
    """
    unfinished = _unfinished(connection, period)
    close_period(
        connection,
        period,
        today=service().today(),
        recorded_at=service().clock(),
        open_months_max=service().settings.open_months_max,
        terms=service().settings.terms,
    )
    return Answer(ClosedPeriod(**asdict(period_shape(connection, period)), unfinished=unfinished))


def _unfinished(connection: Connection, period: date) -> list[Unfinished]:
    return [Unfinished.of(found) for found in checklist(connection, period)]


@blueprint.route("/<month:period>/reopen", methods=["POST"])
@blueprint.response(200, Period)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(_WHY_REOPENED, required=False)
@writes
def reopen_one_period(connection: Connection, _why: Mapping[str, Any], period: date) -> Answer:
    """Reopen the month closed last, for a reason, which stays on record."""
    order = Reopening(period, require_reason(connection, f"reopening {format_month(period)}"))
    return placed(connection, REOPENING, order, lambda _done: Answer(period_shape(connection, period)))
