"""How people and French spreadsheets spell numbers and days, and this service's one spelling: 1234.56, 2026-09-30."""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

COMMA, POINT = ",", "."
SIGNS: Mapping[str, str] = MappingProxyType({COMMA: "a decimal comma", POINT: "a decimal point"})

_BLANKS = " \u00a0\u2009\u202f"
_WHOLE = re.compile(rf"[+-]?(?:[0-9]+|[0-9]{{1,3}}(?:[{_BLANKS}][0-9]{{3}})+)", re.ASCII)
_DECIMAL = re.compile(rf"[+-]?(?:[0-9]+|[0-9]{{1,3}}(?:[{_BLANKS}][0-9]{{3}})+)([.,])[0-9]+", re.ASCII)
# Points that part thousands, as in Morocco's and Belgium's settings: seen by a comma behind, or by two points.
_POINTED = re.compile(r"[+-]?[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})", re.ASCII)
_TWO_WAYS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}", re.ASCII)
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)%", re.ASCII)
_SLASHED = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def is_two_ways(text: str) -> bool:
    """Return whether a number can be read with its sign as the decimal sign, or as parting thousands: `1,500`."""
    return _TWO_WAYS.fullmatch(text) is not None


def both_readings(text: str) -> str:
    """Return the two readings of such a number: `1.500 or 1500`."""
    return f"{text.replace(COMMA, POINT)} or {text.replace(COMMA, '').replace(POINT, '')}"


def is_pointed(text: str) -> bool:
    """Return whether points part the thousands of a number: `1.234,56`."""
    return _POINTED.fullmatch(text) is not None


def sign_of(text: str) -> str | None:
    """Return the decimal sign that a number shows; None where it shows none, may be read two ways, or is none."""
    if is_two_ways(text):
        return None
    if is_pointed(text):
        return COMMA
    match = _DECIMAL.fullmatch(text)
    return None if match is None else match[1]


def number(text: str, sign: str) -> str:
    """Return a number with that decimal sign as `1234.56`; what is none comes back as it is."""
    trimmed = text.strip()
    if sign == COMMA and (is_pointed(trimmed) or is_two_ways(trimmed)):
        trimmed = trimmed.replace(POINT, "")
    match = _DECIMAL.fullmatch(trimmed)
    if not (match and match[1] == sign) and not _WHOLE.fullmatch(trimmed):
        return text
    return "".join(POINT if mark == COMMA else mark for mark in trimmed if mark not in _BLANKS)


def typed(text: str) -> str:
    """Return a number that a person typed, with a decimal comma or point, as `1234.56`.

    Raises ValueError for one that can be read two ways, `1,500` and `1.500`; what is no number comes back as it is.
    """
    trimmed = text.strip()
    if is_two_ways(trimmed):
        raise ValueError(f"can be read as {both_readings(trimmed)}")
    return number(text, sign_of(trimmed) or POINT)


def rate(text: str, sign: str) -> str:
    """Return a rate as a part of one, `20 %` as `0.2`; else as `number`."""
    plain = number(text.strip().removesuffix("%"), sign) + ("%" if text.strip().endswith("%") else "")
    match = _PERCENT.fullmatch(plain)
    return number(text, sign) if match is None else format(Decimal(match[1]).scaleb(-2), "f")


def is_slashed(text: str) -> bool:
    """Return whether a day is spelt `dd/mm/yyyy`, whether or not it is one of the calendar."""
    return _SLASHED.fullmatch(text) is not None


def is_iso(text: str) -> bool:
    """Return whether a day is spelt `yyyy-mm-dd`, whether or not it is one of the calendar."""
    return _ISO.fullmatch(text) is not None


def is_month_first(text: str) -> bool:
    """Return whether a day with slashes can be one only with its month first: `12/31/2026`."""
    match = _SLASHED.fullmatch(text)
    return match is not None and int(match[2]) > 12 >= int(match[1])


def day(text: str) -> str:
    """Return `30/09/2026` as `2026-09-30`; what is spelt otherwise comes back as it is."""
    trimmed = text.strip()
    match = _SLASHED.fullmatch(trimmed)
    if match is not None:
        return f"{match[3]}-{match[2]}-{match[1]}"
    return trimmed if is_iso(trimmed) else text
