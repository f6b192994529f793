"""Receipts: money in, its story, what it settles, what it is short by; and open items."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Connection

from billing.approvals.http import WAITS, placed
from billing.approvals.shapes import Approval
from billing.entries.receivables import MONEY
from billing.frame.audit_log import require_reason
from billing.frame.codes import RECEIPT
from billing.frame.errors import Refused
from billing.frame.http.authentication import WRITERS, opened_to
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import BINARY, LOCATION, ApiBlueprint
from billing.frame.http.paging import Page, listed_page, page
from billing.frame.http.problems import placed as in_places
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.tokens import RECEIPTS
from billing.receivables.open_items.open_items import OPEN_ITEM_KEY, open_items_listed
from billing.receivables.open_items.shapes import OpenItem
from billing.receivables.receipts.acknowledgement import acknowledgement
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.applying_credits import apply_credits
from billing.receivables.receipts.approving import REFUND
from billing.receivables.receipts.certificates import (
    WITHHOLDING_KEY,
    record_certificate,
    withdraw_certificate,
    withholdings_select,
)
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.noticing import Booking
from billing.receivables.receipts.orders import (
    AUTOMATIC,
    SHORTFALLS,
    Allocations,
    Leg,
    Part,
    ReceiptOrder,
)
from billing.receivables.receipts.placing import place, withdraw
from billing.receivables.receipts.queries import (
    ALLOCATION_KEY,
    RECEIPTS_LISTING,
    REFUND_KEY,
    allocations,
    find_allocation,
    receipt_story,
    receipts,
    refunds,
)
from billing.receivables.receipts.receiving import Recorded, record_receipts
from billing.receivables.receipts.refunding import RefundOrder
from billing.receivables.receipts.request_fields import (
    ALLOCATION_FIELDS,
    ALLOCATION_FILTERS,
    APPLICATION_FIELDS,
    BATCH_FIELDS,
    CERTIFICATE_FIELDS,
    CERTIFICATE_WITHDRAWAL_FIELDS,
    CLEARING_FIELDS,
    EXPLICIT,
    NAMED_UNDOING_FIELDS,
    OPEN_ITEM_FILTERS,
    PLACEMENT_FIELDS,
    RECEIPT_FIELDS,
    RECEIPT_FILTERS,
    REFUND_FIELDS,
    REFUND_FILTERS,
    RETURN_FIELDS,
    UNDOING_FIELDS,
    WITHDRAWAL_FIELDS,
    WITHHOLDING_FILTERS,
)
from billing.receivables.receipts.shapes import (
    Allocation,
    Applied,
    Batch,
    Receipt,
    ReceiptStory,
    Refund,
    Withholding,
)
from billing.receivables.receipts.undoing import undo, undo_named
from invoices.rendering.letter import render_letter

blueprint = ApiBlueprint(
    "receipts", __name__, url_prefix="/v1", description="Money in, and what it settles", fine_scope=RECEIPTS
)


def _flag(query: Mapping[str, Any], name: str) -> bool | None:
    return None if query.get(name) is None else query[name] == "true"


def _parts(order: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(Part(part["invoice"], part["amount"]) for part in order["allocations"])


def _order(order: Mapping[str, Any]) -> ReceiptOrder:
    shortfalls = [Leg(kind, order[kind]) for kind in SHORTFALLS if order.get(kind) is not None]
    wanted: Allocations = order["allocation"]
    if wanted == EXPLICIT or order["allocations"]:
        wanted = _parts(order)
    return ReceiptOrder(
        means=order["means"],
        reference=order["reference"],
        value_date=order["value_date"],
        tenant=order["tenant"],
        legs=(Leg(MONEY, order["amount"]), *shortfalls),
        allocations=wanted,
        payer_text=order["payer_text"],
        currency=order["currency"],
        site=order["site"],
        occurrence=order["occurrence"],
        reason=order["reason"],
    )


def _receive(connection: Connection, orders: list[Mapping[str, Any]], source: str) -> list[Recorded]:
    state = service()
    return record_receipts(
        connection,
        [_order(order) for order in orders],
        recorded_at=state.clock(),
        terms=state.settings.terms,
        source=source,
        lines=list(range(1, len(orders) + 1)) if source == "receipts" else None,
        seller=state.settings.operator.party,
    )


@blueprint.route("/receipts")
@blueprint.response(200, Page[Receipt])
@blueprint.arguments(query_schema("ReceiptQuery", RECEIPT_FILTERS, RECEIPTS_LISTING), location="query")
@reads
def list_receipts(connection: Connection, query: Mapping[str, Any]) -> Page[Receipt]:
    """The receipts, in the order they were recorded."""
    statement = receipts(
        tenant=query.get("tenant"),
        means=query.get("means"),
        state=query.get("state"),
        from_day=query.get("from"),
        until=query.get("until"),
        unplaced=_flag(query, "unplaced"),
    )
    return listed_page(connection, RECEIPTS_LISTING, statement, query, lambda rows: list(map(Receipt.of, rows)))


@blueprint.route("/receipts", methods=["POST"])
@blueprint.response(201, ReceiptStory, headers=LOCATION)
@blueprint.alt_response(200, schema=ReceiptStory)
@blueprint.arguments(strict_schema("ReceiptOrderBody", RECEIPT_FIELDS))
@writes
def create_receipt(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Record money that came in, allocate and book it: 201; 200 with the receipt that stands, where it is the same."""
    (recorded,) = _receive(connection, [order], "receipt")
    story = receipt_story(connection, recorded.key, recorded.warnings)
    address = {"Location": f"/v1/receipts/{RECEIPT.format(recorded.key)}"}
    return Answer(story, 201 if recorded.is_new else 200, address)


@blueprint.route("/receipts/batch", methods=["POST"])
@blueprint.response(201, Batch)
@blueprint.alt_response(200, schema=Batch)
@blueprint.arguments(strict_schema("ReceiptBatch", BATCH_FIELDS))
@writes
def create_receipts(connection: Connection, batch: Mapping[str, Any]) -> Answer:
    """Record many receipts, all or none; each fault names its receipt by its place. 200 where all of them stood."""
    try:
        recorded = _receive(connection, batch["receipts"], "receipts")
    except Refused as refused:
        raise in_places(refused, "receipts.{}.".format) from None
    numbers = [RECEIPT.format(receipt.key) for receipt in recorded]
    warnings = tuple(
        f"{number}: {warning}"
        for number, receipt in zip(numbers, recorded, strict=True)
        for warning in receipt.warnings
    )
    made_any = any(receipt.is_new for receipt in recorded)
    return Answer(Batch(receipts=numbers, warnings=warnings), 201 if made_any else 200)


@blueprint.route("/receipts/<money:received>")
@blueprint.response(200, ReceiptStory)
@reads
def get_receipt(connection: Connection, received: int) -> ReceiptStory:
    """One receipt with its story: legs and certificates, placements, allocations, refunds, clearing, return."""
    return receipt_story(connection, received)


@blueprint.route("/receipts/<money:received>/acknowledgement")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_acknowledgement(connection: Connection, received: int) -> Response:
    """The acknowledgement of a payment on paper, in its tenant's language: what it settles by now."""
    letter = acknowledgement(connection, received, service().settings.operator.party)
    return Response(render_letter(letter), content_type="application/pdf")


@blueprint.route("/receipts/<money:received>/allocations", methods=["POST"])
@blueprint.makes(ReceiptStory)
@blueprint.arguments(strict_schema("AllocationOrder", ALLOCATION_FIELDS))
@writes
def create_allocation(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Let a receipt settle invoices with what it has left; those named may be of any tenant. 200: it settled none."""
    state, parts = service(), _parts(order)
    wanted = AUTOMATIC if order["allocation"] == AUTOMATIC and not parts else parts
    booking = Booking(connection, order["on"])
    settled = allocate(
        connection, received, wanted, recorded_at=state.clock(), terms=state.settings.terms, on=order["on"]
    )
    return Answer(receipt_story(connection, received, [booking.late()]), 201 if settled else 200)


@blueprint.route("/receipts/<money:received>/placements", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("PlacementOrder", PLACEMENT_FIELDS))
@writes
def create_placement(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Say whose a receipt is that nobody could place, or a part of it: all that is left unless an amount is given."""
    state = service()
    booking = Booking(connection, order["on"])
    place(
        connection,
        received,
        order["tenant"],
        order["amount"],
        recorded_at=state.clock(),
        terms=state.settings.terms,
        on=order["on"],
    )
    return Answer(receipt_story(connection, received, [booking.late()]), 201)


@blueprint.route("/receipts/<money:received>/withdrawals", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("WithdrawalOrder", WITHDRAWAL_FIELDS))
@writes
def create_withdrawal(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Say that money was not the tenant's after all: what settles nothing is nobody's again."""
    booking = Booking(connection, order["on"])
    withdraw(
        connection,
        received,
        order["tenant"],
        order["amount"],
        reason=order["reason"],
        recorded_at=service().clock(),
        on=order["on"],
    )
    return Answer(receipt_story(connection, received, [booking.late()]), 201)


@blueprint.route("/receipts/<money:received>/undoings", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("NamedUndoingOrder", NAMED_UNDOING_FIELDS))
@writes
def undo_received(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Take back what a receipt settles of an invoice: exactly what that moved moves back, and both acts stay."""
    booking = Booking(connection, order["on"])
    undo_named(
        connection,
        RECEIPT.format(received),
        order["invoice"],
        reason=order["reason"],
        recorded_at=service().clock(),
        on=order["on"],
    )
    return Answer(receipt_story(connection, received, [booking.late()]), 201)


@blueprint.route("/receipts/<money:received>/clear", methods=["POST"])
@blueprint.response(200, ReceiptStory)
@blueprint.arguments(strict_schema("ClearingOrder", CLEARING_FIELDS))
@writes
def clear_receipt(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record that the bank has credited a cheque or bill: its VAT falls due on that day."""
    state = service()
    booking = Booking(connection, order["on"])
    clear(connection, received, order["on"], recorded_at=state.clock(), terms=state.settings.terms)
    return Answer(receipt_story(connection, received, [booking.late()]))


@blueprint.route("/receipts/<money:received>/bounce", methods=["POST"])
@blueprint.response(200, ReceiptStory)
@blueprint.arguments(strict_schema("ReturnOrder", RETURN_FIELDS))
@writes
def bounce_receipt(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record that a cheque or bill came back unpaid: all it settled is open again, in the open period."""
    booking = Booking(connection, order["on"])
    bounce(connection, received, order["on"], order["reason"], recorded_at=service().clock())
    return Answer(receipt_story(connection, received, [booking.late()]))


@blueprint.route("/receipts/<money:received>/certificates", methods=["POST"])
@blueprint.makes(ReceiptStory)
@blueprint.arguments(strict_schema("CertificateOrder", CERTIFICATE_FIELDS))
@writes
def create_certificate(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record the certificate of a tax withheld; another one replaces it for a reason."""
    record_certificate(
        connection, received, order["kind"], order["number"], order["certified_on"], recorded_at=service().clock()
    )
    return made(connection, receipt_story(connection, received))


@blueprint.route("/receipts/<money:received>/certificates/withdrawal", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("CertificateWithdrawalOrder", CERTIFICATE_WITHDRAWAL_FIELDS))
@writes
def withdraw_received_certificate(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Withdraw a certificate that was entered by mistake: the one before counts again, or its tax waits for one."""
    withdraw_certificate(connection, received, order["kind"], reason=order["reason"], recorded_at=service().clock())
    return Answer(receipt_story(connection, received), 201)


@blueprint.route("/withholdings")
@blueprint.response(200, Page[Withholding])
@blueprint.arguments(query_schema("WithholdingQuery", WITHHOLDING_FILTERS), location="query")
@reads
def list_withholdings(connection: Connection, query: Mapping[str, Any]) -> Page[Withholding]:
    """Taxes withheld of receipts, each with its certificate or none yet; those of returned cheques left out."""
    statement = withholdings_select(missing=_flag(query, "missing"), tenant=query.get("tenant"))
    return page(connection, statement, WITHHOLDING_KEY, query, Withholding.of)


@blueprint.route("/allocations")
@blueprint.response(200, Page[Allocation])
@blueprint.arguments(query_schema("AllocationQuery", ALLOCATION_FILTERS), location="query")
@reads
def list_allocations(connection: Connection, query: Mapping[str, Any]) -> Page[Allocation]:
    """The allocations, in the order they were made; undone ones too, with the day and the reason."""
    statement = allocations(tenant=query.get("tenant"), invoice=query.get("invoice"))
    return page(connection, statement, ALLOCATION_KEY, query, Allocation.of)


@blueprint.route("/allocations", methods=["POST"])
@blueprint.makes(Applied)
@blueprint.arguments(strict_schema("CreditApplication", APPLICATION_FIELDS))
@writes
def apply_all_credits(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Let credits settle what is open, as after each run: credit notes first, then money carried forward."""
    tenants = None if order["tenant"] is None else [order["tenant"]]
    settled = apply_credits(connection, recorded_at=service().clock(), tenants=tenants)
    return Answer(Applied(allocations=settled), 201 if settled else 200)


@blueprint.route("/allocations/<serial:allocated>/undo", methods=["POST"])
@blueprint.response(200, Allocation)
@blueprint.arguments(strict_schema("UndoingOrder", UNDOING_FIELDS))
@writes
def undo_allocation(connection: Connection, order: Mapping[str, Any], allocated: int) -> Answer:
    """Take an allocation back in the open period: exactly what it moved moves back, and both acts stay."""
    undo(connection, allocated, reason=order["reason"], recorded_at=service().clock(), on=order["on"])
    return Answer(Allocation.of(find_allocation(connection, allocated)))


@blueprint.route("/refunds")
@blueprint.response(200, Page[Refund])
@blueprint.arguments(query_schema("RefundQuery", REFUND_FILTERS), location="query")
@reads
def list_refunds(connection: Connection, query: Mapping[str, Any]) -> Page[Refund]:
    """The refunds, in order."""
    return page(connection, refunds(tenant=query.get("tenant")), REFUND_KEY, query, Refund.of)


@blueprint.route("/refunds", methods=["POST"])
@blueprint.makes(Refund)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("RefundOrder", REFUND_FIELDS))
@opened_to(WRITERS)
@writes
def create_refund(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Pay back a tenant's credit, a credit note, or what nobody could place; the reason is required."""
    wanted = RefundOrder(
        means=order["means"],
        reference=order["reference"],
        refunded_on=order["refunded_on"],
        amount=order["amount"],
        reason=require_reason(connection, "a refund"),
        receipt=order["receipt"],
        tenant=order["tenant"],
        credit_note=order["credit_note"],
    )
    return placed(connection, REFUND, wanted, lambda done: Answer(done.answer, 201 if done.changed else 200))


@blueprint.route("/open-items")
@blueprint.response(200, Page[OpenItem])
@blueprint.arguments(query_schema("OpenItemQuery", OPEN_ITEM_FILTERS), location="query")
@reads
def list_open_items(connection: Connection, query: Mapping[str, Any]) -> Page[OpenItem]:
    """The invoices not paid and the credit notes not used, in the order they were issued."""
    statement = open_items_listed(tenant=query.get("tenant"), on=query.get("on"))
    return page(connection, statement, OPEN_ITEM_KEY, query, OpenItem.of)
