"""Receipts: money in, its story, what it settles, what it is short by; and what is open."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, not_

from billing.entries.receivables import BILL, CARD, CASH_PAID, CHEQUE, TRANSFER, number_of
from billing.frame.audit_log import require_reason
from billing.frame.http.fields import Amount, Code, Day, ReceiptNumber
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.open_items.open_items import OpenItem, open_items_select
from billing.receivables.receipts.allocating import allocate, apply_credits, place, undo, withdraw
from billing.receivables.receipts.certificates import (
    is_missing,
    record_certificate,
    withholding_json,
    withholdings_select,
)
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.listing import (
    STATES,
    allocation_json,
    allocations,
    find_allocation,
    in_state,
    is_unplaced,
    of_tenant,
    open_item_json,
    receipt_json,
    receipt_story,
    receipts,
    refund_json,
    refunds,
)
from billing.receivables.receipts.receiving import (
    AUTOMATIC,
    LEG_KINDS,
    NONE,
    PAYER_TEXT_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    WITHHOLDINGS,
    Leg,
    Part,
    ReceiptOrder,
    receive,
)
from billing.receivables.receipts.refunding import REFUND_MEANS, RefundOrder, refund_credit
from billing.receivables.tables.receipts import allocation, receipt, receipt_leg, refund
from invoices.models import document

_TEXT = fields.String
MEANS = (TRANSFER, CHEQUE, CASH_PAID, BILL, CARD)
BATCH_MAX = 1000
_PARTS_MAX = 500
EXPLICIT = "explicit"
_NUMBER_DOC = {"pattern": "^(FA|AV)-[0-9]{4}-[0-9]{6,12}$", "example": "FA-2026-000001"}


class LegSchema(Schema):
    """A part of what a receipt settles: the money, a tax withheld with its certificate, charges."""

    kind = _TEXT(required=True, validate=validate.OneOf(LEG_KINDS))
    amount = _TEXT(required=True)
    account = _TEXT(required=True)
    certificate = _TEXT(required=True, allow_none=True)
    certified_on = _TEXT(required=True, allow_none=True)


class PlacementSchema(Schema):
    """So much of a receipt is a tenant's, and so much of it settles nothing yet."""

    tenant = _TEXT(required=True)
    amount = _TEXT(required=True)
    left = _TEXT(required=True)
    placed_on = _TEXT(required=True)
    account = _TEXT(required=True)


class AllocationSchema(Schema):
    """So much of a receipt, or of a credit note, settles an invoice."""

    id = fields.Integer(required=True)
    receipt = _TEXT(required=True, allow_none=True)
    credit_note = _TEXT(required=True, allow_none=True)
    invoice = _TEXT(required=True)
    tenant = _TEXT(required=True)
    amount = _TEXT(required=True)
    allocated_on = _TEXT(required=True)
    how = _TEXT(required=True, validate=validate.OneOf(("explicit", "reference", "oldest", "credit", "note")))
    undone_on = _TEXT(required=True, allow_none=True)
    undone_for = _TEXT(required=True, allow_none=True)


class RefundSchema(Schema):
    """Money paid back."""

    number = _TEXT(required=True)
    means = _TEXT(required=True, validate=validate.OneOf(REFUND_MEANS))
    reference = _TEXT(required=True)
    refunded_on = _TEXT(required=True)
    receipt = _TEXT(required=True, allow_none=True)
    credit_note = _TEXT(required=True, allow_none=True)
    tenant = _TEXT(required=True, allow_none=True)
    amount = _TEXT(required=True)
    reason = _TEXT(required=True)


class ReceiptEventSchema(Schema):
    """A cheque or bill that was cleared, or came back."""

    kind = _TEXT(required=True, validate=validate.OneOf(("cleared", "bounced")))
    happened_on = _TEXT(required=True)
    booked_on = _TEXT(required=True)
    reason = _TEXT(required=True, allow_none=True)


class ReceiptSchema(Schema):
    """A receipt as lists show it."""

    number = _TEXT(required=True)
    means = _TEXT(required=True, validate=validate.OneOf((*MEANS, "deposit")))
    reference = _TEXT(required=True)
    value_date = _TEXT(required=True)
    tenant = _TEXT(required=True, allow_none=True)
    site = _TEXT(required=True, allow_none=True)
    amount = _TEXT(required=True)
    payer_text = _TEXT(required=True)
    asked = _TEXT(required=True)
    state = _TEXT(required=True, validate=validate.OneOf(STATES))


class ReceiptStorySchema(ReceiptSchema):
    """A receipt with all that became of it."""

    legs = fields.List(fields.Nested(LegSchema), required=True)
    placements = fields.List(fields.Nested(PlacementSchema), required=True)
    unplaced = _TEXT(required=True)
    allocations = fields.List(fields.Nested(AllocationSchema), required=True)
    refunds = fields.List(fields.Nested(RefundSchema), required=True)
    events = fields.List(fields.Nested(ReceiptEventSchema), required=True)


class BatchSchema(Schema):
    """The receipts of a batch, in its order."""

    receipts = fields.List(_TEXT(), required=True)


class AppliedSchema(Schema):
    """The allocations that credits made."""

    allocations = fields.List(fields.Integer(), required=True)


class WithholdingSchema(Schema):
    """A tax withheld of a receipt, and its certificate, once there is one."""

    receipt = _TEXT(required=True)
    kind = _TEXT(required=True, validate=validate.OneOf(WITHHOLDINGS))
    tenant = _TEXT(required=True, allow_none=True)
    means = _TEXT(required=True)
    reference = _TEXT(required=True)
    value_date = _TEXT(required=True)
    amount = _TEXT(required=True)
    certificate = _TEXT(required=True, allow_none=True)
    certified_on = _TEXT(required=True, allow_none=True)


class OpenItemSchema(Schema):
    """A document of which something is open; below nil on a credit note."""

    number = _TEXT(required=True)
    kind = _TEXT(required=True)
    tenant = _TEXT(required=True)
    issued_on = _TEXT(required=True)
    due_on = _TEXT(required=True)
    gross = _TEXT(required=True)
    open = _TEXT(required=True)


def _reference() -> fields.Field[Any]:
    return fields.String(
        required=True, validate=[validate.Length(1, REFERENCE_LENGTH_MAX), validate.ContainsNoneOf("\0")]
    )


def _reason() -> fields.Field[Any]:
    return fields.String(required=True, validate=[validate.Length(1, 500), validate.ContainsNoneOf("\0")])


def _flag(description: str) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf(("true", "false")), metadata={"description": description})


def _on() -> fields.Field[Any]:
    return Day(load_default=None, allow_none=True, metadata={"description": "Today in Casablanca unless given"})


_PART = strict_schema(
    "AllocationPart", {"invoice": _TEXT(required=True, metadata=_NUMBER_DOC), "amount": Amount(required=True)}
)
_PARTS: Mapping[str, fields.Field[Any]] = {
    "allocation": fields.String(
        load_default=AUTOMATIC,
        validate=validate.OneOf((AUTOMATIC, NONE, EXPLICIT)),
        metadata={"description": "`explicit` settles the invoices named in `allocations`"},
    ),
    "allocations": fields.List(fields.Nested(_PART), load_default=list, validate=validate.Length(max=_PARTS_MAX)),
}
_RECEIPT: Mapping[str, fields.Field[Any]] = {
    "means": fields.String(required=True, validate=validate.OneOf(MEANS)),
    "reference": _reference(),
    "value_date": Day(required=True),
    "tenant": Code(load_default=None, allow_none=True, metadata={"description": "null: nobody knows yet"}),
    "site": Code(load_default=None, allow_none=True, metadata={"description": "The till that took cash"}),
    "amount": Amount(required=True, metadata={"description": "What came in"}),
    "rent_withholding": Amount(load_default=None, allow_none=True),
    "vat_withholding": Amount(load_default=None, allow_none=True),
    "bank_charges": Amount(load_default=None, allow_none=True),
    "payer_text": fields.String(
        load_default="", validate=[validate.Length(max=PAYER_TEXT_LENGTH_MAX), validate.ContainsNoneOf("\0")]
    ),
    "currency": fields.String(load_default="MAD", validate=validate.Length(3, 3)),
    **_PARTS,
}
_BATCH = {
    "receipts": fields.List(
        fields.Nested(strict_schema("ReceiptOrder", _RECEIPT)), required=True, validate=validate.Length(1, BATCH_MAX)
    )
}
_QUERY: Mapping[str, fields.Field[Any]] = {
    "tenant": Code(),
    "means": fields.String(validate=validate.OneOf((*MEANS, "deposit"))),
    "state": fields.String(validate=validate.OneOf(STATES)),
    "from": Day(),
    "until": Day(),
    "unplaced": _flag("true: only those of which a part is nobody's"),
}
blueprint = ApiBlueprint("receipts", __name__, url_prefix="/v1", description="Money in, and what it settles")


def _order(found: Mapping[str, Any]) -> ReceiptOrder:
    legs = [Leg("money", found["amount"])]
    legs += [Leg(kind, found[kind]) for kind in LEG_KINDS if found.get(kind) is not None]
    wanted: Any = found["allocation"]
    if wanted == EXPLICIT or found["allocations"]:
        wanted = tuple(Part(part["invoice"], part["amount"]) for part in found["allocations"])
    return ReceiptOrder(
        found["means"], found["reference"], found["value_date"], found["tenant"], tuple(legs), wanted,
        found["payer_text"], found["currency"], found["site"],
    )  # fmt: skip


def _receive(connection: Connection, orders: list[Mapping[str, Any]], source: str) -> list[int]:
    found = service()
    return receive(
        connection,
        [_order(order) for order in orders],
        recorded_at=found.clock(),
        terms=found.settings.terms,
        source=source,
        lines=list(range(1, len(orders) + 1)) if source == "receipts" else None,
        seller=found.settings.operator.party,
    )


@blueprint.route("/receipts")
@blueprint.response(200, page_schema(ReceiptSchema, "Receipt"))
@blueprint.arguments(query_schema("ReceiptQuery", _QUERY), location="query")
@reads
def list_receipts(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The receipts, in the order they were recorded."""
    found = receipts()
    if query.get("tenant") is not None:
        found = found.where(of_tenant(query["tenant"]))
    if query.get("means") is not None:
        found = found.where(receipt.c.means == query["means"])
    if query.get("state") is not None:
        found = found.where(in_state(query["state"]))
    if query.get("from") is not None:
        found = found.where(receipt.c.value_date >= query["from"])
    if query.get("until") is not None:
        found = found.where(receipt.c.value_date <= query["until"])
    if query.get("unplaced") is not None:
        found = found.where(is_unplaced() if query["unplaced"] == "true" else not_(is_unplaced()))
    return page(connection, found, (receipt.c.id,), query, receipt_json)


@blueprint.route("/receipts", methods=["POST"])
@blueprint.response(201, ReceiptStorySchema)
@blueprint.arguments(strict_schema("ReceiptOrderBody", _RECEIPT))
@writes
def create_receipt(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Record money that came in, allocate and book it; the same means, reference and value date count once."""
    (key,) = _receive(connection, [order], "receipt")
    return Answer(receipt_story(connection, key), 201, {"Location": f"/v1/receipts/{number_of(key)}"})


@blueprint.route("/receipts/batch", methods=["POST"])
@blueprint.response(201, BatchSchema)
@blueprint.arguments(strict_schema("ReceiptBatch", _BATCH))
@writes
def create_receipts(connection: Connection, batch: Mapping[str, Any]) -> Answer:
    """Record many receipts, all or none; each fault names its receipt by its place in the batch."""
    keys = _receive(connection, batch["receipts"], "receipts")
    return Answer({"receipts": [number_of(key) for key in keys]}, 201)


@blueprint.route("/receipts/<money:received>")
@blueprint.response(200, ReceiptStorySchema)
@reads
def get_receipt(connection: Connection, received: int) -> dict[str, Any]:
    """One receipt with its story: legs and certificates, placements, allocations, refunds, clearing, return."""
    return receipt_story(connection, received)


_ALLOCATE = {"on": _on(), **_PARTS}


@blueprint.route("/receipts/<money:received>/allocations", methods=["POST"])
@blueprint.response(201, ReceiptStorySchema)
@blueprint.arguments(strict_schema("AllocationOrder", _ALLOCATE))
@writes
def create_allocation(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Let a receipt settle invoices with what it has left; those named may be of any tenant."""
    parts: Any = [Part(part["invoice"], part["amount"]) for part in order["allocations"]]
    if order["allocation"] == AUTOMATIC and not parts:
        parts = AUTOMATIC
    found = service()
    allocate(
        connection, received, parts, recorded_at=found.clock(), terms=found.settings.terms, on=order["on"]
    )  # fmt: skip
    return Answer(receipt_story(connection, received), 201)


_PLACE = {"tenant": Code(required=True), "amount": Amount(load_default=None, allow_none=True), "on": _on()}


@blueprint.route("/receipts/<money:received>/placements", methods=["POST"])
@blueprint.response(201, ReceiptStorySchema)
@blueprint.arguments(strict_schema("PlacementOrder", _PLACE))
@writes
def create_placement(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Say whose a receipt is that nobody could place, or a part of it: all that is left unless an amount is given."""
    found = service()
    place(
        connection, received, order["tenant"], order["amount"], recorded_at=found.clock(), terms=found.settings.terms,
        on=order["on"],
    )  # fmt: skip
    return Answer(receipt_story(connection, received), 201)


@blueprint.route("/receipts/<money:received>/withdrawals", methods=["POST"])
@blueprint.response(201, ReceiptStorySchema)
@blueprint.arguments(strict_schema("WithdrawalOrder", {**_PLACE, "reason": _reason()}))
@writes
def create_withdrawal(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Say that money was not the tenant's after all: what settles nothing is nobody's again."""
    withdraw(
        connection, received, order["tenant"], order["amount"], reason=order["reason"], recorded_at=service().clock(),
        on=order["on"],
    )  # fmt: skip
    return Answer(receipt_story(connection, received), 201)


@blueprint.route("/receipts/<money:received>/clear", methods=["POST"])
@blueprint.response(200, ReceiptStorySchema)
@blueprint.arguments(strict_schema("ClearingOrder", {"on": Day(required=True)}))
@writes
def clear_receipt(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record that the bank has credited a cheque or bill: its VAT falls due on that day."""
    found = service()
    clear(connection, received, order["on"], recorded_at=found.clock(), terms=found.settings.terms)
    return Answer(receipt_story(connection, received))


_BOUNCE = {"on": Day(required=True), "reason": _reason()}


@blueprint.route("/receipts/<money:received>/bounce", methods=["POST"])
@blueprint.response(200, ReceiptStorySchema)
@blueprint.arguments(strict_schema("ReturnOrder", _BOUNCE))
@writes
def bounce_receipt(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record that a cheque or bill came back unpaid: all it settled is open again, in the open period."""
    bounce(connection, received, order["on"], order["reason"], recorded_at=service().clock())
    return Answer(receipt_story(connection, received))


_CERTIFICATE = {
    "kind": fields.String(required=True, validate=validate.OneOf(WITHHOLDINGS)),
    "number": _reference(),
    "certified_on": Day(required=True),
}


@blueprint.route("/receipts/<money:received>/certificates", methods=["POST"])
@blueprint.response(201, ReceiptStorySchema)
@blueprint.arguments(strict_schema("CertificateOrder", _CERTIFICATE))
@writes
def create_certificate(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Record the certificate of a tax withheld; another one replaces it for a reason (X-Reason)."""
    record_certificate(
        connection, received, order["kind"], order["number"], order["certified_on"], recorded_at=service().clock()
    )
    return Answer(receipt_story(connection, received), 201)


@blueprint.route("/withholdings")
@blueprint.response(200, page_schema(WithholdingSchema, "Withholding"))
@blueprint.arguments(
    query_schema(
        "WithholdingQuery",
        {"tenant": Code(), "missing": _flag("true: only those without certificate")},
    ),
    location="query",
)
@reads
def list_withholdings(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Taxes withheld of receipts, each with its certificate or none yet; those of returned cheques left out."""
    found = withholdings_select()
    if query.get("tenant") is not None:
        found = found.where(receipt.c.tenant == query["tenant"])
    if query.get("missing") is not None:
        found = found.where(is_missing() if query["missing"] == "true" else not_(is_missing()))
    return page(connection, found, (receipt_leg.c.receipt_id, receipt_leg.c.kind), query, withholding_json)


@blueprint.route("/allocations")
@blueprint.response(200, page_schema(AllocationSchema, "Allocation"))
@blueprint.arguments(query_schema("AllocationQuery", {"tenant": Code(), "invoice": Code()}), location="query")
@reads
def list_allocations(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """What settles what, in the order it was said; undone allocations too, with the day and the reason."""
    found = allocations()
    if query.get("tenant") is not None:
        found = found.where(allocation.c.tenant == query["tenant"])
    if query.get("invoice") is not None:
        found = found.where(document.c.number == query["invoice"])
    return page(connection, found, (allocation.c.id,), query, allocation_json)


@blueprint.route("/allocations", methods=["POST"])
@blueprint.response(200, AppliedSchema)
@blueprint.arguments(strict_schema("CreditApplication", {"tenant": Code(load_default=None, allow_none=True)}))
@writes
def apply_all_credits(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Let credits settle what is open, as after each run: credit notes first, then money carried forward."""
    tenants = None if order["tenant"] is None else [order["tenant"]]
    return Answer({"allocations": apply_credits(connection, recorded_at=service().clock(), tenants=tenants)})


@blueprint.route("/allocations/<serial:allocated>/undo", methods=["POST"])
@blueprint.response(200, AllocationSchema)
@blueprint.arguments(strict_schema("UndoingOrder", {"on": _on(), "reason": _reason()}))
@writes
def undo_allocation(connection: Connection, order: Mapping[str, Any], allocated: int) -> Answer:
    """Take an allocation back in the open period: exactly what it moved moves back, and both acts stay."""
    undo(connection, allocated, reason=order["reason"], recorded_at=service().clock(), on=order["on"])
    return Answer(allocation_json(find_allocation(connection, allocated)))


_REFUND: Mapping[str, fields.Field[Any]] = {
    "means": fields.String(load_default=TRANSFER, validate=validate.OneOf(REFUND_MEANS)),
    "reference": _reference(),
    "refunded_on": Day(required=True),
    "amount": Amount(load_default=None, allow_none=True, metadata={"description": "All that is left unless given"}),
    "receipt": ReceiptNumber(load_default=None, allow_none=True),
    "tenant": Code(load_default=None, allow_none=True, metadata={"description": "Whose part of the receipt"}),
    "credit_note": _TEXT(load_default=None, allow_none=True, metadata=_NUMBER_DOC),
}


@blueprint.route("/refunds")
@blueprint.response(200, page_schema(RefundSchema, "Refund"))
@blueprint.arguments(query_schema("RefundQuery", {"tenant": Code()}), location="query")
@reads
def list_refunds(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """What was paid back, in order."""
    found = refunds()
    if query.get("tenant") is not None:
        found = found.where(refund.c.tenant == query["tenant"])
    return page(connection, found, (refund.c.id,), query, refund_json)


@blueprint.route("/refunds", methods=["POST"])
@blueprint.response(201, RefundSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("RefundOrder", _REFUND))
@writes
def create_refund(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Pay back a tenant's credit, a credit note, or what nobody could place; the reason is required (X-Reason)."""
    reason = require_reason(connection, "a refund")
    wanted = RefundOrder(
        order["means"], order["reference"], order["refunded_on"], order["amount"], reason, order["receipt"],
        order["tenant"], order["credit_note"],
    )  # fmt: skip
    key = refund_credit(connection, wanted, recorded_at=service().clock(), terms=service().settings.terms)
    row = connection.execute(refunds().where(refund.c.id == key)).one()
    return Answer(refund_json(row), 201)


@blueprint.route("/open-items")
@blueprint.response(200, page_schema(OpenItemSchema, "OpenItem"))
@blueprint.arguments(
    query_schema("OpenItemQuery", {"tenant": Code(), "on": Day(metadata={"description": "At the end of that day"})}),
    location="query",
)
@reads
def list_open_items(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The invoices not paid and the credit notes not used, in the order they were issued."""
    on: date | None = query.get("on")
    found = open_items_select(on)
    if query.get("tenant") is not None:
        found = found.where(document.c.tenant == query["tenant"])
    # The key under its own name, as the cursor reads it.
    found = found.add_columns(document.c.id)
    return page(connection, found, (document.c.id,), query, _open_item)


def _open_item(row: Any) -> dict[str, Any]:
    return open_item_json(OpenItem(*(row._mapping[name] for name in OpenItem._fields)))
