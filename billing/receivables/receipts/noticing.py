"""What is unlikely of a receipt, though possible: it is recorded, and whoever records it is told."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import Connection, func, select

from billing.frame.codes import RECEIPT
from billing.frame.database import change_receivables
from billing.receivables.receipts.orders import ReceiptOrder
from billing.receivables.receipts.recognising import KnownReceipt
from invoices.models import document
from ledger.entry import BANK, CASH, MISCELLANEOUS
from ledger.models import entry
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


class Booking:
    """The booking of an act that is ordered for a day, from now on: what was booked says when, no forecast of it."""

    def __init__(self, connection: Connection, on: date | None) -> None:
        # Entries of other acts about money wait for this one.
        change_receivables(connection)
        self._connection, self._on = connection, on
        self._newest = connection.scalar(select(func.max(entry.c.id))) or 0

    def late(self) -> str | None:
        """Return the sentence about the act where its first entry lies on a later day; None where it does not."""
        c, on = entry.c, self._on
        of_money = c.journal.in_((BANK, CASH, MISCELLANEOUS))
        booked_on = self._connection.scalar(select(func.min(c.effective_on)).where(c.id > self._newest, of_money))
        if on is None or booked_on is None or booked_on <= on:
            return None
        if first_open_day(self._connection, on) == on:
            return f"booked on {booked_on}: what it goes with is of that day, not of {on}"
        return late_note(on, booked_on)


def late_warning(connection: Connection, on: date) -> str | None:
    """Return the sentence about an act that is booked on its day, or the first open one where that month is closed."""
    return late_note(on, first_open_day(connection, on))


def late_note(on: date, booked_on: date) -> str | None:
    """Return the sentence about an act of a closed month; None where it is booked on its own day."""
    if booked_on == on:
        return None
    return f"booked on {booked_on}, since {format_month(first_of_month(on))} is closed; its own day {on} is kept"
