"""Issued documents: as data, as PDF, as XML; and whether they reached their buyers."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row, bindparam, select

from billing.documents.delivery.delivering import ensure_pdf
from billing.documents.rows import documents_json
from billing.frame.audit_log import record_change
from billing.frame.database import reading
from billing.frame.errors import Conflict, Unknown
from billing.frame.http.fields import Code, MailAddress, Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import instant, page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, reads, writes
from billing.run.line_shapes import VatSchema
from invoices.delivery import retry
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.errors import UnknownDocument
from invoices.models import delivery, document
from invoices.reading import document_id, load_documents
from invoices.xml import document_xml

_TEXT = fields.String
STATES = ("queued", "failed", "sent")


class DocumentLineSchema(Schema):
    """A line with its workings (contract)."""

    service = _TEXT(required=True)
    site = _TEXT(required=True)
    lease = _TEXT(required=True, allow_none=True)
    month = _TEXT(required=True)
    first_day = _TEXT(required=True, allow_none=True)
    last_day = _TEXT(required=True, allow_none=True)
    tier = _TEXT(required=True)
    quantity = _TEXT(required=True)
    full_price = _TEXT(required=True)
    unit_price = _TEXT(required=True)
    amount = _TEXT(required=True)
    full_amount = _TEXT(required=True)
    cost_amount = _TEXT(required=True)
    vat_rate = _TEXT(required=True)
    corrects = _TEXT(required=True, allow_none=True)


class DocumentSchema(Schema):
    """An invoice or a credit note (contract)."""

    number = _TEXT(required=True)
    kind = _TEXT(required=True, validate=validate.OneOf((INVOICE, CREDIT_NOTE)))
    # None on a credit note made by hand, outside any run.
    period = _TEXT(required=True, allow_none=True)
    issued_on = _TEXT(required=True)
    due_on = _TEXT(required=True)
    tenant = _TEXT(required=True)
    currency = _TEXT(required=True)
    payment_reference = _TEXT(
        required=True,
        metadata={"description": "What payers quote (ISO 11649): RF21FA2026000012; its number where it bears none"},
    )
    lines = fields.List(fields.Nested(DocumentLineSchema), required=True)
    vat = fields.List(fields.Nested(VatSchema), required=True)
    net = _TEXT(required=True)
    tax = _TEXT(required=True)
    gross = _TEXT(required=True)


class DeliverySchema(Schema):
    """Whether a document reached its buyer."""

    number = _TEXT(required=True)
    tenant = _TEXT(required=True)
    state = _TEXT(required=True, validate=validate.OneOf(STATES))
    recipient = _TEXT(required=True)
    attempts = fields.Integer(required=True)
    next_attempt_at = _TEXT(required=True, allow_none=True)
    sent_at = _TEXT(required=True, allow_none=True)
    last_error = _TEXT(required=True, allow_none=True)


_DOCUMENT = select(document).where(document.c.number == bindparam("number"))
_DELIVERIES = select(delivery, document.c.number, document.c.tenant).join(
    document, document.c.id == delivery.c.document_id
)
blueprint = ApiBlueprint("documents", __name__, url_prefix="/v1", description="Invoices and credit notes, as issued")


@blueprint.route("/documents")
@blueprint.response(200, page_schema(DocumentSchema, "Document"))
@blueprint.arguments(
    query_schema(
        "DocumentQuery",
        {"period": Month(), "tenant": Code(), "kind": fields.String(validate=validate.OneOf((INVOICE, CREDIT_NOTE)))},
    ),
    location="query",
)
@reads
def list_documents(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The documents, by number; those of a month's run with `period`."""
    chosen = [document.c[name] == query[name] for name in ("period", "tenant", "kind") if query.get(name) is not None]
    found = page(connection, select(document).where(*chosen), (document.c.number,), query, lambda row: row)
    return {"items": documents_json(connection, found["items"]), "next": found["next"]}


@blueprint.route("/documents/<number:number>")
@blueprint.response(200, DocumentSchema)
@reads
def get_document(connection: Connection, number: str) -> dict[str, Any]:
    """One document, as issued."""
    rows = connection.execute(_DOCUMENT, {"number": number}).all()
    if not rows:
        raise UnknownDocument(number)
    return documents_json(connection, rows)[0]


@blueprint.route("/documents/<number:number>/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
def get_document_pdf(number: str) -> Response:
    """The document on paper: PDF/A-3, the same bytes for ever; rendered now if it has not been sent yet."""
    found = service()
    with reading(found.engine) as connection:
        key = document_id(connection, number)
    pdf = ensure_pdf(acting_engine(), found.settings.documents_url, key, clock=found.clock)
    return Response(pdf, content_type="application/pdf", headers=_named(f"{number}.pdf"))


@blueprint.route("/documents/<number:number>/xml")
@blueprint.response(200, {"type": "string"}, content_type="application/xml")
@reads
def get_document_xml(connection: Connection, number: str) -> Response:
    """The document for machines: EN 16931, as embedded in its PDF."""
    [(_, found)] = load_documents(connection, [document_id(connection, number)])
    return Response(document_xml(found), content_type="application/xml", headers=_named(f"{number}.xml"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{name}"'}


@blueprint.route("/deliveries")
@blueprint.response(200, page_schema(DeliverySchema, "Delivery"))
@blueprint.arguments(
    query_schema("DeliveryQuery", {"state": fields.String(validate=validate.OneOf(STATES)), "tenant": Code()}),
    location="query",
)
@reads
def list_deliveries(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Documents to be sent, by number; `state=failed` lists those a person must look at."""
    columns = {"state": delivery.c.state, "tenant": document.c.tenant}
    chosen = [column == query[name] for name, column in columns.items() if query.get(name) is not None]
    return page(connection, _DELIVERIES.where(*chosen), (document.c.number,), query, _delivery_json)


@blueprint.route("/deliveries/<number:number>")
@blueprint.response(200, DeliverySchema)
@reads
def get_delivery(connection: Connection, number: str) -> dict[str, Any]:
    """Whether one document reached its buyer, and what hindered it."""
    return _find_delivery(connection, number)


@blueprint.route("/deliveries/<number:number>/retry", methods=["POST"])
@blueprint.response(200, DeliverySchema)
@blueprint.arguments(
    strict_schema("DeliveryRetry", {"email": MailAddress(metadata={"description": "In place of the recipient so far"})})
)
@writes
def retry_delivery(connection: Connection, order: Mapping[str, Any], number: str) -> Answer:
    """Send an unsent document at the next delivery, whatever stopped it, to a mended address if one is given."""
    before = _find_delivery(connection, number)
    key = document_id(connection, number)
    recipients = {key: order["email"]} if "email" in order else None
    if not retry(connection, [key], now=service().clock(), recipients=recipients):
        raise Conflict(f"{number} has been sent, or is being sent at this moment: GET its delivery")
    after = _find_delivery(connection, number)
    record_change(connection, "deliveries", number, before, after)
    return Answer(after)


def _find_delivery(connection: Connection, number: str) -> dict[str, Any]:
    row = connection.execute(_DELIVERIES.where(document.c.number == number)).one_or_none()
    if row is None:
        raise Unknown(f"{number} is no document that was to be sent")
    return _delivery_json(row)


def _delivery_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "number": row.number,
        "tenant": row.tenant,
        "state": row.state,
        "recipient": row.recipient,
        "attempts": row.attempts,
        "next_attempt_at": instant(row.next_attempt_at),
        "sent_at": instant(row.sent_at),
        "last_error": row.last_error,
    }
