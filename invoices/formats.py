"""Writes figures and days, in French unless a language is named (law.md section 9): `1 234,56 DH`, `1er mai 2026`.

In French groups are parted by U+202F and a unit follows U+00A0, so that no figure is ever broken at a line's
end; days are written with plain spaces, so that they are found when searched for. Everything is exact: whole
centimes and scaled integers in, text out. Babel writes the figures and the names of months, in Arabic those of Morocco
with western digits; what it has no form for is written here: `1er`, days from one to another, identifiers.
"""

from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal, parse_pattern

from pricing.money import format_amount, format_price, format_quantity
from pricing.period import next_month
from pricing.vat import EXEMPT, OUT_OF_SCOPE, SUSPENDED

GROUP = "\u202f"
SPACE = "\u00a0"
FRENCH, ENGLISH, ARABIC = "fr", "en", "ar"
CURRENCY_SIGN = "DH"
_CURRENCY_SIGNS = {FRENCH: CURRENCY_SIGN, ENGLISH: "MAD", ARABIC: "درهم"}
# Marks a French text that catalogues translate though it is looked up elsewhere.
noted = str
# What is said of a supply that bears no VAT (CGI art. 145-III-6°), and what stands in place of its rate, also in short.
_NO_VAT = {
    EXEMPT: (noted("Exonéré de TVA"), noted("Exonéré"), noted("Exo.")),
    SUSPENDED: (noted("TVA en suspension"), noted("Suspension"), noted("Susp.")),
    OUT_OF_SCOPE: (noted("Hors champ de la TVA"), noted("Hors\u00a0champ"), noted("H.C.")),
}
_LOCALES = {FRENCH: "fr", ENGLISH: "en", ARABIC: "ar_MA"}


def _signed(pattern: str) -> NumberPattern:
    """Return a pattern that writes negative figures with a minus, where Babel has a hyphen."""
    return parse_pattern(f"{pattern};\u2212{pattern}")


_COUNT, _AMOUNT, _PRICE, _QUANTITY = map(_signed, ("#,##0", "#,##0.00", "#,##0.00##", "#,##0.######"))


def _written(decimal: str, pattern: NumberPattern, language: str) -> str:
    """Return a decimal string as printed: `-1234.56` gives `−1 234,56`."""
    return format_decimal(Decimal(decimal), pattern, locale=_LOCALES[language])


def amount(centimes: int, language: str = FRENCH) -> str:
    """Write centimes as `1 234,56`."""
    return _written(format_amount(centimes), _AMOUNT, language)


def dirhams(centimes: int, language: str = FRENCH) -> str:
    """Write centimes as `1 234,56 DH`."""
    return f"{amount(centimes, language)}{SPACE}{_CURRENCY_SIGNS[language]}"


def price(ten_thousandths: int, language: str = FRENCH) -> str:
    """Write a unit price with two to four decimals: `145,00`."""
    return _written(format_price(ten_thousandths), _PRICE, language)


def quantity(millionths: int, language: str = FRENCH) -> str:
    """Write a quantity without useless zeros: `22,5`."""
    return _written(format_quantity(millionths), _QUANTITY, language)


def percentage(rate: int, language: str = FRENCH) -> str:
    """Write a rate in ten-thousandths as `20 %`, or `5,5 %`."""
    return f"{quantity(rate * 10_000, language)}{SPACE if language == FRENCH else ''}%"


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


# The papers and mails of a month name few days.
@lru_cache(maxsize=1024)
def day(value: date, language: str = FRENCH) -> str:
    """Write a day in full: `9 septembre 2026`; the first of a month is `1er`."""
    return f"{_ordinal(value) if language == FRENCH else value.day} {month(value, language)}"


def numeric_day(value: date) -> str:
    """Write a day as in a table: `09/09/2026`."""
    return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"


def count(number: int) -> str:
    """Write a whole number: `12 345`."""
    return _written(str(number), _COUNT, FRENCH)


@lru_cache(maxsize=1024)
def month(value: date, language: str = FRENCH) -> str:
    """Write the month a day lies in: `septembre 2026`."""
    return format_date(value, "MMMM y", _LOCALES[language])


def short_month(value: date, language: str) -> str:
    """Write the name of a month for a narrow place: `sept.`."""
    return format_date(value, "MMM", _LOCALES[language])


def month_name(value: date) -> str:
    """Write the month a day lies in without its year: `septembre`."""
    return format_date(value, "MMMM", _LOCALES[FRENCH])


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


def rib(text: str) -> str:
    """Write a RIB as it is read aloud."""
    return grouped(text, (3, 3, 16, 2))


def _ordinal(value: date) -> str:
    return "1er" if value.day == 1 else str(value.day)
