"""A year's cut-off over HTTP: proposed, and booked."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Connection

from billing.books.cut_off.booking import book_cut_off
from billing.books.cut_off.files import cut_off_file
from billing.books.cut_off.proposing import propose
from billing.books.cut_off.shapes import CutOff
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.report_files import format_field, in_formats, shown
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import writes
from ledger.exports.tables import MEDIA_TYPES

blueprint = ApiBlueprint("cut_off", __name__, url_prefix="/v1/fiscal-years", description="What years owe each other")


@blueprint.route("/<year:year>/cut-off")
@in_formats(blueprint, MEDIA_TYPES.values(), CutOff)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(strict_schema("CutOffQuery", {"format": format_field()}), location="query")
def get_cut_off(query: Mapping[str, Any], year: int) -> Response:
    """What of a year is billed later, and what it billed of the next, line by line; what of it is booked."""
    return shown(
        f"cut-off-{year}",
        query,
        lambda connection: CutOff.of(propose(connection, year)),
        lambda connection: cut_off_file(propose(connection, year), query["format"]),
    )


@blueprint.route("/<year:year>/cut-off", methods=["POST"])
@blueprint.response(201, CutOff)
@blueprint.alt_response(200, schema=CutOff, description="It is booked already: nothing changed", success=True)
@writes
def create_cut_off(connection: Connection, year: int) -> Answer:
    """Book what is left of it on 31 December, and take it back on 1 January; again it books what has changed since."""
    proposal, number = book_cut_off(connection, year, today=service().today(), recorded_at=service().clock())
    return Answer(CutOff.of(proposal if number is None else propose(connection, year)), 200 if number is None else 201)
