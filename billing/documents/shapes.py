"""The shapes of issued documents and of their deliveries."""

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType
from sqlalchemy import Row

from billing.frame.shapes import (
    Count,
    CreditNoteNumber,
    Day,
    DocumentKind,
    DocumentNumber,
    Instant,
    LeaseCode,
    Money,
    Month,
    Price,
    Quantity,
    Rate,
    ServiceCode,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
    instant,
)
from billing.run.shapes import Tier, Vat, VatReason, VatTreatment


class DocumentLine(Shape, frozen=True):
    """A line with its workings (contract)."""

    service: ServiceCode
    site: SiteCode
    lease: Annotated[LeaseCode | None, about("The lease billed; null on usage")]
    month: Month
    first_day: Annotated[Day | None, about("The first day billed; null on usage")]
    last_day: Annotated[Day | None, about("The last day billed, included; null on usage")]
    tier: Tier
    quantity: Quantity
    full_price: Annotated[Price, about("The price of a unit at the full rate")]
    unit_price: Annotated[Price, about("The price of a unit charged")]
    amount: Annotated[Money, about("What is charged, without VAT; credited on a credit note")]
    full_amount: Annotated[Money, about("What it would be at the full price")]
    cost_amount: Annotated[Money, about("What it costs the network in full")]
    vat_rate: Rate
    corrects: Annotated[DocumentNumber | None, about("The invoice whose line it takes back; null: none")]
    withdraws: Annotated[
        CreditNoteNumber | None, about("The credit note by hand that it takes back, by billing its amount again")
    ]
    account: Annotated[Text, about("The account of class 7 that it is booked to: a sale's, or a rebate's (7129, 7119)")]
    text: Annotated[Text, about("What is billed, as printed: the service's label, or the text of an invoice by hand")]
    vat_treatment: VatTreatment | UnsetType = UNSET
    vat_reason: VatReason | UnsetType = UNSET


class Document(Shape, frozen=True):
    """An invoice or a credit note (contract)."""

    number: DocumentNumber
    kind: DocumentKind
    period: Annotated[Month | None, about("The month of its run; null: made by hand")]
    issued_on: Day
    due_on: Day
    tenant: TenantCode
    currency: Annotated[Literal["MAD"], about("The currency of all amounts")]
    payment_reference: Annotated[
        str, about("What payers quote (ISO 11649): RF21FA2026000012; its number where it bears none")
    ]
    lines: Annotated[list[DocumentLine], about("Its lines, in order")]
    vat: Annotated[list[Vat], about("VAT, once a rate")]
    net: Annotated[Money, about("The sum of the lines, without VAT")]
    tax: Annotated[Money, about("The VAT")]
    gross: Annotated[Money, about("The sum, VAT included")]


class Delivery(Shape, frozen=True):
    """Whether a document reached its buyer."""

    number: DocumentNumber
    tenant: TenantCode
    state: Annotated[Literal["queued", "failed", "sent"], about("failed: a person must look at it")]
    recipient: Annotated[
        Text | None, about("Where it goes: its tenant's present address, or a chosen one; null: nowhere")
    ]
    attempts: Annotated[Count, about("How often it was tried")]
    next_attempt_at: Annotated[Instant | None, about("When it is tried next; null: not without a person")]
    sent_at: Annotated[Instant | None, about("When the mail server took it; null: it has not")]
    last_error: Annotated[Text | None, about("What hindered it last, or whom it did not reach; null: nothing")]
    is_unknown: Annotated[bool, about("Whether it may have arrived: a person must settle it")]

    @classmethod
    def of(cls, row: Row[tuple[object, ...]]) -> "Delivery":
        """Return the delivery whose row is of `queries.deliveries`."""
        return cls(
            number=row.number,
            tenant=row.tenant,
            state=row.state,
            recipient=row.goes_to or None,
            attempts=row.attempts,
            next_attempt_at=instant(row.next_attempt_at),
            sent_at=instant(row.sent_at),
            last_error=row.last_error,
            is_unknown=bool(row.in_doubt),
        )


class SettledDeliveries(Shape, frozen=True):
    """The mails whose unknown outcome was settled now."""

    settled: Annotated[list[str], about("Their numbers: FA-2026-000012, AV-2026-000003, ME-000007")]
