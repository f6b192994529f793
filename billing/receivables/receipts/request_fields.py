"""The fields of requests about receipts, and what the OpenAPI document says of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields, validate

from billing.entries.receivables import BROUGHT, TRANSFER, WITHHOLDINGS, Means
from billing.frame.http.fields import INVOICE_DOC, Amount, Code, Day, ReceiptNumber, WholeNumber
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import strict_schema
from billing.receivables.receipts.orders import (
    AUTOMATIC,
    MEANS,
    NONE,
    PAYER_TEXT_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
)
from billing.receivables.receipts.refunding import REFUND_MEANS
from billing.receivables.receipts.shapes import ReceiptState

BATCH_MAX = 1000
_PARTS_MAX = 500
_ALIKE_MAX = 100
EXPLICIT = "explicit"
_NUMBER_DOC = {"pattern": "^(FA|AV)-[0-9]{4}-[0-9]{6,12}$", "example": "FA-2026-000001"}


def _text(description: str, *, least: int | None = 1, most: int, **options: Any) -> fields.Field[Any]:
    judges = [validate.Length(least, most), validate.ContainsNoneOf("\0")]
    return fields.String(validate=judges, metadata={"description": description}, **options)


def _choice(description: str, choices: Sequence[str], **options: Any) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf(choices), metadata={"description": description}, **options)


def _reference(description: str) -> fields.Field[Any]:
    return _text(description, most=REFERENCE_LENGTH_MAX, required=True)


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
        metadata={
            "description": "The day it is booked. Unless given: the day the money came where it is placed or settles, "
            "today where something is taken back"
        },
    )


_PART = strict_schema(
    "AllocationPart",
    {
        "invoice": fields.String(required=True, metadata={**INVOICE_DOC, "description": "The invoice's number"}),
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
RECEIPT_FIELDS: Mapping[str, fields.Field[Any]] = {
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
        least=None,
        most=PAYER_TEXT_LENGTH_MAX,
        load_default="",
    ),
    "occurrence": WholeNumber(
        load_default=1,
        validate=validate.Range(1, _ALIKE_MAX),
        metadata={"description": "2: it is the second of two that are alike, as equal sums of cash on one day"},
    ),
    "reason": Reason(
        "Why it is right though it looks wrong: more tax withheld than the rates allow, an invoice of another tenant",
        required=False,
    ),
    "currency": fields.String(
        load_default="MAD", validate=validate.Length(3, 3), metadata={"description": "Books are kept in dirhams"}
    ),
    **_PARTS,
}
BATCH_FIELDS = {
    "receipts": fields.List(
        fields.Nested(strict_schema("ReceiptOrder", RECEIPT_FIELDS)),
        required=True,
        validate=validate.Length(1, BATCH_MAX),
        metadata={"description": "All are recorded, or none"},
    )
}
RECEIPT_FILTERS: Mapping[str, fields.Field[Any]] = {
    "tenant": Code(metadata={"description": "Only those this tenant paid, or has a part of"}),
    "means": _choice("Only those of this means", (*Means, BROUGHT)),
    "state": _choice("Only those in this state", tuple(ReceiptState)),
    "from": Day(metadata={"description": "First value date"}),
    "until": Day(metadata={"description": "Last value date, included"}),
    "unplaced": _choice("true: only those of which a part is nobody's", ("true", "false")),
}
ALLOCATION_FIELDS = {"on": _on(), **_PARTS}
PLACEMENT_FIELDS: Mapping[str, fields.Field[Any]] = {
    "tenant": Code(required=True, metadata={"description": "The tenant"}),
    "amount": _optional_amount("So much of it; all that is left unless given"),
    "on": _on(),
}
RETURN_FIELDS = {"on": _required_day("The day the bank sent it back"), "reason": Reason("Why it came back")}
CERTIFICATE_FIELDS = {
    "kind": _choice("The tax withheld", WITHHOLDINGS, required=True),
    "number": _reference("The number on the certificate"),
    "certified_on": _required_day("The certificate's day"),
    "reason": Reason("Why it replaces another one, if it does", required=False),
}
CERTIFICATE_WITHDRAWAL_FIELDS: Mapping[str, fields.Field[Any]] = {
    "kind": _choice("The tax withheld", WITHHOLDINGS, required=True),
    "reason": Reason("Why it counts no more"),
}
WITHHOLDING_FILTERS = {
    "tenant": _tenant_filter(),
    "missing": _choice("true: only those without certificate", ("true", "false")),
}
ALLOCATION_FILTERS = {
    "tenant": _tenant_filter(),
    "invoice": Code(metadata={"description": "Only those that settle this invoice"}),
}
REFUND_FIELDS: Mapping[str, fields.Field[Any]] = {
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
    "reason": Reason("Why it is paid back; required", required=False),
}
OPEN_ITEM_FILTERS = {
    "tenant": _tenant_filter(),
    "on": Day(metadata={"description": "At the end of that day; now unless given"}),
}
WITHDRAWAL_FIELDS = {**PLACEMENT_FIELDS, "reason": Reason("Why it is not the tenant's")}
CLEARING_FIELDS = {"on": _required_day("The day the bank credited it")}
APPLICATION_FIELDS = {"tenant": _optional_code("Whose credits; null: everybody's")}
NAMED_UNDOING_FIELDS: Mapping[str, fields.Field[Any]] = {
    "invoice": fields.String(required=True, metadata={**INVOICE_DOC, "description": "The invoice that it settles"}),
    "on": _on(),
    "reason": Reason("Why it is taken back"),
}
UNDOING_FIELDS = {"on": _on(), "reason": Reason("Why it is taken back")}
REFUND_FILTERS = {"tenant": _tenant_filter()}
