"""Writes figures and days in French (law.md section 9): `1 234,56 DH`, `1er septembre 2026`.

Groups are parted by U+202F and a unit follows U+00A0, so that no figure is ever broken at a line's
end; days are written with plain spaces, so that they are found when searched for. Everything is exact: whole
centimes and scaled integers in, text out.
"""

from datetime import date

from pricing.money import format_amount, format_price, format_quantity
from pricing.period import next_month

GROUP = "\u202f"
SPACE = "\u00a0"
MINUS = "\u2212"
CURRENCY_SIGN = "DH"
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip


def _french(decimal: str) -> str:
    """Return a decimal string as printed: `-1234.56` gives `−1 234,56`."""
    sign, digits = (MINUS, decimal[1:]) if decimal.startswith("-") else ("", decimal)
    whole, point, fraction = digits.partition(".")
    grouped = f"{int(whole):,}".replace(",", GROUP)
    return f"{sign}{grouped}{',' if point else ''}{fraction}"


def amount(centimes: int) -> str:
    """Write centimes as `1 234,56`."""
    return _french(format_amount(centimes))


def dirhams(centimes: int) -> str:
    """Write centimes as `1 234,56 DH`."""
    return f"{amount(centimes)}{SPACE}{CURRENCY_SIGN}"


def price(ten_thousandths: int) -> str:
    """Write a unit price with two to four decimals: `145,00`."""
    return _french(format_price(ten_thousandths))


def quantity(millionths: int) -> str:
    """Write a quantity without useless zeros: `22,5`."""
    return _french(format_quantity(millionths))


def percentage(rate: int) -> str:
    """Write a rate in ten-thousandths as `20 %`, or `5,5 %`."""
    return f"{_french(format_quantity(rate * 10_000))}{SPACE}%"


def day(value: date) -> str:
    """Write a day in full: `9 septembre 2026`; the first of a month is `1er`."""
    return f"{_ordinal(value)} {MONTHS[value.month - 1]} {value.year}"


def numeric_day(value: date) -> str:
    """Write a day as in a table: `09/09/2026`."""
    return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"


def count(number: int) -> str:
    """Write a whole number: `12 345`."""
    return _french(str(number))


def month(value: date) -> str:
    """Write the month a day lies in: `septembre 2026`."""
    return f"{MONTHS[value.month - 1]} {value.year}"


def days(first: date, last: date) -> str:
    """Write the days from `first` to `last`, both included: `du 1er au 9 septembre 2026`, or `le 9 septembre 2026`."""
    if first == last:
        return f"le {day(first)}"
    if last < next_month(first.replace(day=1)):
        return f"du {_ordinal(first)} au {day(last)}"
    if first.year == last.year:
        return f"du {_ordinal(first)} {MONTHS[first.month - 1]} au {day(last)}"
    return f"du {day(first)} au {day(last)}"


def grouped(text: str, sizes: tuple[int, ...]) -> str:
    """Write an identifier in groups that can be read aloud: a RIB is `011 780 0000123456789012 34` (3, 3, 16, 2).

    Text of another length, or not of digits alone, is given back as it is.
    """
    if not text.isdecimal() or len(text) != sum(sizes):
        return text
    parts, start = [], 0
    for size in sizes:
        parts.append(text[start : start + size])
        start += size
    return SPACE.join(parts)


def _ordinal(value: date) -> str:
    return "1er" if value.day == 1 else str(value.day)
