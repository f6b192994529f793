"""The books as accountants expect them, over HTTP: written while they are sent."""

from collections.abc import Generator, Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate

from billing.books.reports.writing import FORMATS, Asked, report_pieces
from billing.frame.database import reading
from billing.frame.http.deferring import may_be_job, table_ms
from billing.frame.http.fields import Code, Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.problems import InvalidRequest, field_error
from billing.frame.http.report_files import LINES_ON_PAPER_MAX, in_formats, streamed
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.tokens import AUDIT
from ledger.exports.tables import ending

blueprint = ApiBlueprint(
    "reports", __name__, url_prefix="/v1/ledger", description="The books accountants expect", fine_scope=AUDIT
)


@blueprint.route("/reports/<part:report>")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()))
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema(
        "ReportQuery",
        {
            "format": fields.String(
                required=True, validate=validate.OneOf(list(FORMATS)), metadata={"description": "How it is written"}
            ),
            "from": Day(metadata={"description": "First day, included"}),
            "until": Day(metadata={"description": "Last day, included"}),
            "account": Code(metadata={"description": "Accounts that begin so: 3421, 71, 9"}),
            "tenant": Code(metadata={"description": "The postings of one tenant"}),
            "site": Code(metadata={"description": "The postings of one site"}),
        },
    ),
    location="query",
)
@may_be_job(table_ms)
def get_report(query: Mapping[str, Any], report: str) -> Response:
    """A book in French: journal, ledger, trial-balance, auxiliary-balance or centralised-journal.

    Class 9 stands apart from the general ledger. PDF has a limit of lines, the other formats have none.
    """
    start, until = query.get("from"), query.get("until")
    if start is not None and until is not None and start > until:
        raise InvalidRequest([field_error("query", "from", "comes after until")])
    asked = Asked(start, until, account=query.get("account"), tenant=query.get("tenant"), site=query.get("site"))
    chosen = FORMATS[query["format"]]
    return streamed(_pieces(report, asked, query["format"]), chosen.media_type, f"{report}.{ending(query['format'])}")


def _pieces(name: str, asked: Asked, file_format: str) -> Generator[bytes, None, None]:
    """Yield the file's pieces, within one snapshot that ends with the last of them."""
    operator = service().settings.operator.party
    with reading(service().engine) as connection:
        yield from report_pieces(
            connection, name, asked, file_format, operator=operator, lines_on_paper_max=LINES_ON_PAPER_MAX
        )
