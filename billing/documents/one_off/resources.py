"""Invoices made by hand, over HTTP: order one, or see what it would be; those issued."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.documents.one_off.issuing import OneOffTerms, issue_by_hand, one_off_terms, prepare
from billing.documents.one_off.orders import LINES_MAX, REASON_LENGTH_MAX, TEXT_LENGTH_MAX, LineOrder, OneOffOrder
from billing.documents.one_off.queries import ONE_OFF_KEY, find_one_off, one_off_invoices, one_off_shapes, shape_of
from billing.documents.one_off.shapes import OneOffInvoice
from billing.frame.audit_log import act_of
from billing.frame.errors import Refused
from billing.frame.http.fields import PRICE_DOC, QUANTITY_DOC, Cell, Code, Day, Flag
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, ApiBlueprint
from billing.frame.http.paging import Page, page_together
from billing.frame.http.problems import placed
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes

_LINE = strict_schema(
    "OneOffOrderLine",
    {
        "service": Code(required=True, metadata={"description": "A service of the catalogue: its VAT, unit, account"}),
        "text": Cell({"maxLength": TEXT_LENGTH_MAX, "description": "What is billed: printed on it"}, required=True),
        "quantity": Cell({**QUANTITY_DOC, "description": "How many of its unit"}, required=True),
        "price": Cell({**PRICE_DOC, "description": "Dirhams a unit, without VAT"}, required=True),
    },
)
_ORDER: Mapping[str, fields.Field[Any]] = {
    "tenant": Code(required=True, metadata={"description": "Who is billed, with or without a lease"}),
    "site": Code(required=True, metadata={"description": "The site that its sale belongs to"}),
    "lines": fields.List(
        fields.Nested(_LINE),
        required=True,
        validate=validate.Length(1, LINES_MAX),
        metadata={"description": "What is billed, in this order"},
    ),
    "reason": Reason("Why it is billed, printed on it", most=REASON_LENGTH_MAX),
    "issue_date": Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "Today in Casablanca, or the newest document's day if later, unless given"},
    ),
    "dry_run": Flag(load_default=False, metadata={"description": "Issue nothing: answer what would be issued"}),
}
blueprint = ApiBlueprint(
    "one-off invoices", __name__, url_prefix="/v1", description="Invoices made by hand, outside the runs"
)


@blueprint.route("/one-off-invoices")
@blueprint.response(200, Page[OneOffInvoice])
@blueprint.arguments(
    query_schema("OneOffQuery", {"tenant": Code(metadata={"description": "Only those of this tenant"})}),
    location="query",
)
@reads
def list_one_off_invoices(connection: Connection, query: Mapping[str, Any]) -> Page[OneOffInvoice]:
    """The invoices made by hand, by number; they are documents like those of runs, too."""
    chosen = one_off_invoices(query.get("tenant"))
    return page_together(connection, chosen, ONE_OFF_KEY, query, partial(one_off_shapes, connection))


@blueprint.route("/one-off-invoices", methods=["POST"])
@blueprint.response(201, OneOffInvoice, headers=LOCATION)
@blueprint.alt_response(200, schema=OneOffInvoice, description="A dry run: nothing was issued", success=True)
@blueprint.arguments(strict_schema("OneOffOrder", _ORDER))
@writes
def create_one_off_invoice(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Bill a tenant by hand: number, book, queue the delivery. Its price is its full price and its full cost.

    Send an `Idempotency-Key`: without one the same order sent again is another invoice, which `warnings` tells.
    """
    terms = one_off_terms(connection, service().settings, order["issue_date"], service().clock())
    lines = tuple(LineOrder(**line) for line in order["lines"])
    person = act_of(connection).person
    # Whoever sends the same twice has a key to say so.
    wanted = OneOffOrder(order["tenant"], order["site"], lines, order["reason"], person, again=True)
    try:
        return _answer(connection, wanted, terms, dry_run=order["dry_run"])
    except Refused as refused:
        raise placed(refused, "lines.{}.".format) from None


def _answer(connection: Connection, order: OneOffOrder, terms: OneOffTerms, *, dry_run: bool) -> Answer:
    if dry_run:
        prepared = prepare(connection, order, terms)
        return Answer(shape_of(prepared.document(order, terms), order.issued_by, prepared.warnings))
    issued, prepared = issue_by_hand(connection, order, terms)
    shape = find_one_off(connection, issued.number, prepared.warnings)
    return Answer(shape, 201, {"Location": f"/v1/one-off-invoices/{issued.number}"})


@blueprint.route("/one-off-invoices/<number:number>")
@blueprint.response(200, OneOffInvoice)
@reads
def get_one_off_invoice(connection: Connection, number: str) -> OneOffInvoice:
    """One invoice made by hand."""
    return find_one_off(connection, number)
