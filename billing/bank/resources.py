"""Bank statements over HTTP: files imported, statements, lines and decisions about them, the reconciliation."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response, request
from marshmallow import ValidationError, fields, validate
from sqlalchemy import Connection
from werkzeug.exceptions import UnsupportedMediaType

from billing.bank import queries
from billing.bank.accepting import accept_certain
from billing.bank.choices import BY_HAND, Choice
from billing.bank.deciding import DECISIONS, accept_proposal, decide
from billing.bank.files import reconciliation_file, waiting_file
from billing.bank.formats.reading import FORMATS
from billing.bank.formats.statement import BadText, account, centimes
from billing.bank.importing import FILE_LENGTH_MAX, MAPPING_DEFAULT, ImportOrder, import_file
from billing.bank.lines import line_shape, line_shapes
from billing.bank.linking import choice_of_receipts
from billing.bank.matching.values import PROPOSALS_MAX, LineKind
from billing.bank.reconciling import reconcile
from billing.bank.refusing import refused
from billing.bank.shapes import AcceptedLine, AcceptedLines, Reconciliation, Statement, StatementLine, Taken
from billing.bank.undoing import undo_decision
from billing.bank.withdrawing import withdraw_statement
from billing.frame.audit_log import act_of, require_reason
from billing.frame.http.deferring import may_be_job, octets_ms
from billing.frame.http.fields import Amount, Code, Day, Flag, FullMatch, ReceiptNumber, WholeNumber
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.reasons import Reason
from billing.frame.http.report_files import as_tables, sent
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.tokens import RECEIPTS
from billing.receivables.receipts.orders import Part
from ledger.exports.tables import TABLES

PROPOSAL = "proposal"
WAITING, DECIDED = "waiting", "decided"
# The media types that a bank's file may be sent as; its kind is seen in its bytes.
_table = partial(
    fields.String, required=True, validate=validate.OneOf(TABLES), metadata={"description": "The kind of file"}
)
MEDIA_TYPES = ("application/octet-stream", "application/xml", "text/xml", "text/csv", "text/plain")


class Balance(fields.String):
    """An amount of dirhams, negative where we owe the bank, in centimes."""

    def __init__(self, description: str) -> None:
        doc = {"pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$", "example": "1250.00", "description": description}
        super().__init__(metadata=doc)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return centimes(super()._deserialize(value, attr, data, **kwargs))
        except BadText as error:
            raise ValidationError(f"{error}: write it like -1234.56") from None


_PART = strict_schema(
    "LineAllocationOrder",
    {
        "invoice": Code(required=True, metadata={"description": "The number of the invoice that the line pays"}),
        "amount": Amount(required=True, metadata={"description": "The amount of it that the line pays"}),
    },
)
_DECISION: Mapping[str, fields.Field[Any]] = {
    "reason": Reason("Why it is so", required=False),
    "kind": fields.String(
        required=True,
        validate=validate.OneOf((PROPOSAL, *DECISIONS)),
        metadata={"description": "`proposal` takes one of those listed; all but it and `received` need a reason"},
    ),
    "proposal": WholeNumber(
        load_default=1,
        validate=validate.Range(1, PROPOSALS_MAX),
        metadata={"description": "Of `proposal`: which of those listed, from 1"},
    ),
    "tenant": Code(
        load_default=None, allow_none=True, metadata={"description": "The tenant who pays; null: nobody knows"}
    ),
    "allocations": fields.List(
        fields.Nested(_PART),
        load_default=list,
        validate=validate.Length(max=500),
        metadata={"description": "The invoices that it pays; what is left is the tenant's credit"},
    ),
    "automatic": Flag(
        load_default=False, metadata={"description": "Pay the invoices its text names, then the tenant's oldest due"}
    ),
    "rent_withheld": Amount(
        load_default=0, metadata={"description": "The tax on the rent that the payer withheld, which counts as paid"}
    ),
    "vat_withheld": Amount(
        load_default=0, metadata={"description": "The VAT that the payer withheld, which counts as paid"}
    ),
    "receipts": fields.List(
        ReceiptNumber(),
        load_default=list,
        validate=validate.Length(max=500),
        metadata={
            "description": "Of `cleared`, `bounced`: the cheques, bills, transfers; of `recorded`: the receipts it is"
        },
    ),
    "entry": Code(
        load_default=None, allow_none=True, metadata={"description": "Of `recorded`: the entry that books it already"}
    ),
    "account": Code(
        load_default=None, allow_none=True, metadata={"description": "Of `booked`: the account, such as 6147"}
    ),
}
# As lines are read and matched.
_OCTETS_A_S = 500_000
blueprint = ApiBlueprint(
    "statements",
    __name__,
    url_prefix="/v1",
    description="Bank statements, matched with what is open, reconciled",
    fine_scope=RECEIPTS,
)


@blueprint.route("/statements")
@blueprint.response(200, Page[Statement])
@blueprint.arguments(query_schema("StatementQuery", {}), location="query")
@reads
def list_statements(connection: Connection, query: Mapping[str, Any]) -> Page[Statement]:
    """The statements, in the order they were taken in."""
    return page(connection, queries.statements(), queries.STATEMENT_KEY, query, Statement.of)


@blueprint.route("/statements", methods=["POST"])
@blueprint.makes(Taken)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@blueprint.arguments(
    strict_schema(
        "StatementFile",
        {
            "file": fields.String(
                load_default="statement",
                validate=[validate.Length(1, FILE_LENGTH_MAX), FullMatch(r"^[^\x00-\x1f\x7f]*$")],
                metadata={"description": "The name of the file"},
            ),
            "format": fields.String(
                load_default=None, validate=validate.OneOf(FORMATS), metadata={"description": "Absent: as it looks"}
            ),
            "mapping": Code(
                load_default=MAPPING_DEFAULT,
                metadata={"description": "Of a CSV: how the bank writes it, by name"},
            ),
            "opening": Balance("Of a CSV without balances: the balance before its lines"),
            "closing": Balance("Of a CSV without balances: the balance after its lines"),
        },
    ),
    location="query",
)
@blueprint.doc(
    requestBody={
        "description": "The bank's file as it is: camt.053, MT940 or CSV",
        "required": True,
        "content": {kind: {"schema": BINARY} for kind in MEDIA_TYPES},
    }
)
@may_be_job(octets_ms(_OCTETS_A_S))
@writes
def create_statement(connection: Connection, query: Mapping[str, Any]) -> Answer:
    """Take in a bank's file, whole or not at all; what is certain books itself. Sent again it adds nothing."""
    if request.mimetype not in MEDIA_TYPES:
        raise UnsupportedMediaType
    settings = service().settings
    order = ImportOrder(
        own_account=settings.operator.party.rib,
        terms=settings.terms,
        recorded_at=service().clock(),
        file_format=query["format"],
        mapping=query["mapping"],
        opening=query.get("opening"),
        closing=query.get("closing"),
    )
    return made(connection, Taken.of(import_file(connection, request.get_data(), query["file"], order)))


@blueprint.route("/statements/<statement:statement>")
@blueprint.response(200, Statement)
@reads
def get_statement(connection: Connection, statement: int) -> Statement:
    """One statement."""
    return Statement.of(queries.require_statement(connection, statement))


@blueprint.route("/bank-statements/<statement:statement>/withdrawal", methods=["POST"])
@blueprint.response(201, Statement)
@blueprint.arguments(
    strict_schema("WithdrawalOfStatementOrder", {"reason": Reason("Why it is withdrawn; required", required=False)})
)
@writes
def create_statement_withdrawal(connection: Connection, order: Mapping[str, Any], statement: int) -> Answer:
    """Withdraw the account's last statement, imported wrongly: its lines count no more, what they booked is undone."""
    reason = order["reason"] or require_reason(connection, "withdrawing a statement")
    withdraw_statement(connection, statement, reason=reason, recorded_at=service().clock())
    return Answer(Statement.of(queries.require_statement(connection, statement)), 201)


@blueprint.route("/statement-lines")
@blueprint.response(200, Page[StatementLine])
@blueprint.arguments(
    query_schema(
        "StatementLineQuery",
        {
            "state": fields.String(
                validate=validate.OneOf((WAITING, DECIDED)), metadata={"description": "Absent: all lines"}
            ),
            "from": Day(metadata={"description": "First day the bank booked on, included"}),
            "until": Day(metadata={"description": "Last day, included"}),
        },
    ),
    location="query",
)
@reads
def list_statement_lines(connection: Connection, query: Mapping[str, Any]) -> Page[StatementLine]:
    """The lines of all statements, in order; those that wait for a person with `state=waiting`."""
    state = query.get("state")
    selected = queries.lines(
        waiting=None if state is None else state == WAITING,
        booked_from=query.get("from"),
        booked_until=query.get("until"),
    )
    answer = partial(line_shapes, connection, terms=service().settings.terms)
    return page_together(connection, selected, queries.LINE_KEY, query, answer)


@blueprint.route("/statement-lines/waiting")
@as_tables(blueprint)
@blueprint.arguments(strict_schema("WaitingLinesQuery", {"format": _table()}), location="query")
def get_waiting_lines(query: Mapping[str, Any]) -> Response:
    """All lines that wait for a person, each with the best proposal, as a table in French."""
    terms, chosen = service().settings.terms, query["format"]
    return sent("lignes-en-attente", chosen, lambda connection: waiting_file(connection, terms, chosen))


@blueprint.route("/statements/<statement:statement>/lines/<serial:line>")
@blueprint.response(200, StatementLine)
@reads
def get_statement_line(connection: Connection, statement: int, line: int) -> StatementLine:
    """One line, with every decision about it."""
    return line_shape(connection, (statement, line), service().settings.terms)


@blueprint.route("/statements/<statement:statement>/lines/<serial:line>/decisions", methods=["POST"])
@blueprint.response(201, StatementLine)
@blueprint.arguments(strict_schema("LineDecisionOrder", _DECISION))
@writes
def create_line_decision(connection: Connection, order: Mapping[str, Any], statement: int, line: int) -> Answer:
    """Say what a line is: a proposal, a tenant's payment, a cheque, the bank's own movement; or undo that."""
    key, at, terms = (statement, line), service().clock(), service().settings.terms
    match order["kind"]:
        case "undone":
            reason = require_reason(connection, "undoing what a line was found to be")
            undo_decision(connection, key, reason=reason, recorded_at=at)
        case "proposal":
            accept_proposal(connection, key, order["proposal"], recorded_at=at, terms=terms)
        case kind:
            choice = _choice(LineKind(kind), order)
            is_of_receipts = choice.kind == LineKind.RECORDED and bool(choice.receipts)
            if is_of_receipts:
                choice = choice_of_receipts(connection, queries.require_line(connection, key), choice.receipts)
                _require_kind(kind, choice)
            if choice.kind == LineKind.RECEIVED or is_of_receipts:
                why = act_of(connection).reason or BY_HAND
            else:
                why = require_reason(connection, "a line that is no tenant's payment")
            decide(connection, key, choice, why=why, recorded_at=at, terms=terms)
    return Answer(line_shape(connection, key, terms), 201)


def _require_kind(kind: str, choice: Choice) -> None:
    """Raise Refused where the receipts of a line are not booked for it yet: clearing and returning are said so."""
    if choice.kind != kind:
        remedy = f"say `{choice.kind}`, or name receipts whose entries wait for a line"
        raise refused("kind", kind, "is not so: not all of these receipts are booked for such a line yet", remedy)


@blueprint.route("/statement-lines/acceptances", methods=["POST"])
@blueprint.makes(AcceptedLines)
@blueprint.arguments(
    strict_schema(
        "AcceptanceOrder",
        {
            "certain_from": WholeNumber(
                required=True,
                validate=validate.Range(1, 100),
                metadata={"description": "The certainty, in percent, that the first proposal of a line has at least"},
            ),
            "dry_run": Flag(load_default=False, metadata={"description": "List the lines, decide nothing"}),
        },
    )
)
@writes
def create_acceptance(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Accept the first proposal of every waiting line that is at least so certain; all or none."""
    accepted = accept_certain(
        connection,
        order["certain_from"],
        recorded_at=service().clock(),
        terms=service().settings.terms,
        dry_run=order["dry_run"],
    )
    lines = [AcceptedLine.of(*line) for line in accepted]
    return made(connection, AcceptedLines(dry_run=order["dry_run"], lines=lines))


def _choice(kind: LineKind, order: Mapping[str, Any]) -> Choice:
    parts = tuple(Part(part["invoice"], part["amount"]) for part in order["allocations"])
    if parts and order["automatic"]:
        remedy = "name the invoices, or let the oldest due be paid"
        raise refused("automatic", None, "stands beside allocations", remedy)
    return Choice(
        kind=kind,
        tenant=order["tenant"],
        parts=parts,
        rent_withheld=order["rent_withheld"],
        vat_withheld=order["vat_withheld"],
        receipts=tuple(order["receipts"]),
        entries=() if order["entry"] is None else (order["entry"],),
        account=order["account"],
        automatic=order["automatic"],
    )


_ON: Mapping[str, fields.Field[Any]] = {
    "on": Day(metadata={"description": "By the latest statement up to that day; absent: of all"})
}


@blueprint.route("/reconciliation")
@blueprint.response(200, Reconciliation)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("ReconciliationQuery", _ON), location="query")
@reads
def get_reconciliation(connection: Connection, query: Mapping[str, Any]) -> Reconciliation:
    """The bank's closing balance against account 5141, with every line and entry that parts them."""
    own = account(service().settings.operator.party.rib)
    return Reconciliation.of(reconcile(connection, own, query.get("on")))


@blueprint.route("/reconciliation/file")
@as_tables(blueprint)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("ReconciliationFileQuery", {**_ON, "format": _table()}), location="query")
def get_reconciliation_file(query: Mapping[str, Any]) -> Response:
    """The same as a table, in French: CSV or XLSX."""
    own, chosen = account(service().settings.operator.party.rib), query["format"]
    return sent(
        "rapprochement",
        chosen,
        lambda connection: reconciliation_file(connection, own, query.get("on"), chosen),
    )
