"""Quotes: what a tenant would pay, month by month, from a given day."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from billing.frame.database import reading
from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.fields import Code, Day, Quantity, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts
from billing.run.line_shapes import VatSchema
from billing.run.quotes.quoting import MONTHS_MAX, Question, Use, quote
from pricing.eligibility import KINDS

_TEXT = fields.String
_USES_MAX = 100


class QuotedLineSchema(Schema):
    """A line as on a document; the office asked about is lease `quote`."""

    service = _TEXT(required=True)
    site = _TEXT(required=True)
    lease = _TEXT(required=True, allow_none=True)
    month = _TEXT(required=True)
    first_day = _TEXT(required=True, allow_none=True)
    last_day = _TEXT(required=True, allow_none=True)
    days = fields.Integer(required=True, allow_none=True)
    tier = _TEXT(required=True)
    quantity = _TEXT(required=True)
    full_price = _TEXT(required=True)
    unit_price = _TEXT(required=True)
    amount = _TEXT(required=True)
    full_amount = _TEXT(required=True)
    vat_rate = _TEXT(required=True)


class SumsSchema(Schema):
    """Sums in dirhams; `advantage` is what the discount is worth."""

    net = _TEXT(required=True)
    tax = _TEXT(required=True)
    gross = _TEXT(required=True)
    advantage = _TEXT(required=True)


class QuotedMonthSchema(SumsSchema):
    """One month; usage stands in the month it is made."""

    month = _TEXT(required=True)
    lines = fields.List(fields.Nested(QuotedLineSchema), required=True)
    vat = fields.List(fields.Nested(VatSchema), required=True)


class WindowSchema(Schema):
    """The days of the subsidised price, both included."""

    first_day = _TEXT(required=True)
    last_day = _TEXT(required=True)


class QuoteSchema(SumsSchema):
    """What it would cost."""

    kind = _TEXT(required=True)
    window = fields.Nested(WindowSchema, required=True, allow_none=True)
    months = fields.List(fields.Nested(QuotedMonthSchema), required=True)


_use = strict_schema("QuotedUse", {"service": Code(required=True), "quantity": Quantity(required=True), "site": Code()})
_question = strict_schema(
    "QuoteQuestion",
    {
        "tenant": Code(metadata={"description": "A tenant of the register; its leases count as well"}),
        "kind": fields.String(
            validate=validate.OneOf(KINDS), metadata={"description": "In place of tenant: what kind of firm asks"}
        ),
        "incorporated_on": Day(),
        "admitted_on": Day(metadata={"description": "First day of an earlier stay in the network"}),
        "site": Code(),
        "area_m2": Quantity(metadata={"description": "Of the office asked about; none without it"}),
        "starts_on": Day(required=True),
        "ends_on": Day(metadata={"description": "Last day of the stay"}),
        "months": WholeNumber(load_default=12, validate=validate.Range(1, MONTHS_MAX)),
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
@blueprint.response(200, QuoteSchema)
@blueprint.arguments(_question, example=_EXAMPLE)
@opened_to(READERS)
@acts
def create_quote(asked: Mapping[str, Any]) -> Answer:
    """What a tenant would pay, month by month, from a given day. Nothing is written."""
    with reading(service().engine) as connection:
        return Answer(quote(connection, _as_question(asked)).to_json())


def _as_question(asked: Mapping[str, Any]) -> Question:
    given = dict(asked)
    uses = tuple(Use(use["service"], use["quantity"], use.get("site")) for use in given.pop("usage"))
    return Question(area=given.pop("area_m2", None), usage=uses, **given)
