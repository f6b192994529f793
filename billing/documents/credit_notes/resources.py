"""Credit notes made by hand: what may still be credited of an invoice, giving a credit note, those given."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.documents.credit_notes.giving import (
    LINES_MAX,
    REASON_LENGTH_MAX,
    CreditOrder,
    Part,
    credit_note_json,
    credit_notes,
    credit_terms,
    creditable_lines,
    find_credit_note,
    give_credit_note,
)
from billing.frame.audit_log import act_of
from billing.frame.http.fields import Amount, Cell, Code, Day, WholeNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page_together
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.receipts.applying_credits import settle_what_was_issued
from invoices.models import document
from pricing.money import format_amount, format_rate

_TEXT = fields.String
_NUMBER_DOC = {"pattern": "^FA-[0-9]{4}-[0-9]{6,12}$", "example": "FA-2026-000001"}


class CreditedLineSchema(Schema):
    """A line of an invoice, and what is credited of it without VAT."""

    invoice_line = fields.Integer(required=True)
    amount = _TEXT(required=True)
    vat_rate = _TEXT(required=True)


class CreditNoteSchema(Schema):
    """A credit note made by hand."""

    number = _TEXT(required=True)
    issued_on = _TEXT(required=True)
    tenant = _TEXT(required=True)
    invoice = _TEXT(required=True)
    reason = _TEXT(required=True)
    issued_by = _TEXT(required=True)
    lines = fields.List(fields.Nested(CreditedLineSchema), required=True)
    net = _TEXT(required=True)
    tax = _TEXT(required=True)
    gross = _TEXT(required=True)


class CreditableLineSchema(Schema):
    """A line of an invoice, and what of it may still be credited without VAT."""

    line = fields.Integer(required=True)
    label = _TEXT(required=True)
    amount = _TEXT(required=True)
    left = _TEXT(required=True)
    vat_rate = _TEXT(required=True)


class CreditableSchema(Schema):
    """What may still be credited of an invoice."""

    invoice = _TEXT(required=True)
    lines = fields.List(fields.Nested(CreditableLineSchema), required=True)


_LINE = strict_schema(
    "CreditOrderLine",
    {
        "line": WholeNumber(required=True, validate=validate.Range(1, 2**31 - 1)),
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
    "reason": fields.String(required=True, validate=validate.Length(1, REASON_LENGTH_MAX)),
    "issue_date": Day(load_default=None, allow_none=True, metadata={"description": "Today in Casablanca unless given"}),
}
blueprint = ApiBlueprint("credit notes", __name__, url_prefix="/v1", description="Credit notes made by hand")


@blueprint.route("/credit-notes")
@blueprint.response(200, page_schema(CreditNoteSchema, "CreditNote"))
@blueprint.arguments(query_schema("CreditNoteQuery", {"tenant": Code()}), location="query")
@reads
def list_credit_notes(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """The credit notes made by hand, by number; those that runs issued are found among the documents."""
    found = credit_notes()
    if query.get("tenant") is not None:
        found = found.where(document.c.tenant == query["tenant"])
    return page_together(
        connection,
        found,
        (document.c.number,),
        query,
        lambda heads: [credit_note_json(connection, head) for head in heads],
    )


@blueprint.route("/credit-notes", methods=["POST"])
@blueprint.response(201, CreditNoteSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("CreditNoteOrder", _ORDER))
@writes
def create_credit_note(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Credit an invoice in part or whole: number, book, queue the delivery. Its lines still stand for R13."""
    terms = credit_terms(connection, service().settings, order["issue_date"], service().clock())
    parts = tuple(Part(line["line"], line["amount"]) for line in order["lines"] or ())
    wanted = CreditOrder(order["invoice"], parts, order["reason"], act_of(connection).actor)
    issued = give_credit_note(connection, wanted, terms)
    tenants = [issued.draft.buyer.code]
    settle_what_was_issued(connection, recorded_at=terms.recorded_at, terms=service().settings.terms, tenants=tenants)
    found = credit_note_json(connection, find_credit_note(connection, issued.number))
    return Answer(found, 201, {"Location": f"/v1/credit-notes/{issued.number}"})


@blueprint.route("/credit-notes/<number:number>")
@blueprint.response(200, CreditNoteSchema)
@reads
def get_credit_note(connection: Connection, number: str) -> dict[str, Any]:
    """One credit note made by hand."""
    return credit_note_json(connection, find_credit_note(connection, number))


@blueprint.route("/documents/<number:number>/creditable")
@blueprint.response(200, CreditableSchema)
@reads
def get_creditable(connection: Connection, number: str) -> dict[str, Any]:
    """What may still be credited of an invoice, line by line: what was invoiced less what was credited."""
    return {
        "invoice": number,
        "lines": [
            {
                "line": found.line_no,
                "label": found.line.service_label,
                "amount": format_amount(found.line.priced.amount),
                "left": format_amount(found.left),
                "vat_rate": format_rate(found.line.priced.vat_rate),
            }
            for found in creditable_lines(connection, number)
        ],
    }
