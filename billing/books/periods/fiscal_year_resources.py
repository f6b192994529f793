"""Financial years: the result of one, and the opening of the next."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection

from billing.books.periods.checklist import year_checklist
from billing.books.periods.closing import close_accounts_of, undo_accounts_of
from billing.books.periods.shapes import ClosedYear, Unfinished, Year, YearChecklist
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from ledger.year_end import year_end

blueprint = ApiBlueprint("fiscal_years", __name__, url_prefix="/v1/fiscal-years", description="The ends of years")


@blueprint.route("/<year:year>")
@blueprint.response(200, Year)
@reads
def get_fiscal_year(connection: Connection, year: int) -> Year:
    """The result of a year so far, and whether its end stands as the books demand."""
    return Year.of(year_end(connection, year), service().settings.terms)


@blueprint.route("/<year:year>/checklist")
@blueprint.response(200, YearChecklist)
@reads
def get_year_checklist(connection: Connection, year: int) -> YearChecklist:
    """What is unfinished of a year, to be looked at before its accounts are closed."""
    return YearChecklist(year=year, unfinished=_unfinished(connection, year))


def _unfinished(connection: Connection, year: int) -> list[Unfinished]:
    return [Unfinished.of(found) for found in year_checklist(connection, year)]


@blueprint.route("/<year:year>/close", methods=["POST"])
@blueprint.response(200, ClosedYear)
@writes
def close_fiscal_year(connection: Connection, year: int) -> Answer:
    """Determine the result and open the next year; done again it changes nothing, unless something was booked since."""
    unfinished = _unfinished(connection, year)
    closed = close_accounts_of(
        connection, year, today=service().today(), recorded_at=service().clock(), terms=service().settings.terms
    )
    return Answer(ClosedYear(**asdict(Year.of(closed, service().settings.terms)), unfinished=unfinished))


@blueprint.route("/<year:year>/undo", methods=["POST"])
@blueprint.response(200, Year)
@blueprint.arguments(
    strict_schema("YearUndoing", {"reason": Reason("Why it is taken back; required", required=False)}), required=False
)
@writes
def undo_fiscal_year(connection: Connection, _why: Mapping[str, Any], year: int) -> Answer:
    """Take the end of a year back, for a reason; not once December is closed."""
    undone = undo_accounts_of(connection, year, recorded_at=service().clock())
    return Answer(Year.of(undone, service().settings.terms))
