"""The shape of a voided usage event."""

from typing import Annotated

from billing.frame.shapes import CreditNoteNumber, Instant, InvoiceNumber, Serial, Shape, TenantCode, Text, about


class VoidedEvent(Shape, frozen=True):
    """A usage event that is void: why, since when, and the line that billed it, which the next run takes back."""

    event_id: Annotated[Text, about("Its id, as its source gave it")]
    tenant: TenantCode
    reason: Annotated[Text, about("Why it was voided, as first given")]
    voided_at: Annotated[Instant, about("When it was voided")]
    invoice: Annotated[InvoiceNumber | None, about("The invoice that billed it last; null: it was never billed")]
    line_no: Annotated[Serial | None, about("That invoice's line; null: it was never billed")]
    credit_note: Annotated[
        CreditNoteNumber | None, about("The credit note that took the line back; null: none did, the next run does")
    ]
