"""The shapes of receipts: money in, whose it is, what it settles, what became of it; and taxes withheld."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.entries.receivables import LegKind, Means
from billing.frame.codes import RECEIPT, REFUND
from billing.frame.shapes import (
    Account,
    CreditNoteNumber,
    Day,
    InvoiceNumber,
    Money,
    ReceiptNumber,
    RefundNumber,
    Serial,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
)
from billing.receivables.tables.receipts import AllocatedBy, EventKind
from pricing.money import format_amount


class ReceiptState(StrEnum):
    """The state of a receipt: cheques and bills are to be cleared, then cleared or bounced; other money is cashed.

    A cancelled one counts nowhere.
    """

    CASHED = "cashed"
    TO_CLEAR = "to_clear"
    CLEARED = "cleared"
    BOUNCED = "bounced"
    CANCELLED = "cancelled"


class Leg(Shape, frozen=True):
    """A part of what a receipt settles: the money, a tax withheld with its certificate, charges."""

    kind: LegKind
    amount: Money
    account: Account
    certificate: Annotated[Text | None, about("The certificate's number; null: none came, or none is due")]
    certified_on: Annotated[Day | None, about("The certificate's day")]


class Placement(Shape, frozen=True):
    """So much of a receipt is a tenant's, and so much of it settles nothing yet."""

    tenant: TenantCode
    amount: Money
    left: Annotated[Money, about("The part of it that settles nothing yet")]
    placed_on: Day
    account: Annotated[Account, about("The account that holds it while it settles nothing")]


class Allocation(Shape, frozen=True):
    """So much of a receipt, or of a credit note, settles an invoice."""

    id: Serial
    receipt: Annotated[ReceiptNumber | None, about("The receipt; null where a credit note settles")]
    credit_note: Annotated[CreditNoteNumber | None, about("The credit note; null where a receipt settles")]
    invoice: InvoiceNumber
    tenant: TenantCode
    amount: Money
    allocated_on: Day
    how: Annotated[
        AllocatedBy,
        about(
            "`explicit`: a person named the invoice; `reference`: the payer's text did; `oldest`: the oldest due; "
            "`credit`: money carried forward; `note`: a credit note"
        ),
    ]
    undone_on: Annotated[Day | None, about("The day it was taken back; null: it stands")]
    undone_for: Annotated[Text | None, about("Why it was taken back")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Allocation":
        """Write an allocation whose row is of `queries.allocations`."""
        return cls(
            id=row.id,
            receipt=None if row.receipt_id is None else RECEIPT.format(row.receipt_id),
            credit_note=row.note,
            invoice=row.number,
            tenant=row.tenant,
            amount=format_amount(row.amount),
            allocated_on=row.allocated_on,
            how=row.how,
            undone_on=row.undone_on,
            undone_for=row.undone_for,
        )


def total_of(rows: Sequence[Row[Any]]) -> str:
    """Return the sum of allocations."""
    return format_amount(sum(row.amount for row in rows))


class Refund(Shape, frozen=True):
    """Money paid back."""

    number: RefundNumber
    means: Annotated[Literal["transfer", "cash"], about("Whether the bank or the till paid")]
    reference: Annotated[Text, about("The bank's or the till's own reference")]
    refunded_on: Day
    booked_on: Annotated[Day, about("The day of its entry: the first open one where that month is closed")]
    receipt: Annotated[ReceiptNumber | None, about("The receipt that is paid back; null for a credit note")]
    credit_note: Annotated[CreditNoteNumber | None, about("The credit note that is paid back; null for a receipt")]
    tenant: Annotated[TenantCode | None, about("The tenant whose money it was; null: nobody had placed it")]
    amount: Money
    reason: Annotated[Text, about("Why it was paid back")]
    cancelled_on: Annotated[Day | None, about("The day it was cancelled, since it was never paid; null: it stands")]
    cancelled_for: Annotated[Text | None, about("Why it was cancelled")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Refund":
        """Write a refund whose row is of `queries.refunds`."""
        return cls(
            number=REFUND.format(row.id),
            means=row.means,
            reference=row.reference,
            refunded_on=row.refunded_on,
            booked_on=row.refunded_on if row.booked_on is None else row.booked_on,
            receipt=None if row.receipt_id is None else RECEIPT.format(row.receipt_id),
            credit_note=row.note,
            tenant=row.tenant,
            amount=format_amount(row.amount),
            reason=row.reason,
            cancelled_on=row.cancelled_on,
            cancelled_for=row.cancelled_for,
        )


class ReceiptEvent(Shape, frozen=True):
    """A cheque or bill that was cleared, or came back."""

    kind: EventKind
    happened_on: Annotated[Day, about("The bank's day")]
    booked_on: Annotated[Day, about("The day of its entry: the first open one where the bank's month is closed")]
    reason: Annotated[Text | None, about("Why it came back; null where it was cleared")]


class ReceiptCancellation(Shape, frozen=True):
    """The cancellation of a receipt that should never have been entered."""

    cancelled_on: Annotated[Day, about("The day it is of")]
    booked_on: Annotated[Day, about("The day of its entry: the first open one where that month is closed")]
    reason: Annotated[Text, about("Why it was cancelled")]


class Receipt(Shape, frozen=True):
    """A receipt as lists show it."""

    number: ReceiptNumber
    means: Annotated[
        Literal["transfer", "cheque", "cash", "bill", "card", "deposit", "brought"],
        about("How it was paid; `deposit`: by a deposit that was set off; `brought`: credit from before this service"),
    ]
    reference: Annotated[Text, about("The bank's, the till's or the drawer's own reference")]
    value_date: Day
    booked_on: Annotated[Day, about("The day of its entry: the first open one where its month is closed")]
    tenant: Annotated[TenantCode | None, about("Who paid; null: nobody knew when it was recorded")]
    site: Annotated[SiteCode | None, about("The till that took cash")]
    amount: Annotated[Money, about("All that it settles: money, taxes withheld, charges")]
    money: Annotated[Money, about("What reached the bank or the till of it")]
    withheld: Annotated[Money, about("Taxes withheld at source, which settle as money does")]
    bank_charges: Annotated[Money, about("What the bank kept")]
    payer_text: Annotated[Text | None, about("What the payer wrote")]
    asked: Annotated[Text, about("How it was to be allocated: `automatic`, `none`, or the invoices with their amounts")]
    state: ReceiptState

    @classmethod
    def of(cls, row: Row[Any]) -> "Receipt":
        """Write a receipt whose row is of `queries.receipts`."""
        return cls(**receipt_fields(row))


class ReceiptStory(Receipt, frozen=True):
    """A receipt with all that became of it."""

    legs: Annotated[list[Leg], about("The parts of what it settles")]
    placements: Annotated[list[Placement], about("Whose it is")]
    unplaced: Annotated[Money, about("The part that nobody has placed")]
    allocations: Annotated[list[Allocation], about("The invoices it settles, or settled")]
    refunds: Annotated[list[Refund], about("The parts that were paid back")]
    events: Annotated[list[ReceiptEvent], about("Its clearing and its return")]
    cancellation: Annotated[ReceiptCancellation | None, about("How it was cancelled; null: it stands")]
    warnings: Annotated[list[Text], about("What is unlikely of what was just done, or booked on another day")]


def receipt_fields(row: Row[Any]) -> dict[str, Any]:
    """Return the fields of a receipt whose row is of `queries.receipts`."""
    return {
        "number": RECEIPT.format(row.id),
        "means": row.means,
        "reference": row.reference,
        "value_date": row.value_date,
        "booked_on": row.value_date if row.booked_on is None else row.booked_on,
        "tenant": row.tenant,
        "site": row.site,
        "amount": format_amount(row.amount),
        "money": format_amount(row.amount - row.withheld - row.bank_charges),
        "withheld": format_amount(row.withheld),
        "bank_charges": format_amount(row.bank_charges),
        "payer_text": row.payer_text or None,
        "asked": row.asked,
        "state": row.state,
    }


class Batch(Shape, frozen=True, omit_defaults=True):
    """The receipts of a batch, in its order."""

    receipts: Annotated[list[ReceiptNumber], about("Their numbers")]
    warnings: Annotated[tuple[Text, ...], about("What is unlikely of those that are new, each with its number")] = ()


class Applied(Shape, frozen=True):
    """The allocations that credits made."""

    allocations: Annotated[list[Serial], about("Their ids")]


class Withholding(Shape, frozen=True):
    """A tax withheld of a receipt, and its certificate, once there is one."""

    receipt: ReceiptNumber
    kind: Annotated[Literal["rent_withholding", "vat_withholding"], about("The tax: on rents, or VAT")]
    tenant: Annotated[TenantCode | None, about("Who paid; null: nobody knew when it was recorded")]
    means: Means
    reference: Annotated[Text, about("The reference of its receipt")]
    value_date: Annotated[Day, about("The value date of its receipt")]
    amount: Money
    certificate: Annotated[Text | None, about("The certificate's number; null: it has not come")]
    certified_on: Annotated[Day | None, about("The certificate's day")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Withholding":
        """Write a tax withheld whose row is of `certificates.withholdings_select`."""
        return cls(
            receipt=RECEIPT.format(row.receipt_id),
            kind=row.kind,
            tenant=row.tenant,
            means=row.means,
            reference=row.reference,
            value_date=row.value_date,
            amount=format_amount(row.amount),
            certificate=row.number,
            certified_on=row.certified_on,
        )
