"""Each parser here says what a cell of a network folder may hold, and makes its value."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from pricing.money import (
    AMOUNT_DECIMALS,
    AMOUNT_MAX,
    PRICE_DECIMALS,
    PRICE_MAX,
    QUANTITY_DECIMALS,
    QUANTITY_MAX,
    QUANTITY_SCALE,
    RATE_DECIMALS,
    RATE_SCALE,
    format_amount,
    format_price,
    format_quantity,
    parse_decimal,
)
from pricing.rates import subsidised_price

TEXT_LENGTH_MAX = 1000
CODE_LENGTH_MAX = 64
COUNT_MAX = 1_000_000
YEARS = range(1900, 2201)

Parser: TypeAlias = Callable[[str], Any]

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
_INSTANT = re.compile(INSTANT, re.ASCII)
_ACCOUNT = re.compile(r"7[0-9]{2,15}", re.ASCII)
_ICE = re.compile(r"[0-9]{15}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
# No document, mail or XML file can carry these: control characters but tab and line ends, lone halves
# of characters (JSON can write them), and the two code points that are no characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_IN_CODE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# Slashes part an address, the others begin something else in it, or are rewritten by those who read it.
_UNUSABLE_IN_ADDRESS = re.compile("[/?#%]")
# What addresses and lines mean by these words is not a thing of that name.
RESERVED_CODES = frozenset(
    {
        ".", "..", "any", "batch", "creditable", "cross-subsidy-account", "deposit", "explanation", "final-statement",
        "movements", "null", "pdf", "quote", "removal", "statement", "switch", "tier-change", "trail", "void", "xml",
    }
)  # fmt: skip
# What addresses say behind a document's number: another number that ends so is found in lists alone.
BEHIND_DOCUMENTS = r"pdf|xml|trail|creditable|explanation|resend|recoveries/.*"
_LOST_IN_ADDRESS = re.compile(rf".*/(?:{BEHIND_DOCUMENTS})|(?:.*/)?\.\.?(?:/.*)?", re.DOTALL)
_DECIMAL_HINT = "write it like 1234.56: no blank, no unit"


class BadCell(ValueError):
    """A cell that can't be taken: what is wrong, and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def text(cell: str) -> str:
    """Parse any text, kept as it is, line ends within quotes included; blank is allowed."""
    forbidden = _FORBIDDEN.search(cell)
    if forbidden is not None:
        raise BadCell(f"holds the control character U+{ord(forbidden[0]):04X}", "type the text again without it")
    if len(cell) > TEXT_LENGTH_MAX:
        raise BadCell(f"is longer than {TEXT_LENGTH_MAX} characters", "shorten it")
    return cell if cell.strip() else ""


def required_text(cell: str) -> str:
    """Parse a text that must be there, because documents print it."""
    if not cell.strip():
        raise BadCell("is blank", "give it: documents print it")
    return text(cell)


def code(cell: str) -> str:
    """Parse a code people name things by: 1 to 64 characters on one line, no blank before or after."""
    if not cell.strip():
        raise BadCell("is blank", "give the code")
    forbidden = _FORBIDDEN_IN_CODE.search(cell)
    if forbidden is not None:
        raise BadCell(f"holds the control character U+{ord(forbidden[0]):04X}", "type the code again without it")
    if cell != cell.strip():
        raise BadCell("has blanks before or after", "remove them: codes are compared character by character")
    if len(cell) > CODE_LENGTH_MAX:
        raise BadCell(f"is longer than {CODE_LENGTH_MAX} characters", "use a shorter code")
    return cell


def require_addressable(code: str) -> None:
    """Refuse a code that could not stand in an address, or that has a meaning there; raises BadCell.

    Only codes that are entered are judged: what bears such a code already stays as it is, and is read by it.
    """
    unusable = _UNUSABLE_IN_ADDRESS.search(code)
    if unusable is not None:
        problem = f"holds {unusable[0]!r}, which no code can hold"
        raise BadCell(problem, "use letters, digits, and marks such as - _ : +")
    hidden = next((mark for mark in code if unicodedata.category(mark) == "Cf"), None) if not code.isascii() else None
    if hidden is not None:
        raise BadCell(f"holds the invisible mark U+{ord(hidden):04X}", "type the code again without it")
    if code in RESERVED_CODES:
        raise BadCell("is a word of the service itself", "use another code")


def brought_number(cell: str) -> str:
    """Parse the number that a document was issued under before, in any style (R29)."""
    number = code(cell)
    if not number.isprintable():
        raise BadCell("holds a character that can't be printed", "type the number again without it")
    if _LOST_IN_ADDRESS.fullmatch(number):
        problem = "would be another address of the service, where something stands behind a slash"
        raise BadCell(problem, "write another sign for the slash, such as a hyphen, and say so in the tenant's letter")
    return number


def optional(parser: Parser) -> Parser:
    """Return the same parser, with blank for none."""
    return lambda cell: parser(cell) if cell else None


def instant(cell: str) -> datetime:
    """Parse an instant written `2026-09-01T05:00:00Z`, or with its distance from UTC; from 1900 to 2200."""
    if _INSTANT.fullmatch(cell) is None:
        raise BadCell("is not an instant", "write it as 2026-09-01T05:00:00Z")
    try:
        parsed = datetime.fromisoformat(cell).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell("is not an instant of the calendar", "correct the day or the hour") from None
    if parsed.year not in YEARS:
        raise BadCell("is out of range", f"give an instant from {YEARS[0]} to {YEARS[-1]}")
    return parsed


def day(cell: str) -> date:
    """Parse a real day written YYYY-MM-DD, from 1900 to 2200."""
    if not cell:
        raise BadCell("is blank", "give a day such as 2026-09-30")
    match = _DAY.fullmatch(cell)
    if match is None:
        raise BadCell("is not a day", "write it YYYY-MM-DD, such as 2026-09-30")
    try:
        parsed = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BadCell("is not a day of the calendar", "correct the month or the day") from None
    if parsed.year not in YEARS:
        raise BadCell("is out of range", f"give a day from {YEARS[0]} to {YEARS[-1]}")
    return parsed


def _decimal(cell: str, decimals: int, most: int, show_most: str, *, zero_allowed: bool) -> int:
    if not cell:
        raise BadCell("is blank", "give a number")
    try:
        value = parse_decimal(cell, decimals)
    except ValueError as error:
        remedy = _DECIMAL_HINT if "decimals" not in str(error) else f"round it to {decimals} decimals"
        raise BadCell(str(error), remedy) from None
    if value < 0 or (value == 0 and not zero_allowed):
        raise BadCell("is below zero" if value < 0 else "is zero", f"give {'zero or more' if zero_allowed else 'more'}")
    if value > most:
        raise BadCell(f"is above {show_most}", "check the number")
    return value


def price(cell: str) -> int:
    """Parse a unit price, zero or more, in ten-thousandths of a dirham (R1)."""
    return _decimal(cell, PRICE_DECIMALS, PRICE_MAX, format_price(PRICE_MAX), zero_allowed=True)


def amount(cell: str) -> int:
    """Parse an amount above zero, in centimes (R1)."""
    return _decimal(cell, AMOUNT_DECIMALS, AMOUNT_MAX, format_amount(AMOUNT_MAX), zero_allowed=False)


def amount_or_zero(cell: str) -> int:
    """Parse an amount, zero or more, in centimes (R1)."""
    return _decimal(cell, AMOUNT_DECIMALS, AMOUNT_MAX, format_amount(AMOUNT_MAX), zero_allowed=True)


def balance(cell: str) -> int:
    """Parse a balance in centimes: debit positive, credit negative."""
    parsed = amount_or_zero(cell.removeprefix("-"))
    return -parsed if cell.startswith("-") else parsed


def quantity(cell: str) -> int:
    """Parse a quantity or an area above zero, in millionths of its unit."""
    return _decimal(cell, QUANTITY_DECIMALS, QUANTITY_MAX, format_quantity(QUANTITY_MAX), zero_allowed=False)


def vat_rate(cell: str) -> int:
    """Parse a VAT rate from 0 to 1, in ten-thousandths of one (R11)."""
    if not cell:
        raise BadCell("is blank", "give a rate such as 0.20")
    try:
        value = parse_decimal(cell, RATE_DECIMALS)
    except ValueError as error:
        raise BadCell(str(error), "write 20 % as 0.20") from None
    if not 0 <= value <= RATE_SCALE:
        raise BadCell("is not between 0 and 1", "write 20 % as 0.20")
    return value


def subsidised(cell: str) -> str:
    """Parse a subsidised price as an amount or as a fraction of the full price (R7), as text: `50.00`, `1/3`."""
    if not cell:
        raise BadCell("is blank", "give an amount such as 50.00 or a fraction such as 1/3")
    if "/" not in cell:
        return format_price(price(cell))
    try:
        subsidised_price(cell, 0)
    except ValueError as error:
        raise BadCell(str(error), "give an amount such as 50.00 or a fraction such as 1/3") from None
    return cell


def count(cell: str) -> int:
    """Parse a whole number, zero or more."""
    if _COUNT.fullmatch(cell) is None:
        raise BadCell("is not a whole number", "write it with digits only")
    if int(cell) > COUNT_MAX:
        raise BadCell(f"is above {COUNT_MAX}", "check the number")
    return int(cell)


def year(cell: str) -> int:
    """Parse a year, from 1900 to 2200."""
    if not cell:
        raise BadCell("is blank", "give a year such as 2026")
    parsed = count(cell)
    if parsed not in YEARS:
        raise BadCell("is out of range", f"give a year from {YEARS[0]} to {YEARS[-1]}")
    return parsed


def score(cell: str) -> int:
    """Parse a mark from 0 to 100, in millionths of one."""
    most = 100 * QUANTITY_SCALE
    return _decimal(cell, QUANTITY_DECIMALS, most, format_quantity(most), zero_allowed=True)


def one_of(*allowed: str, blank: str | None = None) -> Parser:
    """Return a parser of some words; `blank` is what an empty cell stands for, None if it may not be empty."""
    words = ", ".join(allowed)

    def parse(cell: str) -> str:
        if not cell and blank is not None:
            return blank
        if cell not in allowed:
            raise BadCell("is not known" if cell else "is blank", f"write one of: {words}")
        return cell

    return parse


def revenue_account(cell: str) -> str:
    """Parse an account of class 7, by its digits."""
    if _ACCOUNT.fullmatch(cell) is None:
        raise BadCell("is not a revenue account", "give an account of class 7, such as 71243, in digits")
    return cell


def ice(cell: str) -> str:
    """Parse a company's common identifier: 15 digits, without the blanks, dashes and slashes it is often typed with."""
    digits = cell.replace(" ", "").replace("-", "").replace("/", "")
    if cell.strip() and _ICE.fullmatch(digits) is None:
        raise BadCell("is not an ICE of 15 digits", "give all 15, leading zeros included, or leave it blank")
    return digits
