"""What lies ahead: forecast, admission dial, what if. Computed when asked, written nowhere."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import Connection

from billing.cross_subsidy.forecast.assumptions import assumptions_json, parse_share, read_assumptions
from billing.cross_subsidy.forecast.forecasting import (
    DRAWS,
    MONTHS,
    SEED,
    SEED_MAX,
    USAGES,
    USUAL,
    Forecast,
    Question,
    dial,
    forecast,
)
from billing.cross_subsidy.forecast.shown import dial_json, forecast_json, forecast_pieces, what_if_json
from billing.cross_subsidy.forecast.what_if import MOVERS_SHOWN, WINDOW_MONTHS_MAX, Asked, months_asked, what_if
from billing.frame.database import reading
from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.fields import Code, Month, Quantity, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts, reads
from billing.register.network_import.rate_card import rate_card_of
from billing.register.shapes import RESOURCES, record_schema
from ledger.exports.tables import MEDIA_TYPES, TABLES
from pricing.forecast.assumptions import Assumptions

# A request is answered while it waits: what takes longer is asked on the command line.
_MONTHS_MAX, _DRAWS_MAX, _RATES_MAX, _MOVERS_MAX = 36, 1000, 1000, 1000
_TEXT = fields.String
_RATES = next(resource for resource in RESOURCES if resource.stem == "rates")


class Share(fields.String):
    """A part from nil to one: `0.4` or `2/5`."""

    def __init__(self, **kwargs: Any) -> None:
        doc = {"pattern": r"^(0(\.[0-9]{1,9})?|1|1/[1-9][0-9]{0,8})$", "example": "1/2"}
        super().__init__(metadata={**doc, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        found: Fraction | None = parse_share(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise ValidationError("is not a part from 0 to 1, such as 0.4 or 2/5")
        return found


class FigureSchema(Schema):
    """An amount on the exact path, and where it lies by the draws: low 5 %, high 95 %."""

    path = _TEXT(required=True)
    low = _TEXT(required=True)
    median = _TEXT(required=True)
    high = _TEXT(required=True)


class ForecastFiguresSchema(Schema):
    """All figures of one month's run, or of all months together."""

    sites = fields.Dict(
        keys=_TEXT(), values=fields.Dict(keys=_TEXT(), values=fields.Nested(FigureSchema)), required=True
    )
    network = fields.Dict(keys=_TEXT(), values=fields.Nested(FigureSchema), required=True)
    draws_unfunded = _TEXT(
        required=True, metadata={"description": "The share of the draws in which some need is left unfunded"}
    )


class ForecastRunSchema(ForecastFiguresSchema):
    """One month's run."""

    month = _TEXT(required=True)


class ArrivalsSchema(Schema):
    """Who comes."""

    a_month = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    kinds = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    areas_m2 = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    young = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)


class AssumptionsSchema(Schema):
    """What is assumed of the future; probabilities and shares as exact texts."""

    arrivals = fields.Nested(ArrivalsSchema, required=True)
    departures = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    unpaid = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)


class ChanceSchema(Schema):
    """How it was drawn: the same seed gives the same draws anywhere."""

    draws = fields.Integer(required=True)
    seed = fields.Integer(required=True)
    usage = _TEXT(required=True, validate=validate.OneOf(USAGES))
    assumptions = fields.Nested(AssumptionsSchema, required=True)


class UnpricedSchema(Schema):
    """A tenant that can't be priced, and why."""

    tenant = _TEXT(required=True)
    message = _TEXT(required=True)


class ForecastSchema(ChanceSchema):
    """The runs ahead."""

    first = _TEXT(required=True)
    last = _TEXT(required=True)
    usual_from = _TEXT(required=True, allow_none=True)
    runs = fields.List(fields.Nested(ForecastRunSchema), required=True)
    whole = fields.Nested(ForecastFiguresSchema, required=True)
    unpriced = fields.List(fields.Nested(UnpricedSchema), required=True)


class DialReadingSchema(Schema):
    """How many newcomers are carried; null: not even without any."""

    newcomers = fields.Integer(required=True, allow_none=True)
    confidence = _TEXT(required=True)
    confidence_one_more = _TEXT(required=True, allow_none=True)
    free_offices = fields.Integer(required=True, allow_none=True)


class NetworkDialSchema(DialReadingSchema):
    """Of the network: how many of its newcomers each site has."""

    shares = fields.Dict(keys=_TEXT(), values=fields.Integer(), required=True)


class DialSchema(ChanceSchema):
    """The admission dial."""

    first = _TEXT(required=True)
    months = fields.Integer(required=True)
    area_m2 = _TEXT(required=True)
    wanted_confidence = _TEXT(required=True)
    sites = fields.Dict(keys=_TEXT(), values=fields.Nested(DialReadingSchema), required=True)
    network = fields.Nested(NetworkDialSchema, required=True)


class ComparedSchema(Schema):
    """An amount by today's terms and by those asked about."""

    today = _TEXT(required=True)
    asked = _TEXT(required=True)
    difference = _TEXT(required=True)


class MoverSchema(ComparedSchema):
    """What a tenant pays, without VAT."""

    tenant = _TEXT(required=True)
    name = _TEXT(required=True)


class MovedSchema(Schema):
    """How many tenants move."""

    paying_more = fields.Integer(required=True)
    paying_less = fields.Integer(required=True)
    paying_the_same = fields.Integer(required=True)


WhatIfSchema = Schema.from_dict(
    {
        "from": _TEXT(required=True),
        "until": _TEXT(required=True),
        "reserve_before": _TEXT(required=True),
        "reserve_after": fields.Nested(ComparedSchema, required=True),
        "sites": fields.Dict(
            keys=_TEXT(), values=fields.Dict(keys=_TEXT(), values=fields.Nested(ComparedSchema)), required=True
        ),
        "network": fields.Dict(keys=_TEXT(), values=fields.Nested(ComparedSchema), required=True),
        "tenants": fields.Nested(MovedSchema, required=True),
        "most_more": fields.List(fields.Nested(MoverSchema), required=True),
        "most_less": fields.List(fields.Nested(MoverSchema), required=True),
        "unpriced": fields.List(fields.Nested(UnpricedSchema), required=True),
    },
    name="WhatIf",
)

_FIRST = partial(Month, metadata={"description": "The first run; the next one unless given"})
_CHANCE: Mapping[str, Callable[[], fields.Field[Any]]] = {
    "draws": lambda: WholeNumber(load_default=DRAWS, validate=validate.Range(1, _DRAWS_MAX)),
    "seed": lambda: WholeNumber(load_default=SEED, validate=validate.Range(0, SEED_MAX)),
    "usage": lambda: fields.String(load_default=USUAL, validate=validate.OneOf(USAGES)),
}
_TABLE = partial(fields.Dict, keys=fields.String(), values=fields.String())
_assumed = strict_schema(
    "AssumptionsAsked",
    {
        "arrivals": fields.Nested(
            strict_schema(
                "ArrivalsAsked", {"a_month": _TABLE(), "kinds": _TABLE(), "areas_m2": _TABLE(), "young": _TABLE()}
            )
        ),
        "departures": _TABLE(),
        "unpaid": _TABLE(),
    },
)
_ASSUMPTIONS = partial(
    fields.Nested,
    _assumed,
    load_default=dict,
    metadata={"description": "Those left out are as GET /v1/forecasts/assumptions gives them"},
)
_QUERY: dict[str, Callable[[], fields.Field[Any]]] = {
    "from": _FIRST,
    "months": lambda: fields.Integer(load_default=MONTHS, validate=validate.Range(1, _MONTHS_MAX)),
    "draws": lambda: fields.Integer(load_default=DRAWS, validate=validate.Range(1, _DRAWS_MAX)),
    "seed": lambda: fields.Integer(load_default=SEED, validate=validate.Range(0, SEED_MAX)),
    "usage": _CHANCE["usage"],
}
blueprint = ApiBlueprint("forecasts", __name__, url_prefix="/v1", description="What lies ahead; written nowhere")


def _question(asked: Mapping[str, Any]) -> Question:
    return Question(
        _assumptions(asked),
        asked.get("from"),
        asked.get("months", MONTHS),
        asked["draws"],
        asked["seed"],
        asked["usage"],
    )


def _assumptions(asked: Mapping[str, Any]) -> Assumptions:
    return read_assumptions(asked.get("assumptions", {}), "assumptions")


def _forecast(connection: Connection, asked: Mapping[str, Any]) -> Forecast:
    return forecast(connection, _question(asked), service().today())


@blueprint.route("/forecasts")
@blueprint.response(200, ForecastSchema)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(strict_schema("ForecastQuery", {name: made() for name, made in _QUERY.items()}), location="query")
@reads
def get_forecast(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The runs ahead by the assumptions shipped: contributions, draws, reserve, unfunded parts by site."""
    return forecast_json(_forecast(connection, query))


@blueprint.route("/forecasts/table")
@blueprint.alt_response(200, schema={"type": "string"}, content_type=MEDIA_TYPES["csv"], success=True)
@blueprint.alt_response(200, schema={"type": "string"}, content_type=MEDIA_TYPES["xlsx"], success=True)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(
    strict_schema(
        "ForecastTableQuery",
        {
            **{name: made() for name, made in _QUERY.items()},
            "format": fields.String(required=True, validate=validate.OneOf(TABLES)),
        },
    ),
    location="query",
)
@reads
def get_forecast_table(connection: Connection, query: Mapping[str, Any]) -> Response:
    """The same as a table, a figure a row: for spreadsheets."""
    found = b"".join(forecast_pieces(_forecast(connection, query), query["format"]))
    headers = {"Content-Disposition": f'attachment; filename="forecast.{query["format"]}"'}
    return Response(found, content_type=MEDIA_TYPES[query["format"]], headers=headers)


@blueprint.route("/forecasts", methods=["POST"])
@blueprint.response(200, ForecastSchema)
@blueprint.arguments(
    strict_schema(
        "ForecastQuestion",
        {
            "from": _FIRST(),
            "months": WholeNumber(load_default=MONTHS, validate=validate.Range(1, _MONTHS_MAX)),
            **{name: made() for name, made in _CHANCE.items()},
            "assumptions": _ASSUMPTIONS(),
        },
    ),
    example={"months": 12, "draws": 200, "assumptions": {"departures": {"market": "0.02"}}},
)
@opened_to(READERS)
@acts
def create_forecast(asked: Mapping[str, Any]) -> Answer:
    """The runs ahead by assumptions of one's own. Nothing is written."""
    with reading(service().engine) as connection:
        return Answer(forecast_json(_forecast(connection, asked)))


@blueprint.route("/forecasts/assumptions")
@blueprint.response(200, AssumptionsSchema)
@reads
def get_assumptions(_connection: Connection) -> dict[str, Any]:
    """What is assumed of the future unless told otherwise."""
    return assumptions_json(_assumptions({}))


@blueprint.route("/forecasts/dial", methods=["POST"])
@blueprint.response(200, DialSchema)
@blueprint.arguments(
    strict_schema(
        "DialQuestion",
        {
            "area_m2": Quantity(required=True, metadata={"description": "The size of a newcomer's office"}),
            "from": _FIRST(),
            **{name: made() for name, made in _CHANCE.items()},
            "assumptions": _ASSUMPTIONS(),
        },
    ),
    example={"area_m2": "22.5", "draws": 200},
)
@opened_to(READERS)
@acts
def read_admission_dial(asked: Mapping[str, Any]) -> Answer:
    """How many newcomers of a size each site can carry for 18 months with 95 % confidence. Nothing is written."""
    question = _question(asked)
    with reading(service().engine) as connection:
        prepared, readings = dial(connection, question, asked["area_m2"], service().today())
        return Answer(dial_json(question, asked["area_m2"], prepared.path.months[0], readings))


@blueprint.route("/forecasts/what-if", methods=["POST"])
@blueprint.response(200, WhatIfSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "WhatIfQuestion",
        {
            "from": Month(metadata={"description": "The first run compared; the latest run's year from its start"}),
            "until": Month(metadata={"description": "The last run compared; the latest one unless given"}),
            "rates": fields.List(
                fields.Nested(record_schema(_RATES)),
                load_default=list,
                validate=validate.Length(0, _RATES_MAX),
                metadata={"description": "They stand in place of all versions of the same site, service and kind"},
            ),
            "window_months": WholeNumber(
                load_default=None, allow_none=True, validate=validate.Range(0, WINDOW_MONTHS_MAX)
            ),
            "discounts": fields.Dict(
                keys=Code(),
                values=Share(),
                load_default=dict,
                metadata={"description": "By service, the discount as a part of the full price"},
            ),
            "movers": WholeNumber(load_default=MOVERS_SHOWN, validate=validate.Range(0, _MOVERS_MAX)),
        },
    ),
    example={"from": "2026-06", "until": "2026-07", "window_months": 24, "discounts": {"OFFICE": "1/2"}},
)
@opened_to(READERS)
@acts
def ask_what_if(asked: Mapping[str, Any]) -> Answer:
    """What other terms would have given on the whole network and its real usage, beside today's. Nothing is written."""
    with reading(service().engine) as connection:
        records = [
            {name: "" if value is None else str(value) for name, value in record.items()} for record in asked["rates"]
        ]
        terms = Asked(tuple(rate_card_of(connection, records)), asked["window_months"], asked["discounts"])
        found = what_if(connection, terms, months_asked(connection, asked.get("from"), asked.get("until")))
        return Answer(what_if_json(found, asked["movers"]))
