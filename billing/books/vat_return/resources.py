"""The VAT return's working paper, month by month, over HTTP."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.books.reports.writing import FORMATS
from billing.books.vat_return.files import vat_return_pieces
from billing.books.vat_return.shapes import VatReturn
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.report_files import LINES_ON_PAPER_MAX, in_formats
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from ledger.exports.tables import ending

blueprint = ApiBlueprint("vat-returns", __name__, url_prefix="/v1/vat-returns", description="VAT that falls due")


@blueprint.route("/<month:period>")
@in_formats(blueprint, (report_format.media_type for report_format in FORMATS.values()), VatReturn)
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema(
        "VatReturnQuery",
        {
            "format": fields.String(
                load_default="json",
                validate=validate.OneOf(list(FORMATS)),
                metadata={"description": "How the paper is written"},
            )
        },
    ),
    location="query",
)
@reads
def get_vat_return(connection: Connection, query: Mapping[str, Any], period: date) -> Response:
    """The VAT that fell due in a month by line and rate, each figure traced to receipts; and 4455 beside it."""
    settings = service().settings
    pieces = vat_return_pieces(
        connection, period, query["format"], operator=settings.operator.party, terms=settings.terms,
        lines_on_paper_max=LINES_ON_PAPER_MAX,
    )  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="tva-{period:%Y-%m}.{ending(query["format"])}"'}
    return Response(b"".join(pieces), content_type=FORMATS[query["format"]].media_type, headers=headers)
