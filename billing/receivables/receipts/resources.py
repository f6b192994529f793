"""Receipts: money in, its story, what it settles, what it is short by; and open items."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.entries.receivables import MONEY, TRANSFER, WITHHOLDINGS, Means
from billing.frame.audit_log import REASON_LENGTH_MAX, require_reason
from billing.frame.codes import RECEIPT
from billing.frame.http.fields import Amount, Code, Day, ReceiptNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.open_items.open_items import OPEN_ITEM_KEY, open_items_listed
from billing.receivables.open_items.shapes import OpenItem
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.applying_credits import apply_credits
from billing.receivables.receipts.certificates import WITHHOLDING_KEY, record_certificate, withholdings_select
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.orders import (
    AUTOMATIC,
    MEANS,
    NONE,
    PAYER_TEXT_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    SHORTFALLS,
    Allocations,
    Leg,
    Part,
    ReceiptOrder,
)
from billing.receivables.receipts.placing import place, withdraw
from billing.receivables.receipts.queries import (
    ALLOCATION_KEY,
    RECEIPT_KEY,
    REFUND_KEY,
    allocations,
    find_allocation,
    find_refund,
    receipt_story,
    receipts,
    refunds,
)
from billing.receivables.receipts.receiving import receive
from billing.receivables.receipts.refunding import REFUND_MEANS, RefundOrder, refund_credit
from billing.receivables.receipts.shapes import (
    Allocation,
    Applied,
    Batch,
    Receipt,
    ReceiptState,
    ReceiptStory,
    Refund,
    Withholding,
)
from billing.receivables.receipts.undoing import undo

BATCH_MAX = 1000
_PARTS_MAX = 500
EXPLICIT = "explicit"
_NUMBER_DOC = {"pattern": "^(FA|AV)-[0-9]{4}-[0-9]{6,12}$", "example": "FA-2026-000001"}


def _text(description: str, *, least: int = 1, most: int, **options: Any) -> fields.Field[Any]:
    judges = [validate.Length(least, most), validate.ContainsNoneOf("\0")]
    return fields.String(validate=judges, metadata={"description": description}, **options)


def _choice(description: str, choices: Sequence[str], **options: Any) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf(choices), metadata={"description": description}, **options)


def _reference(description: str) -> fields.Field[Any]:
    return _text(description, most=REFERENCE_LENGTH_MAX, required=True)


def _reason(description: str) -> fields.Field[Any]:
    return _text(description, most=REASON_LENGTH_MAX, required=True)


def _optional_amount(description: str) -> fields.Field[Any]:
    return Amount(load_default=None, allow_none=True, metadata={"description": description})


def _optional_code(description: str) -> fields.Field[Any]:
    return Code(load_default=None, allow_none=True, metadata={"description": description})


def _required_day(description: str) -> fields.Field[Any]:
    return Day(required=True, metadata={"description": description})


def _tenant_filter() -> fields.Field[Any]:
    return Code(metadata={"description": "Only those of this tenant"})


def _on() -> fields.Field[Any]:
    return Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "The day it is booked; today in Casablanca unless given"},
    )


def _flag(query: Mapping[str, Any], name: str) -> bool | None:
    return None if query.get(name) is None else query[name] == "true"


_PART = strict_schema(
    "AllocationPart",
    {
        "invoice": fields.String(required=True, metadata={**_NUMBER_DOC, "description": "The invoice's number"}),
        "amount": Amount(required=True, metadata={"description": "So much of it is settled"}),
    },
)
_PARTS: Mapping[str, fields.Field[Any]] = {
    "allocation": _choice(
        "`automatic` settles those its text names, then the oldest due; `explicit` those named in `allocations`",
        (AUTOMATIC, NONE, EXPLICIT),
        load_default=AUTOMATIC,
    ),
    "allocations": fields.List(
        fields.Nested(_PART),
        load_default=list,
        validate=validate.Length(max=_PARTS_MAX),
        metadata={"description": "The invoices that are settled, of any tenant"},
    ),
}
_RECEIPT: Mapping[str, fields.Field[Any]] = {
    "means": _choice("How the money came", MEANS, required=True),
    "reference": _reference("The bank's, the till's or the drawer's own: with means and value date it counts once"),
    "value_date": _required_day("The day of the bank or the till"),
    "tenant": _optional_code("Who paid; null: nobody knows yet"),
    "site": _optional_code("The till that took cash"),
    "amount": Amount(required=True, metadata={"description": "What came in"}),
    "rent_withholding": _optional_amount("Rent tax withheld at source"),
    "vat_withholding": _optional_amount("VAT withheld at source"),
    "bank_charges": _optional_amount("What the bank kept"),
    "payer_text": _text(
        "What the payer wrote: invoices it names are settled first",
        least=0,
        most=PAYER_TEXT_LENGTH_MAX,
        load_default="",
    ),
    "currency": fields.String(
        load_default="MAD", validate=validate.Length(3, 3), metadata={"description": "Books are kept in dirhams"}
    ),
    **_PARTS,
}
_BATCH = {
    "receipts": fields.List(
        fields.Nested(strict_schema("ReceiptOrder", _RECEIPT)),
        required=True,
        validate=validate.Length(1, BATCH_MAX),
        metadata={"description": "All are recorded, or none"},
    )
}
_QUERY: Mapping[str, fields.Field[Any]] = {
    "tenant": Code(metadata={"description": "Only those this tenant paid, or has a part of"}),
    "means": _choice("Only those of this means", tuple(Means)),
    "state": _choice("Only those in this state", tuple(ReceiptState)),
    "from": Day(metadata={"description": "First value date"}),
    "until": Day(metadata={"description": "Last value date, included"}),
    "unplaced": _choice("true: only those of which a part is nobody's", ("true", "false")),
}
blueprint = ApiBlueprint("receipts", __name__, url_prefix="/v1", description="Money in, and what it settles")


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
    )


def _receive(connection: Connection, orders: list[Mapping[str, Any]], source: str) -> list[int]:
    state = service()
    return receive(
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
@blueprint.arguments(query_schema("ReceiptQuery", _QUERY), location="query")
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
    return page(connection, statement, RECEIPT_KEY, query, Receipt.of)


@blueprint.route("/receipts", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("ReceiptOrderBody", _RECEIPT))
@writes
def create_receipt(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Record money that came in, allocate and book it; the same means, reference and value date count once."""
    (key,) = _receive(connection, [order], "receipt")
    return Answer(receipt_story(connection, key), 201, {"Location": f"/v1/receipts/{RECEIPT.format(key)}"})


@blueprint.route("/receipts/batch", methods=["POST"])
@blueprint.response(201, Batch)
@blueprint.arguments(strict_schema("ReceiptBatch", _BATCH))
@writes
def create_receipts(connection: Connection, batch: Mapping[str, Any]) -> Answer:
    """Record many receipts, all or none; each fault names its receipt by its place in the batch."""
    keys = _receive(connection, batch["receipts"], "receipts")
    return Answer(Batch(receipts=[RECEIPT.format(key) for key in keys]), 201)


@blueprint.route("/receipts/<money:received>")
@blueprint.response(200, ReceiptStory)
@reads
def get_receipt(connection: Connection, received: int) -> ReceiptStory:
    """One receipt with its story: legs and certificates, placements, allocations, refunds, clearing, return."""
    return receipt_story(connection, received)


_ALLOCATE = {"on": _on(), **_PARTS}


@blueprint.route("/receipts/<money:received>/allocations", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("AllocationOrder", _ALLOCATE))
@writes
def create_allocation(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Let a receipt settle invoices with what it has left; those named may be of any tenant."""
    state, parts = service(), _parts(order)
    wanted = AUTOMATIC if order["allocation"] == AUTOMATIC and not parts else parts
    allocate(connection, received, wanted, recorded_at=state.clock(), terms=state.settings.terms, on=order["on"])
    return Answer(receipt_story(connection, received), 201)


_PLACE: Mapping[str, fields.Field[Any]] = {
    "tenant": Code(required=True, metadata={"description": "The tenant"}),
    "amount": _optional_amount("So much of it; all that is left unless given"),
    "on": _on(),
}


@blueprint.route("/receipts/<money:received>/placements", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("PlacementOrder", _PLACE))
@writes
def create_placement(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Say whose a receipt is that nobody could place, or a part of it: all that is left unless an amount is given."""
    state = service()
    place(
        connection,
        received,
        order["tenant"],
        order["amount"],
        recorded_at=state.clock(),
        terms=state.settings.terms,
        on=order["on"],
    )
    return Answer(receipt_story(connection, received), 201)


@blueprint.route("/receipts/<money:received>/withdrawals", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("WithdrawalOrder", {**_PLACE, "reason": _reason("Why it is not the tenant's")}))
@writes
def create_withdrawal(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Say that money was not the tenant's after all: what settles nothing is nobody's again."""
    withdraw(
        connection,
        received,
        order["tenant"],
        order["amount"],
        reason=order["reason"],
        recorded_at=service().clock(),
        on=order["on"],
    )
    return Answer(receipt_story(connection, received), 201)


@blueprint.route("/receipts/<money:received>/clear", methods=["POST"])
@blueprint.response(200, ReceiptStory)
@blueprint.arguments(strict_schema("ClearingOrder", {"on": _required_day("The day the bank credited it")}))
@writes
def clear_receipt(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record that the bank has credited a cheque or bill: its VAT falls due on that day."""
    state = service()
    clear(connection, received, order["on"], recorded_at=state.clock(), terms=state.settings.terms)
    return Answer(receipt_story(connection, received))


_BOUNCE = {"on": _required_day("The day the bank sent it back"), "reason": _reason("Why it came back")}


@blueprint.route("/receipts/<money:received>/bounce", methods=["POST"])
@blueprint.response(200, ReceiptStory)
@blueprint.arguments(strict_schema("ReturnOrder", _BOUNCE))
@writes
def bounce_receipt(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record that a cheque or bill came back unpaid: all it settled is open again, in the open period."""
    bounce(connection, received, order["on"], order["reason"], recorded_at=service().clock())
    return Answer(receipt_story(connection, received))


_CERTIFICATE = {
    "kind": _choice("The tax withheld", WITHHOLDINGS, required=True),
    "number": _reference("The number on the certificate"),
    "certified_on": _required_day("The certificate's day"),
}


@blueprint.route("/receipts/<money:received>/certificates", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.arguments(strict_schema("CertificateOrder", _CERTIFICATE))
@writes
def create_certificate(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record the certificate of a tax withheld; another one replaces it for a reason (X-Reason)."""
    record_certificate(
        connection, received, order["kind"], order["number"], order["certified_on"], recorded_at=service().clock()
    )
    return Answer(receipt_story(connection, received), 201)


_WITHHOLDING_QUERY = {
    "tenant": _tenant_filter(),
    "missing": _choice("true: only those without certificate", ("true", "false")),
}


@blueprint.route("/withholdings")
@blueprint.response(200, Page[Withholding])
@blueprint.arguments(query_schema("WithholdingQuery", _WITHHOLDING_QUERY), location="query")
@reads
def list_withholdings(connection: Connection, query: Mapping[str, Any]) -> Page[Withholding]:
    """Taxes withheld of receipts, each with its certificate or none yet; those of returned cheques left out."""
    statement = withholdings_select(missing=_flag(query, "missing"), tenant=query.get("tenant"))
    return page(connection, statement, WITHHOLDING_KEY, query, Withholding.of)


_ALLOCATION_QUERY = {
    "tenant": _tenant_filter(),
    "invoice": Code(metadata={"description": "Only those that settle this invoice"}),
}


@blueprint.route("/allocations")
@blueprint.response(200, Page[Allocation])
@blueprint.arguments(query_schema("AllocationQuery", _ALLOCATION_QUERY), location="query")
@reads
def list_allocations(connection: Connection, query: Mapping[str, Any]) -> Page[Allocation]:
    """The allocations, in the order they were made; undone ones too, with the day and the reason."""
    statement = allocations(tenant=query.get("tenant"), invoice=query.get("invoice"))
    return page(connection, statement, ALLOCATION_KEY, query, Allocation.of)


@blueprint.route("/allocations", methods=["POST"])
@blueprint.response(200, Applied)
@blueprint.arguments(strict_schema("CreditApplication", {"tenant": _optional_code("Whose credits; null: everybody's")}))
@writes
def apply_all_credits(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Let credits settle what is open, as after each run: credit notes first, then money carried forward."""
    tenants = None if order["tenant"] is None else [order["tenant"]]
    made = apply_credits(connection, recorded_at=service().clock(), tenants=tenants)
    return Answer(Applied(allocations=made))


@blueprint.route("/allocations/<serial:allocated>/undo", methods=["POST"])
@blueprint.response(200, Allocation)
@blueprint.arguments(strict_schema("UndoingOrder", {"on": _on(), "reason": _reason("Why it is taken back")}))
@writes
def undo_allocation(connection: Connection, order: Mapping[str, Any], allocated: int) -> Answer:
    """Take an allocation back in the open period: exactly what it moved moves back, and both acts stay."""
    undo(connection, allocated, reason=order["reason"], recorded_at=service().clock(), on=order["on"])
    return Answer(Allocation.of(find_allocation(connection, allocated)))


_REFUND: Mapping[str, fields.Field[Any]] = {
    "means": _choice("Whether the bank or the till pays", REFUND_MEANS, load_default=TRANSFER),
    "reference": _reference("The bank's or the till's own: with means and day it counts once"),
    "refunded_on": _required_day("The day it was paid"),
    "amount": _optional_amount("All that is left unless given"),
    "receipt": ReceiptNumber(load_default=None, allow_none=True),
    "tenant": _optional_code("Whose part of the receipt; null: nobody's"),
    "credit_note": fields.String(
        load_default=None,
        allow_none=True,
        metadata={**_NUMBER_DOC, "description": "The credit note that is paid back"},
    ),
}


@blueprint.route("/refunds")
@blueprint.response(200, Page[Refund])
@blueprint.arguments(query_schema("RefundQuery", {"tenant": _tenant_filter()}), location="query")
@reads
def list_refunds(connection: Connection, query: Mapping[str, Any]) -> Page[Refund]:
    """The refunds, in order."""
    return page(connection, refunds(tenant=query.get("tenant")), REFUND_KEY, query, Refund.of)


@blueprint.route("/refunds", methods=["POST"])
@blueprint.response(201, Refund)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("RefundOrder", _REFUND))
@writes
def create_refund(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Pay back a tenant's credit, a credit note, or what nobody could place; the reason is required (X-Reason)."""
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
    key = refund_credit(connection, wanted, recorded_at=service().clock(), terms=service().settings.terms)
    return Answer(Refund.of(find_refund(connection, key)), 201)


_OPEN_ITEM_QUERY = {
    "tenant": _tenant_filter(),
    "on": Day(metadata={"description": "At the end of that day; now unless given"}),
}


@blueprint.route("/open-items")
@blueprint.response(200, Page[OpenItem])
@blueprint.arguments(query_schema("OpenItemQuery", _OPEN_ITEM_QUERY), location="query")
@reads
def list_open_items(connection: Connection, query: Mapping[str, Any]) -> Page[OpenItem]:
    """The invoices not paid and the credit notes not used, in the order they were issued."""
    statement = open_items_listed(tenant=query.get("tenant"), on=query.get("on"))
    return page(connection, statement, OPEN_ITEM_KEY, query, OpenItem.of)
