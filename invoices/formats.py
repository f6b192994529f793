"""Writes figures and days in French (law.md section 9): `1 234,56 DH`, `1er septembre 2026`.

Groups are parted by U+202F and a unit follows U+00A0, so that no figure is ever broken at a line's
end; days are written with plain spaces, so that they are found when searched for. Everything is exact: whole
centimes and scaled integers in, text out. Babel writes the figures and the names of months, what it has no form for is
written here: `1er`, days from one to another, identifiers.
"""

from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal, parse_pattern

from pricing.money import format_amount, format_price, format_quantity
from pricing.period import next_month
from pricing.vat import EXEMPT, OUT_OF_SCOPE, SUSPENDED

GROUP = "\u202f"
SPACE = "\u00a0"
CURRENCY_SIGN = "DH"
# What is said of a supply that bears no VAT (CGI art. 145-III-6°), and what stands in place of its rate, also in short.
_NO_VAT = {
    EXEMPT: ("Exonéré de TVA", "Exonéré", "Exo."),
    SUSPENDED: ("TVA en suspension", "Suspension", "Susp."),
    OUT_OF_SCOPE: ("Hors champ de la TVA", f"Hors{SPACE}champ", "H.C."),
}
_LOCALE = "fr"


def _signed(pattern: str) -> NumberPattern:
    """Return a pattern that writes negative figures with a minus, where Babel has a hyphen."""
    return parse_pattern(f"{pattern};\u2212{pattern}")


_COUNT, _AMOUNT, _PRICE, _QUANTITY = map(_signed, ("#,##0", "#,##0.00", "#,##0.00##", "#,##0.######"))


def _french(decimal: str, pattern: NumberPattern) -> str:
    """Return a decimal string as printed: `-1234.56` gives `−1 234,56`."""
    return format_decimal(Decimal(decimal), pattern, locale=_LOCALE)


def amount(centimes: int) -> str:
    """Write centimes as `1 234,56`."""
    return _french(format_amount(centimes), _AMOUNT)


def dirhams(centimes: int) -> str:
    """Write centimes as `1 234,56 DH`."""
    return f"{amount(centimes)}{SPACE}{CURRENCY_SIGN}"


def price(ten_thousandths: int) -> str:
    """Write a unit price with two to four decimals: `145,00`."""
    return _french(format_price(ten_thousandths), _PRICE)


def quantity(millionths: int) -> str:
    """Write a quantity without useless zeros: `22,5`."""
    return _french(format_quantity(millionths), _QUANTITY)


def percentage(rate: int) -> str:
    """Write a rate in ten-thousandths as `20 %`, or `5,5 %`."""
    return f"{quantity(rate * 10_000)}{SPACE}%"


def vat_rate(rate: int, treatment: str) -> str:
    """Write a VAT rate as `20 %`, or what stands in its place: `Exonéré`."""
    return _NO_VAT[treatment][1] if treatment in _NO_VAT else percentage(rate)


def short_vat_rate(rate: int, treatment: str) -> str:
    """Write a VAT rate for a narrow column: `20 %`, `Exo.`."""
    return _NO_VAT[treatment][2] if treatment in _NO_VAT else percentage(rate)


def vat_mention(treatment: str, reason: str = "") -> str:
    """Write why no VAT is charged: `Exonéré de TVA — article 91-I-A du CGI`; nothing where it is."""
    if treatment not in _NO_VAT:
        return ""
    return f"{_NO_VAT[treatment][0]} — {reason}" if reason else _NO_VAT[treatment][0]


def day(value: date) -> str:
    """Write a day in full: `9 septembre 2026`; the first of a month is `1er`."""
    return f"{_ordinal(value)} {month(value)}"


def numeric_day(value: date) -> str:
    """Write a day as in a table: `09/09/2026`."""
    return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"


def count(number: int) -> str:
    """Write a whole number: `12 345`."""
    return _french(str(number), _COUNT)


def month(value: date) -> str:
    """Write the month a day lies in: `septembre 2026`."""
    return format_date(value, "MMMM y", _LOCALE)


def month_name(value: date) -> str:
    """Write the month a day lies in without its year: `septembre`."""
    return format_date(value, "MMMM", _LOCALE)


def days(first: date, last: date) -> str:
    """Write the days from `first` to `last`, both included: `du 1er au 9 septembre 2026`, or `le 9 septembre 2026`."""
    if first == last:
        return f"le {day(first)}"
    if last < next_month(first.replace(day=1)):
        return f"du {_ordinal(first)} au {day(last)}"
    if first.year == last.year:
        return f"du {_ordinal(first)} {month_name(first)} au {day(last)}"
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
