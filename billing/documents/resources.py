"""Issued documents: as data, as PDF, as XML; and whether they reached their buyers."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate
from msgspec import to_builtins
from sqlalchemy import Connection

from billing.documents import export
from billing.documents.delivery.pdf_files import duplicate_pdf, ensure_pdf
from billing.documents.delivery.resending import resend
from billing.documents.delivery.settling import Settlement, settle_deliveries
from billing.documents.einvoices import SYNTAXES, einvoice
from billing.documents.lookup import files
from billing.documents.lookup.files import found_documents
from billing.documents.lookup.queries import DOCUMENTS_LISTING, Wanted, find, find_shown, shown_documents
from billing.documents.lookup.shapes import DocumentShown, ResentDocument
from billing.documents.queries import NUMBER_KEY, deliveries, find_delivery
from billing.documents.shapes import Delivery, SettledDeliveries
from billing.frame.audit_log import record_change
from billing.frame.database import reading
from billing.frame.errors import Conflict
from billing.frame.http.deferring import may_be_job, recorded_entries
from billing.frame.http.fields import Code, Day, MailAddress, Month
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import BINARY, TEXT, ApiBlueprint
from billing.frame.http.paging import Page, listed_page, page
from billing.frame.http.problems import InvalidRequest, field_error
from billing.frame.http.reasons import Reason
from billing.frame.http.report_files import as_tables, format_field, in_formats, sent, shown
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, reads, writes
from billing.frame.listing import Asked
from billing.receivables.open_items.document_states import DocumentState
from invoices.delivery import UNKNOWN, retry
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.reading import document_id
from ledger.exports.tables import MEDIA_TYPES
from pricing.period import next_month

STATES = ("queued", "failed", "sent", UNKNOWN)
_DOCUMENTS_A_S = 2_000
blueprint = ApiBlueprint("documents", __name__, url_prefix="/v1", description="Invoices and credit notes, as issued")


@blueprint.route("/documents")
@blueprint.response(200, Page[DocumentShown])
@as_tables(blueprint)
@blueprint.arguments(
    query_schema(
        "DocumentQuery",
        {
            "format": format_field(),
            "period": Month(metadata={"description": "The month of the run that issued them"}),
            "tenant": Code(metadata={"description": "Whose documents"}),
            "kind": fields.String(
                validate=validate.OneOf((INVOICE, CREDIT_NOTE)), metadata={"description": "Only documents of this kind"}
            ),
            "site": Code(metadata={"description": "Only those with a line of this site"}),
            "state": fields.String(
                validate=validate.OneOf(tuple(map(str, DocumentState))),
                metadata={"description": "Only in this state; open: not due yet"},
            ),
            "from": Day(metadata={"description": "The first day of issue"}),
            "until": Day(metadata={"description": "The last day of issue, included"}),
        },
        DOCUMENTS_LISTING,
    ),
    location="query",
)
def list_documents(query: Mapping[str, Any]) -> Response:
    """The documents, by number, each with what is open of it; those of a month's run with `period`."""
    today = service().today()
    wanted = Wanted(
        today,
        **{name: query.get(name) for name in ("period", "tenant", "kind", "site", "until")},
        states=() if query.get("state") is None else (query["state"],),
        start=query.get("from"),
    )

    def found(connection: Connection) -> Page[DocumentShown]:
        return listed_page(
            connection, DOCUMENTS_LISTING, find(wanted), query, lambda rows: shown_documents(connection, rows, today)
        )

    def table(connection: Connection) -> Iterator[bytes]:
        return files.pieces(found_documents(connection, wanted, Asked.of(query)), query["format"])

    return shown("documents", query, found, table)


@blueprint.route("/documents/<document:number>")
@in_formats(blueprint, MEDIA_TYPES.values(), DocumentShown)
@blueprint.arguments(strict_schema("ShownQuery", {"format": format_field()}), location="query")
def get_document(query: Mapping[str, Any], number: str) -> Response:
    """One document as issued, with its buyer, what is open of it and where it was sent; as a table, its lines."""
    return shown(
        "document",
        query,
        lambda connection: find_shown(connection, number, service().today()),
        lambda connection: export.pieces_of(connection, [document_id(connection, number)], query["format"]),
    )


def _export_ms(connection: Connection, query: Mapping[str, Any]) -> int:
    period, start, until = query.get("period"), query.get("from"), query.get("until")
    if period is not None:
        start, until = period, next_month(period)
    if start is None or until is None:
        return 0
    return 1000 * recorded_entries(connection, start, until) // _DOCUMENTS_A_S


@blueprint.route("/exports/documents")
@in_formats(blueprint, MEDIA_TYPES.values())
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "DocumentExportQuery",
        {
            "format": format_field(),
            "period": Month(metadata={"description": "The month of the run that issued them"}),
            "from": Day(metadata={"description": "First day of issue, in place of the month; with `until`"}),
            "until": Day(metadata={"description": "Last day of issue, included"}),
        },
    ),
    location="query",
)
@may_be_job(_export_ms)
def get_document_export(query: Mapping[str, Any]) -> Response:
    """The documents of a month's run or of some days, with their lines, whole: the sales register."""
    chosen, period, start, until = query["format"], query.get("period"), query.get("from"), query.get("until")
    if period is not None and start is None and until is None:
        return sent("documents", chosen, lambda connection: export.pieces(connection, period, chosen))
    if period is not None or start is None or until is None:
        raise InvalidRequest([field_error("query", "period", "is missing", "give it, or both `from` and `until`")])
    if start > until:
        raise InvalidRequest([field_error("query", "from", "comes after until")])
    return sent("documents", chosen, lambda connection: export.pieces_of_days(connection, start, until, chosen))


@blueprint.route("/documents/<followed:number>/resend", methods=["POST"])
@blueprint.response(201, ResentDocument)
@blueprint.alt_response(200, schema=blueprint.reference(ResentDocument), success=True)
@blueprint.arguments(
    strict_schema(
        "ResendOrder", {"email": MailAddress(metadata={"description": "In place of the tenant's present address"})}
    )
)
@writes
def resend_document(connection: Connection, order: Mapping[str, Any], number: str) -> Answer:
    """Queue a further mail with the document's own file; 200 with the one ordered before if it has not left yet.

    Refused for an invoice that was credited whole, while its own mail has not left, unless another address is given,
    and while nobody knows whether a mail ordered before has arrived there. One that failed says so.
    """
    state = service()
    operator = state.settings.operator.party.legal_name
    made = resend(connection, number, order.get("email"), operator=operator, now=state.clock())
    shown = find_shown(connection, number, state.today())
    return Answer(next(mail for mail in shown.resent if mail.message == made.number), 201 if made.is_new else 200)


@blueprint.route("/documents/<followed:number>/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@blueprint.arguments(
    strict_schema(
        "DocumentPdfQuery",
        {"duplicate": fields.Boolean(load_default=False, metadata={"description": "A copy that says DUPLICATA"})},
    ),
    location="query",
)
def get_document_pdf(query: Mapping[str, Any], number: str) -> Response:
    """The document on paper: PDF/A-3, the same bytes for ever; rendered now if it has not been sent yet."""
    serving = service()
    with reading(serving.engine) as connection:
        key = document_id(connection, number)
    settings = serving.settings
    if query["duplicate"]:
        pdf = duplicate_pdf(serving.engine, key, seal=settings.seal)
    else:
        pdf = ensure_pdf(acting_engine(), settings.documents_url, key, clock=serving.clock, seal=settings.seal)
    return Response(pdf, content_type="application/pdf", headers=_named(f"{number}.pdf"))


@blueprint.route("/documents/<followed:number>/xml")
@blueprint.response(200, TEXT, content_type="application/xml")
@blueprint.arguments(
    strict_schema(
        "EInvoiceQuery",
        {
            "syntax": fields.String(
                load_default="cii",
                validate=validate.OneOf(SYNTAXES),
                metadata={"description": "`cii`: as embedded in its PDF (Factur-X); `ubl`: UBL 2.1"},
            )
        },
    ),
    location="query",
)
@reads
def get_document_xml(connection: Connection, query: Mapping[str, Any], number: str) -> Response:
    """The document for machines: EN 16931, as embedded in its PDF, or in UBL."""
    xml = einvoice(connection, number, query["syntax"])
    return Response(xml, content_type="application/xml", headers=_named(f"{number}.xml"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{name}"'}


@blueprint.route("/deliveries")
@blueprint.response(200, Page[Delivery])
@blueprint.arguments(
    query_schema(
        "DeliveryQuery",
        {
            "state": fields.String(
                validate=validate.OneOf(STATES),
                metadata={"description": "Only in this state; unknown: failed ones that may have arrived"},
            ),
            "tenant": Code(metadata={"description": "To whom they go"}),
        },
    ),
    location="query",
)
@reads
def list_deliveries(connection: Connection, query: Mapping[str, Any]) -> Page[Delivery]:
    """Documents to be sent, by number; `state=failed` lists those a person must look at."""
    chosen = deliveries(query.get("state"), query.get("tenant"))
    return page(connection, chosen, NUMBER_KEY, query, Delivery.of)


@blueprint.route("/deliveries/<number:number>")
@blueprint.response(200, Delivery)
@reads
def get_delivery(connection: Connection, number: str) -> Delivery:
    """Whether one document reached its buyer, and what hindered it."""
    return find_delivery(connection, number)


@blueprint.route("/deliveries/<number:number>/retry", methods=["POST"])
@blueprint.response(200, Delivery)
@blueprint.arguments(
    strict_schema("DeliveryRetry", {"email": MailAddress(metadata={"description": "In place of the recipient so far"})})
)
@writes
def retry_delivery(connection: Connection, order: Mapping[str, Any], number: str) -> Answer:
    """Send an unsent document at the next delivery, whatever stopped it, to a mended address if one is given."""
    before = find_delivery(connection, number)
    key = document_id(connection, number)
    recipients = {key: order["email"]} if "email" in order else None
    if not retry(connection, [key], now=service().clock(), recipients=recipients):
        raise Conflict(f"{number} has been sent, or is being sent at this moment: GET its delivery")
    after = find_delivery(connection, number)
    record_change(connection, "deliveries", number, to_builtins(before), to_builtins(after))
    return Answer(after)


@blueprint.route("/deliveries/settlements", methods=["POST"])
@blueprint.response(200, SettledDeliveries)
@blueprint.arguments(
    strict_schema(
        "DeliverySettlement",
        {
            "reason": Reason("How it is known; required", required=False),
            "outcome": fields.String(
                required=True,
                validate=validate.OneOf(tuple(map(str, Settlement))),
                metadata={"description": "sent: they have arrived; again: the next delivery sends them again"},
            ),
            "numbers": fields.List(
                Code(),
                validate=validate.Length(1, 10_000),
                metadata={"description": "Of documents and messages; absent: all of unknown outcome"},
            ),
        },
    )
)
@writes
def settle_unknown_deliveries(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Settle mails of unknown outcome, messages too: they arrived, or are sent again; for a reason."""
    outcome = Settlement(order["outcome"])
    settled = settle_deliveries(connection, outcome, order.get("numbers"), now=service().clock())
    return Answer(SettledDeliveries(settled=settled))
