"""The books as accountants expect them, over HTTP: written while they are sent."""

from collections.abc import Callable, Generator, Mapping
from itertools import chain
from typing import Any

from flask import Response
from marshmallow import fields, validate

from billing.api.fields import Code, Day
from billing.api.openapi import ApiBlueprint
from billing.api.problems import FieldError, InvalidRequest
from billing.api.schemas import strict_schema
from billing.api.service import service
from billing.audit_bundle import MEDIA_TYPE, audit_bundle
from billing.db import reading
from billing.reports import FORMATS, Asked, report_pieces

# A request is answered by a process that others wait for: what takes longer to lay out is the command line's.
LINES_ON_PAPER_MAX = 1_500

blueprint = ApiBlueprint("reports", __name__, url_prefix="/v1/ledger", description="The books accountants expect")


def in_every_format(view: Callable[..., Any]) -> Callable[..., Any]:
    """Document an answer by each media type reports have."""
    for media_type in sorted({found.media_type for found in FORMATS.values()}):
        schema = {"type": "object" if media_type == "application/json" else "string"}
        view = blueprint.alt_response(200, schema=schema, content_type=media_type, success=True)(view)
    return view


@blueprint.route("/reports/<part:report>")
@in_every_format
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema(
        "ReportQuery",
        {
            "format": fields.String(required=True, validate=validate.OneOf(list(FORMATS))),
            "from": Day(metadata={"description": "First day, included"}),
            "until": Day(metadata={"description": "Last day, included"}),
            "account": Code(metadata={"description": "Accounts that begin so: 3421, 71, 9"}),
            "tenant": Code(),
            "site": Code(),
        },
    ),
    location="query",
)
def get_report(query: Mapping[str, Any], report: str) -> Response:
    """A book in French: journal, ledger, trial-balance, auxiliary-balance or centralised-journal.

    Class 9 stands apart from the general ledger. PDF has a limit of lines, the other formats have none.
    """
    start, until = query.get("from"), query.get("until")
    if start is not None and until is not None and start > until:
        raise InvalidRequest([FieldError("query", "from", "comes after until")])
    asked = Asked(start, until, query.get("account"), query.get("tenant"), query.get("site"))
    chosen = FORMATS[query["format"]]
    return _streamed(_pieces(report, asked, query["format"]), chosen.media_type, f"{report}.{query['format']}")


@blueprint.route("/audit-bundles/<year:year>")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
def get_audit_bundle(year: int) -> Response:
    """A year's books for an auditor, as one ZIP archive, written while it is sent.

    `controle/controle.txt` in it ends with `difference = 0`: every file was read back and compared with the books.
    """
    return _streamed(_bundle_pieces(year), MEDIA_TYPE, f"audit-{year}.zip")


def _streamed(pieces: Generator[bytes, None, None], media_type: str, name: str) -> Response:
    # What can go wrong goes wrong before the first piece, while a problem can still be answered.
    first = next(pieces, b"")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = Response(chain([first], pieces), content_type=media_type, headers=headers)
    # A caller who hangs up ends the snapshot too.
    answer.call_on_close(pieces.close)
    return answer


def _bundle_pieces(year: int) -> Generator[bytes, None, None]:
    """The archive's pieces, within one snapshot that ends with the last of them."""
    found = service()
    with reading(found.engine) as connection:
        yield from audit_bundle(connection, year, found.settings.operator.party, found.settings.terms).pieces


def _pieces(name: str, asked: Asked, file_format: str) -> Generator[bytes, None, None]:
    """The file's pieces, within one snapshot that ends with the last of them."""
    found = service()
    operator = found.settings.operator.party
    with reading(found.engine) as connection:
        yield from report_pieces(
            connection, name, asked, file_format, operator=operator, lines_on_paper_max=LINES_ON_PAPER_MAX
        )
