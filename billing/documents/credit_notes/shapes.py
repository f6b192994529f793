"""The shapes of credit notes made by hand, and of what may still be credited."""

from typing import Annotated

from billing.documents.credit_notes.kinds import CreditKind
from billing.frame.shapes import (
    CreditNoteNumber,
    Day,
    InvoiceNumber,
    Money,
    Rate,
    Serial,
    Shape,
    TenantCode,
    Text,
    about,
)


class CreditedLine(Shape, frozen=True):
    """A line of an invoice, and what of it is credited."""

    invoice_line: Annotated[Serial, about("The line of the invoice, the first is 1")]
    amount: Annotated[Money, about("What of it is credited, without VAT")]
    vat_rate: Rate


class CreditNote(Shape, frozen=True):
    """A credit note made by hand."""

    number: CreditNoteNumber
    issued_on: Day
    tenant: TenantCode
    invoice: Annotated[InvoiceNumber, about("The invoice it credits")]
    kind: Annotated[
        CreditKind,
        about(
            "rebate: on a price that was right; cancellation: of lines that were wrong, which the next run bills anew"
        ),
    ]
    reason: Annotated[Text, about("Why it was given: printed on it")]
    issued_by: Annotated[Text, about("Who gave it")]
    lines: Annotated[list[CreditedLine], about("What of the invoice's lines is credited")]
    net: Annotated[Money, about("The sum of the lines, without VAT")]
    tax: Annotated[Money, about("The VAT")]
    gross: Annotated[Money, about("The sum, VAT included")]


class CreditableLine(Shape, frozen=True):
    """A line of an invoice, and what of it may still be credited without VAT."""

    line: Annotated[Serial, about("The line of the invoice, the first is 1")]
    label: Annotated[Text, about("What it bills")]
    amount: Annotated[Money, about("What was invoiced, without VAT")]
    left: Annotated[Money, about("What of it may still be credited, without VAT")]
    vat_rate: Rate


class Creditable(Shape, frozen=True):
    """The part of an invoice that may still be credited."""

    invoice: InvoiceNumber
    lines: Annotated[list[CreditableLine], about("Its lines, in order")]
