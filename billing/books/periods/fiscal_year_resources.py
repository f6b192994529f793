"""Financial years: the result of one, and the opening of the next."""

from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import Connection

from billing.books.periods.closing import close_accounts_of, undo_accounts_of
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from ledger.year_end import YearEnd, year_end
from pricing.money import format_amount


class YearSchema(Schema):
    """How a year's end stands."""

    year = fields.Integer(required=True)
    result = fields.String(required=True, metadata={"description": "A profit is positive"})
    determined = fields.Boolean(required=True, metadata={"description": "Classes 6 and 7 are carried to 1191 or 1199"})
    opened = fields.Boolean(required=True, metadata={"description": "The next year's opening entries stand"})


blueprint = ApiBlueprint("fiscal_years", __name__, url_prefix="/v1/fiscal-years", description="The ends of years")


def _year_json(found: YearEnd) -> dict[str, Any]:
    return {
        "year": found.year,
        "result": format_amount(found.result),
        "determined": found.is_determined,
        "opened": found.is_opened,
    }


@blueprint.route("/<year:year>")
@blueprint.response(200, YearSchema)
@reads
def get_fiscal_year(connection: Connection, year: int) -> dict[str, Any]:
    """The result of a year so far, and whether its end stands as the books demand."""
    return _year_json(year_end(connection, year))


@blueprint.route("/<year:year>/close", methods=["POST"])
@blueprint.response(200, YearSchema)
@writes
def close_fiscal_year(connection: Connection, year: int) -> Answer:
    """Determine the result and open the next year; done again it changes nothing, unless something was booked since."""
    now = service().clock()
    return Answer(_year_json(close_accounts_of(connection, year, today=service().today(), recorded_at=now)))


@blueprint.route("/<year:year>/undo", methods=["POST"])
@blueprint.response(200, YearSchema)
@writes
def undo_fiscal_year(connection: Connection, year: int) -> Answer:
    """Take the end of a year back, for the reason in `X-Reason`; not once December is closed."""
    return Answer(_year_json(undo_accounts_of(connection, year, recorded_at=service().clock())))
