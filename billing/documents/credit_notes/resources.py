"""Credit notes made by hand: what may still be credited of an invoice, giving a credit note, those given."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.documents.credit_notes.giving import (
    LINES_MAX,
    REASON_LENGTH_MAX,
    CreditOrder,
    Part,
    credit_terms,
    give_credit_note,
)
from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.credit_notes.queries import (
    CREDIT_NOTE_KEY,
    credit_note_shapes,
    credit_notes,
    creditable_lines,
    find_credit_note,
)
from billing.documents.credit_notes.shapes import Creditable, CreditableLine, CreditNote
from billing.frame.audit_log import act_of
from billing.frame.http.fields import INVOICE_DOC, Amount, Cell, Code, Day, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, ApiBlueprint
from billing.frame.http.paging import Page, page_together
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.receipts.applying_credits import settle_what_was_issued
from pricing.money import format_amount, format_rate

_NUMBER_DOC = {**INVOICE_DOC, "description": "The invoice to be credited"}
_LINE = strict_schema(
    "CreditOrderLine",
    {
        "line": WholeNumber(
            required=True,
            validate=validate.Range(1, 2**31 - 1),
            metadata={"description": "A line of the invoice, the first is 1"},
        ),
        "amount": Amount(
            load_default=None,
            allow_none=True,
            metadata={"description": "Without VAT; all that is left of the line unless given"},
        ),
    },
)
_ORDER: Mapping[str, fields.Field[Any]] = {
    "invoice": Cell(_NUMBER_DOC, required=True),
    "lines": fields.List(
        fields.Nested(_LINE),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, LINES_MAX),
        metadata={"description": "All that is left of every line unless given"},
    ),
    "kind": fields.String(
        load_default=CreditKind.REBATE,
        validate=validate.OneOf([kind.value for kind in CreditKind]),
        metadata={
            "description": "rebate: the price was right, and the line still stands; cancellation: the line was wrong, "
            "is taken back whole, and the next run bills anew what is still due"
        },
    ),
    "reason": Reason("Why it is given, printed on it", most=REASON_LENGTH_MAX),
    "issue_date": Day(load_default=None, allow_none=True, metadata={"description": "Today in Casablanca unless given"}),
}
blueprint = ApiBlueprint("credit notes", __name__, url_prefix="/v1", description="Credit notes made by hand")


@blueprint.route("/credit-notes")
@blueprint.response(200, Page[CreditNote])
@blueprint.arguments(
    query_schema("CreditNoteQuery", {"tenant": Code(metadata={"description": "Only those of this tenant"})}),
    location="query",
)
@reads
def list_credit_notes(connection: Connection, query: Mapping[str, Any]) -> Page[CreditNote]:
    """The credit notes made by hand, by number; those that runs issued are found among the documents."""
    chosen = credit_notes(query.get("tenant"))
    return page_together(connection, chosen, CREDIT_NOTE_KEY, query, partial(credit_note_shapes, connection))


@blueprint.route("/credit-notes", methods=["POST"])
@blueprint.response(201, CreditNote, headers=LOCATION)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("CreditNoteOrder", _ORDER))
@writes
def create_credit_note(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Credit an invoice in part or whole: number, book, queue the delivery. After a rebate its lines still stand."""
    terms = credit_terms(connection, service().settings, order["issue_date"], service().clock())
    parts = tuple(Part(line["line"], line["amount"]) for line in order["lines"] or ())
    person = act_of(connection).person
    wanted = CreditOrder(order["invoice"], parts, order["reason"], person, CreditKind(order["kind"]))
    issued = give_credit_note(connection, wanted, terms)
    tenants = [issued.draft.buyer.code]
    settle_what_was_issued(connection, recorded_at=terms.recorded_at, terms=service().settings.terms, tenants=tenants)
    return Answer(find_credit_note(connection, issued.number), 201, {"Location": f"/v1/credit-notes/{issued.number}"})


@blueprint.route("/credit-notes/<number:number>")
@blueprint.response(200, CreditNote)
@reads
def get_credit_note(connection: Connection, number: str) -> CreditNote:
    """One credit note made by hand."""
    return find_credit_note(connection, number)


@blueprint.route("/documents/<followed:number>/creditable")
@blueprint.response(200, Creditable)
@reads
def get_creditable(connection: Connection, number: str) -> Creditable:
    """What may still be credited of an invoice, line by line: what was invoiced less what was credited."""
    lines = [
        CreditableLine(
            line=creditable.line_no,
            label=creditable.line.service_label,
            amount=format_amount(creditable.line.priced.amount),
            left=format_amount(creditable.left),
            vat_rate=format_rate(creditable.line.priced.vat_rate),
        )
        for creditable in creditable_lines(connection, number)
    ]
    return Creditable(number, lines)
