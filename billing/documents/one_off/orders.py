"""An order for a one-off invoice, as people give it: how it is read, and all that is refused of it."""

import csv
import unicodedata
from datetime import date
from typing import NamedTuple

from billing.frame import cells
from billing.frame.errors import Fault
from billing.frame.spelling import typed
from billing.register.catalogue import Catalogue
from pricing.errors import NoVatRateInForce
from pricing.money import AMOUNT_MAX, format_amount, line_amount
from pricing.rates import VatRate

LINES_MAX = 1000
TEXT_LENGTH_MAX = 200
REASON_LENGTH_MAX = 200
SUBJECT = "one-off-invoice"


class LineOrder(NamedTuple):
    """A line as it is ordered: every cell as it was written."""

    service: str
    text: str
    quantity: str
    price: str


class OneOffOrder(NamedTuple):
    """An order to bill a tenant by hand, at one site, and why; `again`: though the same was billed the same day."""

    tenant: str
    site: str
    lines: tuple[LineOrder, ...]
    reason: str
    issued_by: str
    again: bool = False


class JudgedLine(NamedTuple):
    """A line that is good: its text as printed, quantity in millionths, price in ten-thousandths, VAT in force."""

    service: str
    text: str
    quantity: int
    price: int
    vat: VatRate

    @property
    def amount(self) -> int:
        """Return price × quantity in centimes, rounded once (R1)."""
        return line_amount(self.price, self.quantity)


def parse_line(written: str) -> LineOrder:
    """Parse `SERVICE;TEXT;QUANTITY;PRICE`, one row of CSV: a text with `;` stands in quotes. Raises ValueError."""
    try:
        rows = list(csv.reader([written], delimiter=";", skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(f"is no row of CSV: {error}") from None
    if len(rows) != 1 or len(rows[0]) != len(LineOrder._fields):
        raise ValueError("is not SERVICE;TEXT;QUANTITY;PRICE: put a text that holds a ; between double quotes")
    service, text, *figures = (cell.strip() for cell in rows[0])
    try:
        quantity, price = map(typed, figures)
    except ValueError as error:
        raise ValueError(f"has a number that {error}: write it with two decimals") from None
    return LineOrder(service, text, quantity, price)


def judge_lines(lines: tuple[LineOrder, ...], catalogue: Catalogue, day: date) -> tuple[list[JudgedLine], list[Fault]]:
    """Return the lines that are good, with the VAT rate in force on `day`, and everything wrong with the others."""
    judged, faults = [], []
    for number, line in enumerate(lines, 1):
        good, line_faults = _judged(number, line, catalogue, day)
        faults += line_faults
        if good is not None:
            judged.append(good)
    if not 0 < len(lines) <= LINES_MAX:
        faults.append(fault("lines", str(len(lines)), "is no number of lines", f"give 1 to {LINES_MAX}"))
    net = sum(line.amount for line in judged)
    if net > AMOUNT_MAX:
        remedy = f"an invoice bears at most {format_amount(AMOUNT_MAX)} without VAT"
        faults.append(fault("lines", format_amount(net), "is too large a sum", remedy))
    return judged, faults


def _judged(
    number: int, line: LineOrder, catalogue: Catalogue, day: date
) -> tuple[JudgedLine | None, list[Fault]]:  # fmt: skip
    """Return the line if it is good, and everything wrong with it."""
    faults: list[Fault] = []

    def note(column: str, problem: str, remedy: str) -> None:
        faults.append(Fault(SUBJECT, number, column, getattr(line, column), problem, remedy))

    vat = None
    if line.service not in catalogue.services:
        known = ", ".join(sorted(catalogue.services)) or "none yet"
        note("service", "is no service of the catalogue", f"there are {known}")
    else:
        try:
            vat = catalogue.vat.at(line.service, day)
        except NoVatRateInForce:
            note("service", f"has no VAT rate in force on {day}", "enter one that begins on or before that day")
    problem = text_problem(line.text, TEXT_LENGTH_MAX)
    if problem:
        note("text", problem, "say what is billed: it is printed on the invoice")
    values = []
    for column, parse in (("quantity", cells.quantity), ("price", cells.price)):
        try:
            values.append(parse(getattr(line, column)))
        except cells.BadCell as error:
            note(column, error.problem, "give more than zero" if "zero" in error.problem else error.remedy)
    if len(values) == 2 and not line_amount(*values):
        note("price", "is zero" if not values[1] else "comes to 0.00", "give more than zero")
    if faults or vat is None:
        return None, faults
    quantity, price = values
    return JudgedLine(line.service, as_printed(line.text), quantity, price, vat), []


def text_problem(text: str, length_max: int) -> str | None:
    """Return why a text can't be printed on a document; None where it can."""
    # What prints knows no more than Python and Jinja need until something is printed.
    from invoices.rendering.pdf import MISSING, printable

    printed = as_printed(text)
    if not 0 < len(printed) <= length_max or not printed.isprintable():
        return f"must be 1 to {length_max} characters that can be printed"
    lacking = next((c for c in printed if not c.isascii() and printable(c) == MISSING != c), None)
    return f"holds {lacking} (U+{ord(lacking):04X}), which documents print as {MISSING}" if lacking else None


def as_printed(text: str) -> str:
    """Return a text composed, with single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def fault(column: str, value: str | None, problem: str, remedy: str) -> Fault:
    """Return a fault of the order itself, not of one of its lines."""
    return Fault(SUBJECT, None, column, value, problem, remedy)
