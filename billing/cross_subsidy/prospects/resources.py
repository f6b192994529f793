"""An application weighed, over HTTP."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.cross_subsidy.forecast.assumptions import read_assumptions
from billing.cross_subsidy.forecast.forecasting import DRAWS, SEED, SEED_MAX, USAGES, USUAL, Question
from billing.cross_subsidy.prospects.shapes import Prospect
from billing.cross_subsidy.prospects.weighing import MONTHS, Asked, weigh_application
from billing.frame.http.fields import Day
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.run.quotes.quoting import MONTHS_MAX

# A request is answered while it waits: what takes longer is asked on the command line.
_DRAWS_MAX = 1000
blueprint = ApiBlueprint("prospects", __name__, url_prefix="/v1", description="What an admission would bring")


@blueprint.route("/applications/<part:code>/prospect")
@blueprint.response(200, Prospect)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(
    strict_schema(
        "ProspectQuery",
        {
            "starts_on": Day(metadata={"description": "First day of its office; absent: that of the next run's month"}),
            "incorporated_on": Day(metadata={"description": "The day it was founded, where the application lacks it"}),
            "months": fields.Integer(
                load_default=MONTHS,
                validate=validate.Range(1, MONTHS_MAX),
                metadata={"description": "How many months are quoted"},
            ),
            "draws": fields.Integer(
                load_default=DRAWS,
                validate=validate.Range(1, _DRAWS_MAX),
                metadata={"description": "How many futures are drawn"},
            ),
            "seed": fields.Integer(
                load_default=SEED,
                validate=validate.Range(0, SEED_MAX),
                metadata={"description": "The same seed, the same draws"},
            ),
            "usage": fields.String(
                load_default=USUAL,
                validate=validate.OneOf(USAGES),
                metadata={"description": "Usage: usual from today on, or only what is on record"},
            ),
        },
    ),
    location="query",
)
@reads
def get_prospect(connection: Connection, query: Mapping[str, Any], code: str) -> Prospect:
    """What an applicant would pay month by month, and what its admission would do to the pool. Nothing is written."""
    asked = Asked(query.get("starts_on"), query.get("incorporated_on"), query["months"])
    chance = {name: query[name] for name in ("draws", "seed", "usage")}
    question = Question(read_assumptions({}, "assumptions"), **chance)
    today, computed = service().today(), service().computed
    return Prospect.of(weigh_application(connection, code, asked, question, today, computed), question)
