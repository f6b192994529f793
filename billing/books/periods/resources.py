"""Accounting periods: which months are closed, closing one, reopening the last."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Connection, Row, select

from billing.books.periods.closing import close_period, reopen_period
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import instant, page_schema, query_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from ledger.models import period_act
from ledger.periods import limits
from pricing.period import first_of_month, format_month

_TEXT = fields.String


class ClosingSchema(Schema):
    """A month that was closed, or reopened."""

    number = fields.Integer(required=True)
    period = _TEXT(required=True)
    action = _TEXT(required=True, metadata={"description": "close or reopen"})
    recorded_at = _TEXT(required=True)
    reason = _TEXT(required=True, allow_none=True)
    digest = _TEXT(required=True, metadata={"description": "SHA-256 of the month's trial balance"})
    closed_through = _TEXT(required=True, allow_none=True, metadata={"description": "Nothing is posted up to this day"})
    open_through = _TEXT(required=True, metadata={"description": "Nor after this one"})


class PeriodSchema(Schema):
    """How a month stands, and how it came to that."""

    period = _TEXT(required=True)
    state = _TEXT(required=True, metadata={"description": "open or closed"})
    digest = _TEXT(required=True, allow_none=True)
    history = fields.List(fields.Nested(ClosingSchema), required=True)


blueprint = ApiBlueprint("periods", __name__, url_prefix="/v1/periods", description="Months, open and closed")


def _closing_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "number": row.id,
        "period": format_month(row.month),
        "action": row.action,
        "recorded_at": instant(row.recorded_at),
        "reason": row.reason,
        "digest": row.digest,
        "closed_through": None if row.closed_through is None else row.closed_through.isoformat(),
        "open_through": row.open_through.isoformat(),
    }


def _period_json(connection: Connection, month: date) -> dict[str, Any]:
    found = select(period_act).where(period_act.c.month == month).order_by(period_act.c.id)
    history = [_closing_json(row) for row in connection.execute(found)]
    through = limits(connection).closed_through
    is_closed = through is not None and month <= first_of_month(through)
    return {
        "period": format_month(month),
        "state": "closed" if is_closed else "open",
        "digest": history[-1]["digest"] if is_closed and history else None,
        "history": history,
    }


@blueprint.route("")
@blueprint.response(200, page_schema(ClosingSchema, "Closing"))
@blueprint.arguments(query_schema("ClosingQuery", {}), location="query")
@reads
def list_closings(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Every closing and reopening of a month, oldest first."""
    return page(connection, select(period_act), (period_act.c.id,), query, _closing_json)


@blueprint.route("/<month:period>")
@blueprint.response(200, PeriodSchema)
@reads
def get_period(connection: Connection, period: date) -> dict[str, Any]:
    """Whether a month is open, and how it came to that."""
    return _period_json(connection, period)


@blueprint.route("/<month:period>/close", methods=["POST"])
@blueprint.response(200, PeriodSchema)
@writes
def close_one_period(connection: Connection, period: date) -> Answer:
    """Close the oldest open month: nothing is posted into it from now on, and its trial balance is kept."""
    close_period(
        connection,
        period,
        today=service().today(),
        recorded_at=service().clock(),
        open_months_max=service().settings.open_months_max,
    )
    return Answer(_period_json(connection, period))


@blueprint.route("/<month:period>/reopen", methods=["POST"])
@blueprint.response(200, PeriodSchema)
@writes
def reopen_one_period(connection: Connection, period: date) -> Answer:
    """Reopen the month closed last, for the reason in `X-Reason`, which stays on record."""
    reopen_period(connection, period, recorded_at=service().clock())
    return Answer(_period_json(connection, period))
