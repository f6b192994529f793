"""The shapes of invoices made by hand."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from billing.frame.shapes import (
    Account,
    Day,
    InvoiceNumber,
    Money,
    Price,
    Quantity,
    Rate,
    ServiceCode,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
)
from billing.run.shapes import Vat, VatReason, VatTreatment


class OneOffLine(Shape, frozen=True):
    """A line of an invoice made by hand."""

    service: ServiceCode
    text: Annotated[Text, about("What is billed: printed on the invoice")]
    quantity: Quantity
    price: Price
    amount: Annotated[Money, about("Price × quantity, without VAT")]
    vat_rate: Rate
    account: Annotated[Account, about("The revenue account of its service")]
    vat_treatment: VatTreatment | UnsetType = UNSET
    vat_reason: VatReason | UnsetType = UNSET


class OneOffInvoice(Shape, frozen=True):
    """An invoice made by hand, outside the runs: it moves nothing of the cross-subsidy."""

    number: Annotated[InvoiceNumber | None, about("Its number; null: a dry run, nothing was issued")]
    issued_on: Day
    due_on: Day
    tenant: TenantCode
    site: SiteCode
    reason: Annotated[Text, about("Why it is billed: printed on the invoice")]
    issued_by: Annotated[Text, about("Who billed it")]
    lines: Annotated[list[OneOffLine], about("Its lines, in order")]
    vat: Annotated[list[Vat], about("VAT, once a rate")]
    net: Annotated[Money, about("The sum of the lines, without VAT")]
    tax: Annotated[Money, about("The VAT")]
    gross: Annotated[Money, about("The sum, VAT included")]
    warnings: Annotated[list[Text], about("What is unlikely of what was just ordered")]
