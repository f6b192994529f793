"""The shape of the VAT return's working paper."""

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from billing.books.vat_return import held
from billing.books.vat_return.movements import VatMovement
from billing.frame.shapes import Account, Day, DocumentNumber, Money, Month, Rate, Shape, TenantCode, Text, about
from billing.run.shapes import VatTreatment, treatment_shapes
from pricing.money import format_amount, format_rate

_Line = Annotated[Text, about("The line of the return; ? where the settings do not say it")]


class VatReturnLine(Shape, frozen=True):
    """The sums declared on a line of the return at a rate."""

    code: _Line
    rate: Rate
    base: Annotated[Money, about("Without VAT")]
    vat: Money
    treatment: VatTreatment | UnsetType = UNSET


class VatReturnMovement(Shape, frozen=True):
    """So much base and VAT that fell due on a day, below 0.00 where it is given back."""

    code: _Line
    rate: Rate
    due_on: Annotated[Day, about("The day it fell due")]
    what: Annotated[Text, about("What made it fall due, in French")]
    piece: Annotated[Text, about("The voucher: a receipt, a refund, a credit note, or the document itself")]
    tenant: TenantCode
    document: Annotated[DocumentNumber | None, about("Null: of an advance, which settles none yet")]
    base: Annotated[Money, about("Without VAT")]
    vat: Money
    treatment: VatTreatment | UnsetType = UNSET

    @classmethod
    def of(cls, movement: VatMovement) -> "VatReturnMovement":
        """Return the movement that is given."""
        return cls(
            code=movement.code,
            rate=format_rate(movement.rate),
            due_on=movement.due_on,
            what=movement.what,
            piece=movement.piece,
            tenant=movement.tenant,
            document=movement.document,
            base=format_amount(movement.base),
            vat=format_amount(movement.vat),
            treatment=treatment_shapes(movement.treatment, "")[0],  # type: ignore[arg-type]
        )


class HeldCredit(Shape, frozen=True):
    """Money of an account that settles nothing at the month's end, and bears no VAT yet."""

    account: Annotated[Account, about("4421: before a first invoice; 4428: too much; 4497: nobody's yet")]
    amount: Annotated[Money, about("What it holds, cheques and bills that are not cleared apart")]
    rate: Annotated[Rate, about("The highest rate in force: what the money pays is not known yet")]
    base: Annotated[Money, about("The amount without that VAT")]
    vat: Annotated[Money, about("The VAT that it would bear; none of it is declared")]

    @classmethod
    def of(cls, credit: held.HeldCredit) -> "HeldCredit":
        """Return the credit that is given."""
        return cls(
            account=credit.account,
            amount=format_amount(credit.amount),
            rate=format_rate(credit.rate),
            base=format_amount(credit.base),
            vat=format_amount(credit.vat),
        )


class VatReturn(Shape, frozen=True):
    """The working paper of a month's VAT return."""

    period: Month
    regime: Annotated[Literal["encaissement", "debits"], about("What makes VAT fall due: the receipt, or the invoice")]
    lines: Annotated[list[VatReturnLine], about("By line of the return and rate")]
    base: Annotated[Money, about("All bases")]
    vat: Annotated[Money, about("All VAT that fell due")]
    booked: Annotated[Money, about("What account 4455 was credited with")]
    difference: Annotated[Money, about("Booked less VAT: 0.00, or something was booked there by other means")]
    movements: Annotated[list[VatReturnMovement], about("What fell due, by line, rate, day and document")]
    held: Annotated[list[HeldCredit], about("Money that bears no VAT while it settles nothing, at the month's end")]
    to_book: Annotated[
        Money | UnsetType, about("VAT on advances that closing the month will book, counted in the difference")
    ] = UNSET
