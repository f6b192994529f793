"""What is unlikely of a receipt, though possible: it is recorded, and whoever records it is told."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import Connection, select

from billing.frame.codes import RECEIPT
from billing.receivables.receipts.acting import acting_day
from billing.receivables.receipts.orders import ReceiptOrder
from billing.receivables.receipts.recognising import KnownReceipt
from invoices.models import document
from ledger.periods import first_open_day
from pricing.money import format_amount
from pricing.period import first_of_month, format_month


def first_document_day(connection: Connection) -> date | None:
    """Return the day of the first document; None before there is any."""
    first: date | None = connection.scalar(select(document.c.issued_on).order_by(document.c.id).limit(1))
    return first


def warnings_of(
    order: ReceiptOrder, namesakes: Collection[KnownReceipt], *, today: date, first_document: date | None
) -> list[str]:
    """Return the warnings about a receipt that is recorded now, each a sentence."""
    day = order.value_date
    warnings = []
    if day.year != today.year:
        warnings.append(f"its value date {day} lies in another financial year than today: compare the year")
    if first_document is not None and day < first_document:
        warnings.append(f"its value date {day} comes before the first document, of {first_document}: compare it")
    return warnings + [
        f"{RECEIPT.format(other.key)} of {other.value_date} ({format_amount(other.amount)}) bears the same "
        "reference: if it is the same money, cancel one of them"
        for other in namesakes
    ]


def late_warning(connection: Connection, on: date | None, recorded_at: datetime) -> str | None:
    """Return the sentence about an act that is ordered for a day of a closed month; None for any other day.

    Raises Refused for a day that is still to come.
    """
    return None if on is None else late_note(on, acting_day(connection, on, recorded_at))


def told_late(connection: Connection, on: date) -> str | None:
    """Return the sentence about what the bank told of a day, where that month is closed."""
    return late_note(on, first_open_day(connection, on))


def late_note(on: date, booked_on: date) -> str | None:
    """Return the sentence about an act of a closed month; None where it is booked on its own day."""
    if booked_on == on:
        return None
    return f"booked on {booked_on}, since {format_month(first_of_month(on))} is closed; its own day {on} is kept"
