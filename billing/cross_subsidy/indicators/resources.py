"""The indicators over HTTP."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields
from sqlalchemy import Connection

from billing.cross_subsidy.indicators.files import pieces, workbook
from billing.cross_subsidy.indicators.paper import indicators_pdf
from billing.cross_subsidy.indicators.periods import parse_period, year_period
from billing.cross_subsidy.indicators.queries import indicator_report
from billing.cross_subsidy.indicators.report import IndicatorReport
from billing.cross_subsidy.indicators.shapes import IndicatorsAnswer
from billing.frame.errors import Fault, Refused
from billing.frame.http.addresses import YEAR_DOC
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.report_files import format_field, in_formats, shown
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.register.occupancy.queries import occupancy
from ledger.exports import spreadsheet
from ledger.exports.tables import MEDIA_TYPES

blueprint = ApiBlueprint("indicators", __name__, url_prefix="/v1", description="What the board reads beside the money")


class AskedPeriod(fields.String):
    """A year, `2026`, or a month, `2026-09`, as its days."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return parse_period(super()._deserialize(value, attr, data, **kwargs))
        except ValueError as error:
            raise ValidationError(str(error)) from None


_PERIOD: dict[str, fields.Field[Any]] = {
    "period": AskedPeriod(
        metadata={
            "pattern": "^(19|20|21)[0-9]{2}(-(0[1-9]|1[0-2]))?$", "example": "2026-09",
            "description": "A month, or a year; absent: this year",
        }
    ),
    "year": AskedPeriod(metadata={**YEAR_DOC, "description": "A year, in place of `period`"}),
}  # fmt: skip
_WITH_ROWS: dict[str, fields.Field[Any]] = {
    **_PERIOD, "rows": fields.Boolean(load_default=False, metadata={"description": "With how each firm counts"})
}  # fmt: skip


def _report(connection: Connection, query: Mapping[str, Any]) -> IndicatorReport:
    if "period" in query and "year" in query:
        raise Refused([Fault("", None, "year", None, "is asked for beside period", "give one of them")])
    asked = query.get("period") or query.get("year") or year_period(service().today().year)
    return indicator_report(connection, asked)


@blueprint.route("/indicators")
@in_formats(blueprint, MEDIA_TYPES.values(), IndicatorsAnswer)
@blueprint.arguments(strict_schema("IndicatorsQuery", {"format": format_field(), **_WITH_ROWS}), location="query")
def get_indicators(query: Mapping[str, Any]) -> Response:
    """The indicators of a year or a month, by site and for the network; null where no data stands behind a figure."""
    return shown(
        "indicators",
        query,
        lambda connection: IndicatorsAnswer.of(_report(connection, query), rows=query["rows"]),
        lambda connection: pieces(_report(connection, query), query["format"]),
    )


@blueprint.route("/indicators/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(strict_schema("IndicatorsPaperQuery", _PERIOD), location="query")
@reads
def get_indicators_paper(connection: Connection, query: Mapping[str, Any]) -> Response:
    """Write the same on two pages for the board, in French: the firms, then the money."""
    report = _report(connection, query)
    occupied = occupancy(connection, report.period.last_day)
    written = indicators_pdf(report, occupied, service().settings.operator.party)
    return Response(written, content_type="application/pdf")


@blueprint.route("/indicators/xlsx")
@blueprint.response(200, BINARY, content_type=spreadsheet.MEDIA_TYPE)
@blueprint.arguments(strict_schema("IndicatorsWorkbookQuery", _PERIOD), location="query")
@reads
def get_indicators_workbook(connection: Connection, query: Mapping[str, Any]) -> Response:
    """Write the same as a workbook: the figures, what each counts, and how each firm counts."""
    return Response(b"".join(workbook(_report(connection, query))), content_type=spreadsheet.MEDIA_TYPE)
