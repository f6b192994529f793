"""The shapes of debts: a decision about one, and where one stands."""

from typing import Annotated, Any

from sqlalchemy import Row

from billing.entries.debts import DebtActKind
from billing.frame.codes import DEBT_ACT
from billing.frame.shapes import Day, InvoiceNumber, Money, Shape, TenantCode, Text, about
from pricing.money import format_amount


class DebtAct(Shape, frozen=True):
    """A decision about a debt."""

    number: Annotated[Text, about("Its name, such as CR-12")]
    invoice: InvoiceNumber
    tenant: TenantCode
    kind: DebtActKind
    decided_on: Annotated[Day, about("Its own day; of what was recovered, the bank's value date")]
    booked_on: Annotated[Day, about("The day of its entry: the first open one where that month is closed")]
    reference: Annotated[Text | None, about("The bank's own reference of what was recovered")]
    amount: Annotated[Money, about("VAT included, but for provisions")]
    vat: Annotated[Money, about("The VAT in `amount`")]
    reason: Annotated[Text, about("Why it was decided")]
    asked_by: Annotated[Text, about("Who asked for it")]
    approved_by: Annotated[Text | None, about("The user who approved it, somebody else; null: nobody had to")]
    cancelled_on: Annotated[Day | None, about("The day it was cancelled, since no money came; null: it stands")]
    cancelled_for: Annotated[Text | None, about("Why it was cancelled")]

    @classmethod
    def of(cls, row: Row[Any]) -> "DebtAct":
        """Return the decision whose row is of `deciding.acts`."""
        return cls(
            number=DEBT_ACT.format(row.id),
            invoice=row.number,
            tenant=row.tenant,
            kind=row.kind,
            decided_on=row.decided_on,
            booked_on=row.booked_on or row.decided_on,
            reference=row.reference,
            amount=format_amount(row.amount),
            vat=format_amount(row.vat),
            reason=row.reason,
            asked_by=row.asked_by,
            approved_by=row.approved_by,
            cancelled_on=row.cancelled_on,
            cancelled_for=row.cancelled_for,
        )


class Debt(Shape, frozen=True):
    """Where an invoice's debt stands, and what may be decided of it now."""

    invoice: InvoiceNumber
    tenant: TenantCode
    gross: Annotated[Money, about("What the invoice asks, VAT included")]
    credited: Annotated[Money, about("What credit notes took off it")]
    paid: Annotated[Money, about("What was paid of it")]
    unpaid: Annotated[Money, about("What is open of it")]
    doubtful: Annotated[Money, about("What is set apart as doubtful, on 3424")]
    provision: Annotated[Money, about("What is provided for, without VAT, on 3942")]
    written_off: Annotated[Money, about("What was given up as lost")]
    recovered: Annotated[Money, about("What came in after all of what was written off")]
    possible: Annotated[dict[DebtActKind, Money], about("The most that may be decided now, by kind of decision")]
    acts: Annotated[list[DebtAct], about("The decisions that led there, in order")]
