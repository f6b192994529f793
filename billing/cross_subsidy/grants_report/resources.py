"""A year's report on grants, over HTTP."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.cross_subsidy.grants_report.files import grants_pdf, grants_workbook
from billing.cross_subsidy.grants_report.shapes import GrantsYear
from billing.cross_subsidy.grants_report.year import grants_year
from billing.frame.http.fields import Code
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from ledger.exports import spreadsheet

_FUNDER_LENGTH_MAX = 200
_QUERY = strict_schema(
    "GrantsYearQuery",
    {
        "funder": fields.String(
            validate=[validate.Length(1, _FUNDER_LENGTH_MAX), validate.ContainsNoneOf("\0")],
            metadata={"description": "Only those of this funder, by its whole name"},
        ),
        "grant": Code(metadata={"description": "Only this one"}),
    },
)
blueprint = ApiBlueprint(
    "grants of a year", __name__, url_prefix="/v1/cross-subsidy-years", description="What became of grants"
)


@blueprint.route("/<year:year>/grants")
@blueprint.response(200, GrantsYear)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(_QUERY, location="query")
@reads
def get_grants_year(connection: Connection, query: Mapping[str, Any], year: int) -> GrantsYear:
    """What became of grants in a year: received, used for whom month by month, carried over."""
    return GrantsYear.of(grants_year(connection, year, **query))


@blueprint.route("/<year:year>/grants/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(_QUERY, location="query")
@reads
def get_grants_year_paper(connection: Connection, query: Mapping[str, Any], year: int) -> Response:
    """Write the same as its givers read it, in French."""
    written = grants_pdf(grants_year(connection, year, **query), service().settings.operator.party)
    return Response(written, content_type="application/pdf")


@blueprint.route("/<year:year>/grants/xlsx")
@blueprint.response(200, BINARY, content_type=spreadsheet.MEDIA_TYPE)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(_QUERY, location="query")
@reads
def get_grants_year_workbook(connection: Connection, query: Mapping[str, Any], year: int) -> Response:
    """Write the same as a workbook, a sheet a table."""
    return Response(
        b"".join(grants_workbook(grants_year(connection, year, **query))), content_type=spreadsheet.MEDIA_TYPE
    )
