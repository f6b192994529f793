"""Why a document says what it says."""

from sqlalchemy import Connection

from billing.documents.explanation.explaining import explain
from billing.documents.explanation.shapes import DocumentExplanation
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.transactions import reads

blueprint = ApiBlueprint("explanations", __name__, url_prefix="/v1", description="Why documents say what they say")


@blueprint.route("/documents/<followed:number>/explanation")
@blueprint.response(200, DocumentExplanation)
@reads
def get_document_explanation(connection: Connection, number: str) -> DocumentExplanation:
    """Each line with the facts it rests on, as they stood when it was issued; then what settled or credited it."""
    return explain(connection, number)
