"""Why a document says what it says."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from billing.documents.explanation.explaining import explain
from billing.documents.explanation.files import pieces
from billing.documents.explanation.shapes import DocumentExplanation
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.report_files import format_field, in_formats, shown
from billing.frame.http.schemas import strict_schema
from ledger.exports.tables import MEDIA_TYPES

blueprint = ApiBlueprint("explanations", __name__, url_prefix="/v1", description="Why documents say what they say")


@blueprint.route("/documents/<followed:number>/explanation")
@in_formats(blueprint, MEDIA_TYPES.values(), DocumentExplanation)
@blueprint.arguments(strict_schema("ExplanationQuery", {"format": format_field()}), location="query")
def get_document_explanation(query: Mapping[str, Any], number: str) -> Response:
    """Each line with the facts it rests on, as they stood when it was issued; then what settled or credited it."""
    return shown(
        "explanation",
        query,
        lambda connection: explain(connection, number),
        lambda connection: pieces(explain(connection, number), query["format"]),
    )
