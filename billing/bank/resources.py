"""Bank statements: files taken in, lines with what they were found to be or may be, decisions, reconciliation."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import Connection, select
from werkzeug.exceptions import UnsupportedMediaType

from billing.bank.deciding import UNDONE, Choice, accept_proposal, decide, undo_decision
from billing.bank.formats.reading import FORMATS
from billing.bank.formats.statement import BadText, account, centimes
from billing.bank.importing import FILE_LENGTH_MAX, line_name, name_of
from billing.bank.lines import lines_json, lines_of, statement_json
from billing.bank.matching import BOOKED, BOUNCED, CLEARED, PROPOSALS_MAX, RECEIVED, RECORDED
from billing.bank.reconciling import pieces, reconcile, reconciliation_json
from billing.bank.tables import bank_line, bank_statement
from billing.bank.taking import MAPPING_DEFAULT, Taking, take_file
from billing.frame.audit_log import act_of, require_reason
from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.http.fields import Amount, Code, Day, Flag, FullMatch, ReceiptNumber, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.receipts.orders import Part
from ledger.exports.spreadsheet import MEDIA_TYPE as XLSX_MEDIA_TYPE

_TEXT = fields.String
PROPOSAL = "proposal"
KINDS = (RECEIVED, CLEARED, BOUNCED, BOOKED, RECORDED)
WAITING, DECIDED = "waiting", "decided"
# What a bank's file may be sent as; which kind it is, is seen in it.
MEDIA_TYPES = ("application/octet-stream", "application/xml", "text/xml", "text/csv", "text/plain")


class Balance(fields.String):
    """An amount of dirhams that may be below nil, in centimes."""

    def __init__(self) -> None:
        super().__init__(metadata={"pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$", "example": "1250.00"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return centimes(super()._deserialize(value, attr, data, **kwargs))
        except BadText as error:
            raise ValidationError(f"{error}: write it like -1234.56") from None


class StatementSchema(Schema):
    """A statement as it was taken in."""

    name = _TEXT(required=True)
    account = _TEXT(required=True)
    reference = _TEXT(required=True, metadata={"description": "The bank's own name for it"})
    file = _TEXT(required=True)
    opening = _TEXT(required=True)
    closed_on = _TEXT(required=True)
    closing = _TEXT(required=True)
    lines = fields.Integer(required=True)
    recorded_at = _TEXT(required=True)


class TakenStatementSchema(Schema):
    """What became of one statement of a file."""

    statement = _TEXT(required=True, allow_none=True, metadata={"description": "None: all of it stood already"})
    name = _TEXT(required=True)
    new = fields.Integer(required=True)
    known = fields.Integer(required=True)


class TakenSchema(Schema):
    """What became of a file."""

    statements = fields.List(fields.Nested(TakenStatementSchema), required=True)
    new = fields.Integer(required=True)
    known = fields.Integer(required=True)
    booked = fields.Integer(required=True)
    waiting = fields.Integer(required=True)


class LineAllocationSchema(Schema):
    """An invoice that a line pays, and how much of it."""

    invoice = _TEXT(required=True)
    amount = _TEXT(required=True)


class ProposalSchema(Schema):
    """What a line may be, why, and how certain that is in percent."""

    kind = _TEXT(required=True, validate=validate.OneOf(KINDS))
    confidence = fields.Integer(required=True)
    why = _TEXT(required=True, metadata={"description": "In French, for whoever decides"})
    reason = _TEXT(required=True, metadata={"description": "The same as a code: structured/exact"})
    tenant = _TEXT(required=True, allow_none=True)
    allocations = fields.List(fields.Nested(LineAllocationSchema), required=True)
    rent_withheld = _TEXT(required=True)
    vat_withheld = _TEXT(required=True)
    receipt = _TEXT(required=True, allow_none=True)
    entry = _TEXT(required=True, allow_none=True)
    account = _TEXT(required=True, allow_none=True)


class LineDecisionSchema(Schema):
    """What a line was found to be."""

    number = fields.Integer(required=True)
    kind = _TEXT(required=True, validate=validate.OneOf((*KINDS, UNDONE)))
    confidence = fields.Integer(required=True, allow_none=True)
    why = _TEXT(required=True)
    decided_on = _TEXT(required=True)
    tenant = _TEXT(required=True, allow_none=True)
    entries = fields.List(_TEXT(), required=True)
    recorded_at = _TEXT(required=True)


class StatementLineSchema(Schema):
    """A line: what the bank says, what was found, or what is proposed as things stand."""

    name = _TEXT(required=True)
    statement = _TEXT(required=True)
    line = fields.Integer(required=True)
    booked_on = _TEXT(required=True)
    value_on = _TEXT(required=True)
    amount = _TEXT(required=True, metadata={"description": "Below nil where money left"})
    bank_reference = _TEXT(required=True)
    end_to_end_id = _TEXT(required=True)
    structured_reference = _TEXT(required=True)
    counterparty = _TEXT(required=True)
    counterparty_account = _TEXT(required=True)
    text = _TEXT(required=True)
    code = _TEXT(required=True)
    is_reversal = fields.Boolean(required=True)
    decisions = fields.List(fields.Nested(LineDecisionSchema), required=True)
    proposals = fields.List(fields.Nested(ProposalSchema), required=True)


class PartingSchema(Schema):
    """One thing that parts the two balances; `amount` is how much more the bank has by it."""

    kind = _TEXT(required=True)
    reference = _TEXT(required=True)
    on = _TEXT(required=True)
    text = _TEXT(required=True)
    amount = _TEXT(required=True)


class ReconciliationSchema(Schema):
    """The bank's balance against ours, and all that parts them."""

    statement = _TEXT(required=True)
    on = _TEXT(required=True)
    bank = _TEXT(required=True)
    books = _TEXT(required=True)
    difference = _TEXT(required=True)
    unexplained = _TEXT(required=True)
    partings = fields.List(fields.Nested(PartingSchema), required=True)


_PART = strict_schema("LineAllocationOrder", {"invoice": Code(required=True), "amount": Amount(required=True)})
_DECISION: Mapping[str, fields.Field[Any]] = {
    "kind": fields.String(
        required=True,
        validate=validate.OneOf((PROPOSAL, *KINDS, UNDONE)),
        metadata={"description": "`proposal` takes one of those listed; all but it and `received` need X-Reason"},
    ),
    "proposal": WholeNumber(load_default=1, validate=validate.Range(1, PROPOSALS_MAX)),
    "tenant": Code(load_default=None, allow_none=True),
    "allocations": fields.List(fields.Nested(_PART), load_default=list, validate=validate.Length(max=500)),
    "automatic": Flag(
        load_default=False, metadata={"description": "Pay the invoices its text names, then the tenant's oldest due"}
    ),
    "rent_withheld": Amount(load_default=0),
    "vat_withheld": Amount(load_default=0),
    "receipts": fields.List(ReceiptNumber(), load_default=list, validate=validate.Length(max=500)),
    "entry": Code(load_default=None, allow_none=True),
    "account": Code(load_default=None, allow_none=True),
}
blueprint = ApiBlueprint(
    "statements", __name__, url_prefix="/v1", description="Bank statements, matched with what is open, reconciled"
)


@blueprint.route("/statements")
@blueprint.response(200, page_schema(StatementSchema, "Statement"))
@blueprint.arguments(query_schema("StatementQuery", {}), location="query")
@reads
def list_statements(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """The statements, in the order they were taken in."""
    return page(connection, select(bank_statement), (bank_statement.c.id,), query, statement_json)


@blueprint.route("/statements", methods=["POST"])
@blueprint.response(201, TakenSchema)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@blueprint.arguments(
    strict_schema(
        "StatementFile",
        {
            "file": fields.String(
                load_default="statement",
                validate=[validate.Length(1, FILE_LENGTH_MAX), FullMatch(r"^[^\x00-\x1f\x7f]*$")],
                metadata={"description": "What the file is called"},
            ),
            "format": fields.String(
                load_default=None, validate=validate.OneOf(FORMATS), metadata={"description": "Absent: as it looks"}
            ),
            "mapping": Code(load_default=MAPPING_DEFAULT, metadata={"description": "Of a CSV: how the bank writes it"}),
            "opening": Balance(),
            "closing": Balance(),
        },
    ),
    location="query",
)
@blueprint.doc(
    requestBody={
        "description": "The bank's file as it is: camt.053, MT940 or CSV",
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
    }
)
@writes
def create_statement(connection: Connection, query: Mapping[str, Any]) -> Answer:
    """Take in a bank's file, whole or not at all; what is certain books itself. Sent again it adds nothing."""
    if request.mimetype not in MEDIA_TYPES:
        raise UnsupportedMediaType
    found = service()
    taking = Taking(
        found.settings.operator.party.rib, found.settings.terms, found.clock(), query["format"], query["mapping"],
        query.get("opening"), query.get("closing"),
    )  # fmt: skip
    taken = take_file(connection, request.get_data(), query["file"], taking)
    statements = [
        {
            "statement": None if one.statement is None else name_of(one.statement),
            "name": one.name,
            "new": one.new,
            "known": one.known,
        }
        for one in taken.statements
    ]
    counts = {"new": taken.new, "known": taken.known, "booked": taken.booked, "waiting": taken.waiting}
    return Answer({"statements": statements} | counts, 201)


@blueprint.route("/statements/<statement:statement>")
@blueprint.response(200, StatementSchema)
@reads
def get_statement(connection: Connection, statement: int) -> dict[str, Any]:
    """One statement."""
    row = connection.execute(select(bank_statement).where(bank_statement.c.id == statement)).one_or_none()
    if row is None:
        raise Unknown(f"there is no statement {name_of(statement)}")
    return statement_json(row)


@blueprint.route("/statement-lines")
@blueprint.response(200, page_schema(StatementLineSchema, "StatementLine"))
@blueprint.arguments(
    query_schema(
        "StatementLineQuery",
        {
            "state": fields.String(validate=validate.OneOf((WAITING, DECIDED))),
            "from": Day(metadata={"description": "First day the bank booked on, included"}),
            "until": Day(metadata={"description": "Last day, included"}),
        },
    ),
    location="query",
)
@reads
def list_statement_lines(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """The lines of all statements, in order; those that wait for a person with `state=waiting`."""
    state = query.get("state")
    found = lines_of(None, waiting=None if state is None else state == WAITING)
    if query.get("from") is not None:
        found = found.where(bank_line.c.booked_on >= query["from"])
    if query.get("until") is not None:
        found = found.where(bank_line.c.booked_on <= query["until"])
    terms = service().settings.terms
    return page_together(
        connection,
        found,
        (bank_line.c.statement_id, bank_line.c.line_no),
        query,
        lambda rows: lines_json(connection, rows, terms),
    )


@blueprint.route("/statements/<statement:statement>/lines/<serial:line>")
@blueprint.response(200, StatementLineSchema)
@reads
def get_statement_line(connection: Connection, statement: int, line: int) -> dict[str, Any]:
    """One line, with every decision about it."""
    return _line(connection, (statement, line))


def _line(connection: Connection, key: tuple[int, int]) -> dict[str, Any]:
    rows = connection.execute(lines_of(key[0]).where(bank_line.c.line_no == key[1])).all()
    if not rows:
        raise Unknown(f"there is no line {line_name(*key)} of a statement")
    (found,) = lines_json(connection, rows, service().settings.terms)
    return found


@blueprint.route("/statements/<statement:statement>/lines/<serial:line>/decisions", methods=["POST"])
@blueprint.response(201, StatementLineSchema)
@blueprint.arguments(strict_schema("LineDecisionOrder", _DECISION))
@writes
def create_line_decision(connection: Connection, order: Mapping[str, Any], statement: int, line: int) -> Answer:
    """Say what a line is: a proposal, a tenant's payment, a cheque, the bank's own movement; or undo that."""
    found, key = service(), (statement, line)
    at, terms, kind = found.clock(), found.settings.terms, order["kind"]
    if kind == UNDONE:
        reason = require_reason(connection, "undoing what a line was found to be")
        undo_decision(connection, key, reason=reason, recorded_at=at)
    elif kind == PROPOSAL:
        accept_proposal(connection, key, order["proposal"], recorded_at=at, terms=terms)
    else:
        if kind == RECEIVED:
            why = act_of(connection).reason or "décidé à la main"
        else:
            why = require_reason(connection, "a line that is no tenant's payment")
        parts = tuple(Part(part["invoice"], part["amount"]) for part in order["allocations"])
        choice = Choice(
            kind=kind,
            tenant=order["tenant"],
            parts=parts,
            rent_withheld=order["rent_withheld"],
            vat_withheld=order["vat_withheld"],
            receipts=tuple(order["receipts"]),
            entry=order["entry"],
            account=order["account"],
            automatic=order["automatic"],
        )
        if parts and order["automatic"]:
            remedy = "name the invoices, or let the oldest due be paid"
            raise Refused([Fault("statements", None, "automatic", None, "stands beside allocations", remedy)])
        decide(connection, key, choice, why=why, recorded_at=at, terms=terms)
    return Answer(_line(connection, key), 201)


_ON: Mapping[str, fields.Field[Any]] = {
    "on": Day(metadata={"description": "By the latest statement up to that day; absent: of all"})
}


@blueprint.route("/reconciliation")
@blueprint.response(200, ReconciliationSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("ReconciliationQuery", _ON), location="query")
@reads
def get_reconciliation(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The bank's closing balance against account 5141, with every line and entry that parts them."""
    own = account(service().settings.operator.party.rib)
    return reconciliation_json(reconcile(connection, own, query.get("on")))


@blueprint.route("/reconciliation/file")
@blueprint.alt_response(200, schema={"type": "string"}, content_type="text/csv", success=True)
@blueprint.alt_response(200, schema={"type": "string"}, content_type=XLSX_MEDIA_TYPE, success=True)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "ReconciliationFileQuery",
        {**_ON, "format": fields.String(required=True, validate=validate.OneOf(("csv", "xlsx")))},
    ),
    location="query",
)
@reads
def get_reconciliation_file(connection: Connection, query: Mapping[str, Any]) -> Response:
    """The same as a table, in French: CSV or XLSX."""
    own = account(service().settings.operator.party.rib)
    content = b"".join(pieces(connection, own, query.get("on"), query["format"]))
    media_type = "text/csv" if query["format"] == "csv" else XLSX_MEDIA_TYPE
    headers = {"Content-Disposition": f'attachment; filename="rapprochement.{query["format"]}"'}
    return Response(content, content_type=media_type, headers=headers)
