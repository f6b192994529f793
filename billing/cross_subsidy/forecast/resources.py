"""The resources that look ahead: forecast, admission dial, what if. They are computed when asked, written nowhere."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate
from sqlalchemy import Connection

from billing.cross_subsidy.forecast import forecasting
from billing.cross_subsidy.forecast.assumptions import parse_share, read_assumptions
from billing.cross_subsidy.forecast.files import forecast_pieces
from billing.cross_subsidy.forecast.forecasting import DRAWS, MONTHS, SEED, SEED_MAX, USAGES, USUAL, Question, dial
from billing.cross_subsidy.forecast.queries import count_tenants, months_asked
from billing.cross_subsidy.forecast.shapes import Assumptions, Dial, Forecast, WhatIf
from billing.cross_subsidy.forecast.terms import WINDOW_MONTHS_MAX, Asked
from billing.cross_subsidy.forecast.what_if import MOVERS_SHOWN, what_if
from billing.frame.computed import newest_act
from billing.frame.database import reading
from billing.frame.http.authentication import READERS, opened_to
from billing.frame.http.deferring import job_progress, may_be_job
from billing.frame.http.fields import Code, Month, Quantity, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import BINARY, TEXT, ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acts, reads
from billing.register.network_import.rate_card import rate_card_of
from billing.register.shapes import RESOURCES, record_schema
from ledger.exports.tables import MEDIA_TYPES, TABLES, ending
from pricing.forecast import assumptions as assumed
from pricing.forecast.dial import DIAL_MONTHS

# A request is answered while it waits: what takes longer is asked on the command line.
_MONTHS_MAX, _DRAWS_MAX, _RATES_MAX, _MOVERS_MAX = 36, 1000, 1000, 1000
# Measured (DECISIONS 141), halved: another host may be slower.
_TENANT_MONTHS_A_S, _DRAWS_A_S = 12_000, 35_000
_RATES = next(resource for resource in RESOURCES if resource.stem == "rates")


class Share(fields.String):
    """A part from zero to one: `0.4` or `2/5`."""

    def __init__(self, **kwargs: Any) -> None:
        doc = {"pattern": r"^(0(\.[0-9]{1,9})?|1|[1-9][0-9]{0,8}/[1-9][0-9]{0,8})$", "example": "1/2"}
        super().__init__(metadata={**doc, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        share: Fraction | None = parse_share(super()._deserialize(value, attr, data, **kwargs))
        if share is None:
            raise ValidationError("is not a part from 0 to 1, such as 0.4 or 2/5")
        return share


_FIRST = partial(Month, metadata={"description": "The first run; the next one unless given"})
_HOW_FAR = {"description": "So many runs ahead"}
_HOW_MANY = {"description": "How many futures are drawn"}
_SEED = {"description": "The same seed gives the same draws anywhere"}
_USAGE = {"description": "Usage from today on: the `usual` one, or only what is `known`"}
_CHANCE: Mapping[str, Callable[[], fields.Field[Any]]] = {
    "draws": lambda: WholeNumber(load_default=DRAWS, validate=validate.Range(1, _DRAWS_MAX), metadata=_HOW_MANY),
    "seed": lambda: WholeNumber(load_default=SEED, validate=validate.Range(0, SEED_MAX), metadata=_SEED),
    "usage": lambda: fields.String(load_default=USUAL, validate=validate.OneOf(USAGES), metadata=_USAGE),
}


def _table(description: str) -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.String(), metadata={"description": description})


_ARRIVALS = strict_schema(
    "ArrivalsAsked",
    {
        "a_month": _table("How many come a month on average, by site; `*`: at every other"),
        "kinds": _table("The share of each kind of tenant"),
        "areas_m2": _table("The share of each size of office"),
        "young": _table("`share`: of those young enough for a discount"),
    },
)
_ASSUMED = strict_schema(
    "AssumptionsAsked",
    {
        "arrivals": fields.Nested(_ARRIVALS, metadata={"description": "Who comes"}),
        "departures": _table("The parts that leave in a month: `subsidised`, `at_the_switch`, `market`"),
        "unpaid": _table("The part of the contributions never paid: `least`, `most`"),
    },
)
_ASSUMPTIONS = partial(
    fields.Nested,
    _ASSUMED,
    load_default=dict,
    metadata={"description": "Those left out are as GET /v1/forecasts/assumptions gives them"},
)
_QUERY: dict[str, Callable[[], fields.Field[Any]]] = {
    "from": _FIRST,
    "months": lambda: fields.Integer(load_default=MONTHS, validate=validate.Range(1, _MONTHS_MAX), metadata=_HOW_FAR),
    "draws": lambda: fields.Integer(load_default=DRAWS, validate=validate.Range(1, _DRAWS_MAX), metadata=_HOW_MANY),
    "seed": lambda: fields.Integer(load_default=SEED, validate=validate.Range(0, SEED_MAX), metadata=_SEED),
    "usage": _CHANCE["usage"],
}
blueprint = ApiBlueprint("forecasts", __name__, url_prefix="/v1", description="What lies ahead; written nowhere")


def _question(asked: Mapping[str, Any]) -> Question:
    return Question(
        assumptions=_assumptions(asked),
        first=asked.get("from"),
        months=asked.get("months", MONTHS),
        draws=asked["draws"],
        seed=asked["seed"],
        usage=asked["usage"],
    )


def _assumptions(asked: Mapping[str, Any]) -> assumed.Assumptions:
    return read_assumptions(asked.get("assumptions", {}), "assumptions")


def _forecast(connection: Connection, asked: Mapping[str, Any]) -> forecasting.Forecast:
    """Make a forecast, or give the one made of the same inputs."""
    question, today, computed = _question(asked), service().today(), service().computed

    def compute() -> forecasting.Forecast:
        return forecasting.forecast(connection, question, today, job_progress(), computed)

    return computed.of(connection, ("forecast", today, repr(question)), compute)


def _inputs(connection: Connection, asked: Mapping[str, Any]) -> str:
    return forecasting.inputs_digest(connection, _question(asked), service().today(), service().computed)


def _milliseconds(connection: Connection, asked: Mapping[str, Any]) -> int:
    months: int = asked.get("months", DIAL_MONTHS)
    draws: int = asked["draws"]
    tenant_months = months * count_tenants(connection)
    return 1000 * tenant_months // _TENANT_MONTHS_A_S + 1000 * months * draws // _DRAWS_A_S


def _what_if_ms(connection: Connection, asked: Mapping[str, Any]) -> int:
    months = months_asked(connection, asked.get("from"), asked.get("until"))
    return 2000 * count_tenants(connection) * len(months) // _TENANT_MONTHS_A_S


@blueprint.route("/forecasts")
@blueprint.response(200, Forecast)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(strict_schema("ForecastQuery", {name: made() for name, made in _QUERY.items()}), location="query")
@may_be_job(_milliseconds, inputs=_inputs)
@reads
def get_forecast(connection: Connection, query: Mapping[str, Any]) -> Forecast:
    """Forecast the runs ahead by the assumptions shipped: contributions, draws, reserve, unfunded parts by site."""
    return Forecast.of(_forecast(connection, query))


@blueprint.route("/forecasts/table")
@blueprint.alt_response(200, schema=TEXT, content_type=MEDIA_TYPES["csv"], success=True)
@blueprint.alt_response(200, schema=BINARY, content_type=MEDIA_TYPES["xlsx"], success=True)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(
    strict_schema(
        "ForecastTableQuery",
        {
            **{name: made() for name, made in _QUERY.items()},
            "format": fields.String(
                required=True, validate=validate.OneOf(TABLES), metadata={"description": "The kind of table"}
            ),
        },
    ),
    location="query",
)
@may_be_job(_milliseconds, inputs=_inputs)
@reads
def get_forecast_table(connection: Connection, query: Mapping[str, Any]) -> Response:
    """Give the same as a table, a figure a row: for spreadsheets."""
    content = b"".join(forecast_pieces(_forecast(connection, query), query["format"]))
    headers = {"Content-Disposition": f'attachment; filename="forecast.{ending(query["format"])}"'}
    return Response(content, content_type=MEDIA_TYPES[query["format"]], headers=headers)


@blueprint.route("/forecasts", methods=["POST"])
@blueprint.response(200, Forecast)
@blueprint.arguments(
    strict_schema(
        "ForecastQuestion",
        {
            "from": _FIRST(),
            "months": WholeNumber(load_default=MONTHS, validate=validate.Range(1, _MONTHS_MAX), metadata=_HOW_FAR),
            **{name: made() for name, made in _CHANCE.items()},
            "assumptions": _ASSUMPTIONS(),
        },
    ),
    example={"months": 12, "draws": 200, "assumptions": {"departures": {"market": "0.02"}}},
)
@opened_to(READERS)
@may_be_job(_milliseconds, inputs=_inputs)
@acts
def create_forecast(asked: Mapping[str, Any]) -> Answer:
    """Forecast the runs ahead by assumptions of one's own. Nothing is written."""
    with reading(service().engine) as connection:
        return Answer(Forecast.of(_forecast(connection, asked)))


@blueprint.route("/forecasts/assumptions")
@blueprint.response(200, Assumptions)
@reads
def get_assumptions(_connection: Connection) -> Assumptions:
    """Show what is assumed of the future unless told otherwise."""
    return Assumptions.of(_assumptions({}))


@blueprint.route("/forecasts/dial", methods=["POST"])
@blueprint.response(200, Dial)
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
@may_be_job(_milliseconds, inputs=_inputs)
@acts
def read_admission_dial(asked: Mapping[str, Any]) -> Answer:
    """Say how many newcomers of a size each site can carry for 18 months with 95 % confidence. Nothing is written."""
    question = _question(asked)
    with reading(service().engine) as connection:
        prepared, readings = dial(
            connection, question, asked["area_m2"], service().today(), job_progress(), service().computed
        )
        return Answer(Dial.of(question, asked["area_m2"], prepared.path.months[0], readings))


@blueprint.route("/forecasts/what-if", methods=["POST"])
@blueprint.response(200, WhatIf)
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
                load_default=None,
                allow_none=True,
                validate=validate.Range(0, WINDOW_MONTHS_MAX),
                metadata={"description": "How long the subsidised price is granted; null: as today"},
            ),
            "discounts": fields.Dict(
                keys=Code(),
                values=Share(),
                load_default=dict,
                metadata={"description": "By service, the discount as a part of the full price"},
            ),
            "movers": WholeNumber(
                load_default=MOVERS_SHOWN,
                validate=validate.Range(0, _MOVERS_MAX),
                metadata={"description": "How many of those who would pay most more, and most less, are named"},
            ),
        },
    ),
    example={"from": "2026-06", "until": "2026-07", "window_months": 24, "discounts": {"OFFICE": "1/2"}},
)
@opened_to(READERS)
@may_be_job(_what_if_ms, inputs=lambda connection, _asked: newest_act(connection))
@acts
def ask_what_if(asked: Mapping[str, Any]) -> Answer:
    """Say what other terms would have given on the whole network and its real usage. Nothing is written."""
    with reading(service().engine) as connection:
        records = [
            {name: "" if value is None else str(value) for name, value in record.items()} for record in asked["rates"]
        ]
        terms = Asked(tuple(rate_card_of(connection, records)), asked["window_months"], asked["discounts"])
        both = what_if(
            connection, terms, months_asked(connection, asked.get("from"), asked.get("until")), job_progress()
        )
        return Answer(WhatIf.of(both, asked["movers"]))
