"""Quotes: what a tenant would pay, month by month, from a given day."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from billing.frame.database import reading
from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.fields import Code, Day, Quantity, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts
from billing.run.quotes.quoting import MONTHS_MAX, Question, Use, quote
from billing.run.quotes.shapes import Quote
from pricing.eligibility import KINDS

_USES_MAX = 100

_use = strict_schema(
    "QuotedUse",
    {
        "service": Code(required=True, metadata={"description": "A service billed by its use"}),
        "quantity": Quantity(required=True, metadata={"description": "How much of it each month, in its unit"}),
        "site": Code(metadata={"description": "Where it is used; that of the office unless given"}),
    },
)
_question = strict_schema(
    "QuoteQuestion",
    {
        "tenant": Code(metadata={"description": "A tenant of the register; its leases count as well"}),
        "kind": fields.String(
            validate=validate.OneOf(KINDS), metadata={"description": "In place of tenant: what kind of firm asks"}
        ),
        "incorporated_on": Day(metadata={"description": "The day the firm was founded"}),
        "admitted_on": Day(metadata={"description": "First day of an earlier stay in the network"}),
        "site": Code(metadata={"description": "Where the office would be"}),
        "area_m2": Quantity(metadata={"description": "Of the office asked about; none without it"}),
        "starts_on": Day(required=True, metadata={"description": "First day of the stay"}),
        "ends_on": Day(metadata={"description": "Last day of the stay"}),
        "months": WholeNumber(
            load_default=12,
            validate=validate.Range(1, MONTHS_MAX),
            metadata={"description": "How many months are quoted"},
        ),
        "usage": fields.List(
            fields.Nested(_use),
            load_default=list,
            validate=validate.Length(0, _USES_MAX),
            metadata={"description": "What is used each month"},
        ),
    },
)
_EXAMPLE = {
    "kind": "startup",
    "incorporated_on": "2025-01-15",
    "site": "TNG",
    "area_m2": "22.5",
    "starts_on": "2026-12-01",
    "months": 19,
    "usage": [{"service": "MEAL", "quantity": "40"}],
}
blueprint = ApiBlueprint(
    "quotes", __name__, url_prefix="/v1", description="Priced by the run's engine, written nowhere"
)


@blueprint.route("/quotes", methods=["POST"])
@blueprint.response(200, Quote)
@blueprint.arguments(_question, example=_EXAMPLE)
@opened_to(READERS)
@acts
def create_quote(asked: Mapping[str, Any]) -> Answer:
    """What a tenant would pay, month by month, from a given day. Nothing is written."""
    with reading(service().engine) as connection:
        return Answer(Quote.of(quote(connection, _as_question(asked))))


def _as_question(asked: Mapping[str, Any]) -> Question:
    given = dict(asked)
    uses = tuple(Use(use["service"], use["quantity"], use.get("site")) for use in given.pop("usage"))
    return Question(area=given.pop("area_m2", None), usage=uses, **given)
