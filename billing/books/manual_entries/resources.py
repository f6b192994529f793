"""Manual entries over HTTP: posted, taken back, listed; their voucher files and templates."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.approvals.http import WAITS, placed
from billing.approvals.orderable import Done
from billing.approvals.shapes import Approval
from billing.books.manual_entries.approving import MANUAL_ENTRIES, ManualOrder
from billing.books.manual_entries.files import LAYOUT, rows_of_records
from billing.books.manual_entries.judging import ROWS_MAX
from billing.books.manual_entries.listing import manual_entries_file
from billing.books.manual_entries.queries import (
    MANUAL_ENTRY_KEY,
    all_manual_entries,
    find_manual_entries,
    manual_entries,
    manual_shapes,
)
from billing.books.manual_entries.shapes import EntryTemplates, ManualEntry, PostedEntries
from billing.books.manual_entries.templates import TEMPLATES, template_file, template_shapes
from billing.books.manual_entries.vouchers import find_voucher, keep_voucher
from billing.frame.errors import Refused, Unknown
from billing.frame.http.fields import AMOUNT_DOC, CODE_DOC, DAY_DOC, TEXT_DOC, Cell, Day
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page_together
from billing.frame.http.problems import InvalidRequest, field_error
from billing.frame.http.problems import placed as in_places
from billing.frame.http.reasons import Reason
from billing.frame.http.report_files import as_tables, format_field, sent, shown
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from ledger.exports.tables import TABLES

_REASON = Reason("Why it is done")
_CELL_DOCS: Mapping[str, Mapping[str, Any]] = {
    "date": DAY_DOC, "account": CODE_DOC, "auxiliary": CODE_DOC, "site": CODE_DOC, "debit": AMOUNT_DOC,
    "credit": AMOUNT_DOC,
}  # fmt: skip
_OPTIONAL = ("auxiliary", "site", "debit", "credit")
_ROW = strict_schema(
    "ManualRow",
    {
        name: Cell(
            {**_CELL_DOCS.get(name, TEXT_DOC), "description": f"The column `{name}` of a file of manual entries"},
            required=name not in _OPTIONAL,
            **({"load_default": None, "allow_none": True} if name in _OPTIONAL else {}),
        )
        for name in LAYOUT.names
    },
)
_FILE = strict_schema(
    "VoucherFile",
    {
        "name": fields.String(required=True, metadata={"description": "The file's name"}),
        "content": fields.String(required=True, metadata={"description": "The file, in base64", "format": "byte"}),
    },
)
_ORDER: Mapping[str, fields.Field[Any]] = {
    "rows": fields.List(
        fields.Nested(_ROW),
        required=True,
        validate=validate.Length(1, ROWS_MAX),
        metadata={"description": "Postings; those of one date, label and voucher are one entry"},
    ),
    "reason": _REASON,
    "voucher_file": fields.Nested(
        _FILE, load_default=None, allow_none=True, metadata={"description": "What they rest on, kept with them"}
    ),
}
blueprint = ApiBlueprint("entries", __name__, url_prefix="/v1", description="What an accountant adds to the books")


@blueprint.route("/entries")
@blueprint.response(200, Page[ManualEntry])
@as_tables(blueprint)
@blueprint.arguments(query_schema("ManualEntryQuery", {"format": format_field()}), location="query")
def list_manual_entries(query: Mapping[str, Any]) -> Response:
    """The manual entries, by number; `GET /v1/ledger/entries` lists those of every origin."""

    def found(connection: Connection) -> Page[ManualEntry]:
        return page_together(connection, manual_entries(), MANUAL_ENTRY_KEY, query, partial(manual_shapes, connection))

    def table(connection: Connection) -> Iterator[bytes]:
        return manual_entries_file(all_manual_entries(connection), query["format"])

    return shown("manual-entries", query, found, table)


@blueprint.route("/entries", methods=["POST"])
@blueprint.response(201, PostedEntries)
@blueprint.alt_response(200, schema=PostedEntries, description="They stood already: nothing changed", success=True)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(strict_schema("ManualOrder", _ORDER))
@writes
def post_manual_entries(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Post manual entries in journal OD, all or none; they may wait for a second person.

    Every fault of every row is named by the row's place in `rows`. An entry of the same day, label, voucher and
    postings stands already.
    """
    file = order["voucher_file"]
    digest = None
    if file is not None:
        digest = keep_voucher(connection, file["name"], _decoded(file["content"]), recorded_at=service().clock())
    wanted = ManualOrder(order["reason"], "rows", rows_of_records(order["rows"]), digest)

    def answered(done: Done) -> Answer:
        return Answer(PostedEntries(find_manual_entries(connection, done.answer)), 201 if done.changed else 200)

    try:
        return placed(connection, MANUAL_ENTRIES, wanted, answered)
    except Refused as refused:
        raise in_places(refused, "rows.{}.".format) from None


def _decoded(content: str) -> bytes:
    try:
        return b64decode(content, validate=True)
    except ValueError:
        raise InvalidRequest([field_error("body", "voucher_file.content", "is not base64")]) from None


@blueprint.route("/entries/<manual:manual_entry>")
@blueprint.response(200, ManualEntry)
@reads
def get_manual_entry(connection: Connection, manual_entry: int) -> ManualEntry:
    """One manual entry."""
    return find_manual_entries(connection, [manual_entry])[0]


@blueprint.route("/entries/<manual:manual_entry>/reversal", methods=["POST"])
@blueprint.response(201, ManualEntry)
@blueprint.alt_response(200, schema=ManualEntry, description="It was taken back already", success=True)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(
    strict_schema(
        "ManualReversal",
        {
            "reason": _REASON,
            "on": Day(
                load_default=None,
                allow_none=True,
                metadata={"description": "The entry's own day, or the first open one, unless given"},
            ),
        },
    )
)
@writes
def reverse_manual_entry(connection: Connection, order: Mapping[str, Any], manual_entry: int) -> Answer:
    """Take a manual entry back by its mirror image; it may wait for a second person."""
    wanted = ManualOrder(order["reason"], reverses=manual_entry, on=order["on"])
    return placed(
        connection,
        MANUAL_ENTRIES,
        wanted,
        lambda done: Answer(find_manual_entries(connection, done.answer)[0], 201 if done.changed else 200),
    )


@blueprint.route("/voucher-files/<part:sha256>")
@blueprint.response(200, BINARY, content_type="application/octet-stream")
@reads
def get_voucher_file(connection: Connection, sha256: str) -> Response:
    """The voucher file of a SHA-256, byte for byte as it came."""
    # Never shown by a browser as what it says it is.
    return Response(find_voucher(connection, sha256), content_type="application/octet-stream")


_date = partial(Day, metadata={"description": "The day of the entries, and of the balances. Default: today"})


@blueprint.route("/entry-templates")
@blueprint.response(200, EntryTemplates)
@blueprint.arguments(
    strict_schema(
        "TemplateQuery",
        {"date": _date()},
    ),
    location="query",
)
@reads
def get_entry_templates(connection: Connection, query: Mapping[str, Any]) -> EntryTemplates:
    """Manual entries to be completed and posted: VAT settlement, withholding credits, stamp duty, bank, result."""
    return template_shapes(connection, query.get("date") or service().today())


@blueprint.route("/entry-templates/<part:template>")
@as_tables(blueprint)
@blueprint.arguments(
    strict_schema(
        "TemplateFileQuery",
        {
            "format": fields.String(
                load_default="csv", validate=validate.OneOf(TABLES), metadata={"description": "The file's format"}
            ),
            "date": _date(),
        },
    ),
    location="query",
)
def get_entry_template(query: Mapping[str, Any], template: str) -> Response:
    """One of them as a file, to be completed and posted."""
    if template not in TEMPLATES:
        raise Unknown(f"there is no template {template}: there are {', '.join(TEMPLATES)}")
    day, chosen = query.get("date") or service().today(), query["format"]
    return sent(template, chosen, lambda connection: template_file(connection, template, day, chosen))
