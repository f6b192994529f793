"""The shapes of receipts given for cash."""

import json
from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.frame.codes import RECEIPT
from billing.frame.shapes import (
    CashReceiptNumber,
    Day,
    InvoiceNumber,
    Money,
    Rate,
    ReceiptNumber,
    Shape,
    TenantCode,
    Text,
    about,
)
from billing.receivables.cash_desk.taking import cash_number
from pricing.money import format_amount, format_rate


class CashSettlement(Shape, frozen=True):
    """An invoice that cash settled at once."""

    number: InvoiceNumber
    amount: Money


class CashNotice(Shape, frozen=True):
    """A threshold that the payer's cash of a day or a month goes beyond: beyond it nothing is deductible."""

    span: Annotated[Literal["day", "month"], about("Whether a day's cash is counted, or a month's")]
    threshold: Money


class CashReceipt(Shape, frozen=True):
    """A receipt given for cash."""

    number: CashReceiptNumber
    receipt: Annotated[ReceiptNumber, about("The receipt it acknowledges")]
    tenant: TenantCode
    taken_on: Day
    amount: Money
    stamp_duty: Annotated[Money, about("The stamp duty on it")]
    stamp_duty_rate: Rate
    collected: Annotated[Money, about("The amount, and the stamp duty if the payer bears it")]
    settles: Annotated[list[CashSettlement], about("The invoices it settled at once")]
    notices: Annotated[list[CashNotice], about("The thresholds it goes beyond")]
    cancelled_on: Annotated[Day | None, about("The day it was cancelled: its paper says *Annulé*; null: it stands")]
    cancelled_for: Annotated[Text | None, about("Why it was cancelled")]

    @classmethod
    def of(cls, row: Row[Any]) -> "CashReceipt":
        """Write a receipt for cash whose row is of `queries.cash_receipts`."""
        content = json.loads(row.content)
        return cls(
            number=cash_number(row.year, row.serial),
            receipt=RECEIPT.format(row.receipt_id),
            tenant=row.tenant,
            taken_on=row.taken_on,
            amount=format_amount(row.amount),
            stamp_duty=format_amount(row.stamp_duty),
            stamp_duty_rate=format_rate(content["stamp_rate"]),
            collected=format_amount(row.amount + (row.stamp_duty if row.stamp_on_top else 0)),
            settles=[CashSettlement(**settlement) for settlement in content["settles"]],
            notices=[CashNotice(**notice) for notice in content["notices"]],
            cancelled_on=row.cancelled_on,
            cancelled_for=row.cancelled_for,
        )
