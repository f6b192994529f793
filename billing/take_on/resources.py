"""The take-on of a park: its open invoices, credit, deposits, balances and used grants, given at once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.approvals.http import WAITS, placed
from billing.approvals.shapes import Approval
from billing.frame.database import tried
from billing.frame.errors import Fault, Refused
from billing.frame.http.fields import DAY_DOC, Cell, Day, Flag
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.take_on.approving import TAKE_ON, TakingOn
from billing.take_on.files import LAYOUTS, rows_of_records
from billing.take_on.queries import standing_take_on
from billing.take_on.shapes import TakeOn
from billing.take_on.taking import summary, take_park_on

# More rows than a request may hold are brought by files.
_ROWS_MAX = 10_000
_DAYS = frozenset({"issued_on", "due_on", "since", "received_on"})
_OPTIONAL = frozenset({"paid", "site"})
blueprint = ApiBlueprint("take-on", __name__, url_prefix="/v1/take-on", description="What a park brings from before")


def _row(stem: str) -> type[Any]:
    """Return the schema of a row of a file: its cells, judged by the rules of files."""
    cells = {
        name: Cell(
            {**(DAY_DOC if name in _DAYS else {}), "description": f"The column `{name}` of {stem}.csv"},
            **(
                {"required": True}
                if name not in _OPTIONAL or (stem, name) == ("open_invoices", "site")
                else {"load_default": "", "allow_none": True}
            ),
        )
        for name in LAYOUTS[stem].names
    }
    return strict_schema(f"TakeOn{stem.title().replace('_', '')}", cells)


_ORDER: Mapping[str, fields.Field[Any]] = {
    "date": Day(required=True, metadata={"description": "The day the balances are of: the books begin"}),
    **{
        stem: fields.List(
            fields.Nested(_row(stem)),
            load_default=list,
            validate=validate.Length(0, _ROWS_MAX),
            metadata={"description": f"The rows of {layout.file}"},
        )
        for stem, layout in LAYOUTS.items()
    },
    "dry_run": Flag(
        load_default=False, metadata={"description": "Write nothing; answer with the entries that would be made"}
    ),
}


@blueprint.route("")
@blueprint.response(200, TakeOn)
@blueprint.alt_response(404, "NOT_FOUND")
@reads
def get_take_on(connection: Connection) -> TakeOn:
    """What the park brought, once it was taken on; 404 before."""
    brought, entries = standing_take_on(connection)
    return TakeOn.of(summary(brought), entries)


@blueprint.route("", methods=["POST"])
@blueprint.response(201, TakeOn)
@blueprint.alt_response(200, schema=TakeOn, description="A dry run: nothing was written", success=True)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(strict_schema("TakeOnOrder", _ORDER))
@writes
def take_on(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Take the park on, once, before anything is billed or booked; it may wait for a second person.

    Every fault of every row is named, and what is missing if the rows do not balance.
    """
    try:
        return _taken_on(connection, order)
    except Refused as refused:
        raise Refused([_in_body(fault) for fault in refused.faults]) from None


def _in_body(fault: Fault) -> Fault:
    """Return a fault of a row, or of a file, under its place in the body, which has a list a file."""
    stem = fault.file.removesuffix(".csv")
    if stem not in LAYOUTS:
        return fault
    row = None if fault.line is None else str(fault.line - 1)
    return replace(fault, file="", line=None, column=".".join(filter(None, (stem, row, fault.column))))


def _taken_on(connection: Connection, order: Mapping[str, Any]) -> Answer:
    rows = rows_of_records({stem: [_texts(row) for row in order[stem]] for stem in LAYOUTS})
    on = order["date"]
    if order["dry_run"]:
        with tried(connection):
            now, settings = service().clock(), service().settings
            taken = take_park_on(connection, rows, on, recorded_at=now, settings=settings)
        return Answer(TakeOn.of(summary(taken.brought), taken.entries), 200)
    taking = TakingOn(on, {stem: [(line, list(row)) for line, row in of] for stem, of in rows.items()})
    return placed(
        connection,
        TAKE_ON,
        taking,
        lambda done: Answer(TakeOn.of(summary(done.answer.brought), done.answer.entries), 201),
    )


def _texts(row: Mapping[str, str | None]) -> dict[str, str]:
    return {name: cell or "" for name, cell in row.items()}
