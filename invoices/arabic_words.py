"""Writes amounts of dirhams in Arabic words (tafqīṭ), without vowel signs, as cheques and invoices do.

All nouns counted here are masculine. After 3 to 10 they are plural and the number feminine; after 11 to 99 singular
with the ending of the accusative; after hundreds and thousands singular, and a dual before them drops its last letter:
مائتا درهم, ألفا درهم. What ends in one or two names the noun again: مائة درهم ودرهم واحد.
"""

from typing import NamedTuple


class Noun(NamedTuple):
    """The forms of what is counted: one, the bare singular, the dual alone and before a noun, plural, 11 to 99."""

    one: str
    singular: str
    dual: str
    dual_before: str
    plural: str
    accusative: str


DIRHAM = Noun("درهم واحد", "درهم", "درهمان", "درهما", "دراهم", "درهما")
CENTIME = Noun("سنتيم واحد", "سنتيم", "سنتيمان", "سنتيما", "سنتيمات", "سنتيما")
_SCALES = (
    (10**9, Noun("مليار", "مليار", "ملياران", "مليارا", "مليارات", "مليارا")),
    (10**6, Noun("مليون", "مليون", "مليونان", "مليونا", "ملايين", "مليونا")),
    (10**3, Noun("ألف", "ألف", "ألفان", "ألفا", "آلاف", "ألفا")),
)
_AND = " و"
_UNITS = ("", "واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة", "عشرة", "أحد عشر", "اثنا عشر")
_TENS = ("", "", "عشرون", "ثلاثون", "أربعون", "خمسون", "ستون", "سبعون", "ثمانون", "تسعون")
_HUNDREDS = (
    "", "مائة", "مائتان", "ثلاثمائة", "أربعمائة", "خمسمائة", "ستمائة", "سبعمائة", "ثمانمائة", "تسعمائة",
)  # fmt: skip


def counted(number: int, noun: Noun) -> str:
    """Return so many of a noun, at least one: `ثلاثة دراهم`, `أحد عشر درهما`, `ألفا درهم`."""
    return _counted(number, noun, before_noun=False)


def _counted(number: int, noun: Noun, *, before_noun: bool) -> str:
    """Return so many of a noun; a thousand or million counted right `before_noun` takes the form it has there."""
    if number == 1:
        return noun.one
    if number == 2:
        return noun.dual_before if before_noun else noun.dual
    last = number % 100
    if last in (1, 2):
        return f"{_counted(number - last, noun, before_noun=True)}{_AND}{_counted(last, noun, before_noun=before_noun)}"
    if last == 0:
        return f"{_number(number, before_noun=True)} {noun.singular}"
    form = noun.plural if last <= 10 else noun.singular if before_noun else noun.accusative
    return f"{_number(number, before_noun=False)} {form}"


def _number(number: int, *, before_noun: bool) -> str:
    parts = []
    for scale, noun in _SCALES:
        times, number = divmod(number, scale)
        if times:
            parts.append(_counted(times, noun, before_noun=before_noun and not number))
    hundreds, number = divmod(number, 100)
    if hundreds:
        parts.append("مائتا" if hundreds == 2 and before_noun and not number else _HUNDREDS[hundreds])
    if number:
        parts.append(_below_hundred(number))
    return _AND.join(parts)


def _below_hundred(number: int) -> str:
    if number < len(_UNITS):
        return _UNITS[number]
    tens, units = divmod(number, 10)
    if tens == 1:
        return f"{_UNITS[units]} عشر"
    return f"{_UNITS[units]}{_AND}{_TENS[tens]}" if units else _TENS[tens]
