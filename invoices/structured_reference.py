"""The structured creditor reference (ISO 11649) that an invoice is paid under, and the numbers a payer's text names.

It holds the document's number and two check digits: FA-2026-000012 is paid under RF21 FA20 2600 0012. Banks carry it
from the payer's order to our statement as it is, and a digit that was mistyped shows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from stdnum.iso7064 import mod_97_10

_NUMBER = re.compile(r"(FA|AV)-([0-9]{4})-([0-9]{6,})", re.ASCII)
_AS_DIGITS = {"FA": "1510", "AV": "1031", "RF": "2715"}
_SEPARATORS = re.compile(r"[\s.,:;/_-]+")
# A document as a text may name it: series, then digits with separators between them. What stands before it tells a
# structured reference (its check digits decide, not its looks), or the end of another word or number.
_MENTION = re.compile(
    r"(RF[\s.,:;/_-]*[0-9][\s.,:;/_-]*[0-9][\s.,:;/_-]*|[A-Z0-9])?(FA|AV)((?:[\s.,:;/_-]*[0-9])+)", re.ASCII
)
_DIGITS = re.compile(r"([\s.,:;/_-]*)([0-9]+)", re.ASCII)
_SEQUENCE = re.compile(r"[0-9]{6}|[1-9][0-9]{6,8}", re.ASCII)
_SHORT_SEQUENCE = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
# Between the parts of one number stand so many separators at most: `FA-2026- 000031`.
_SEPARATORS_MAX = 2
_YEAR_LENGTH = 4
# In text without separators. Further digits may follow a reference: any length it may have is tried.
_STRUCTURED = re.compile(r"RF([0-9]{2})(FA|AV)([0-9]{4})([0-9]{6})([0-9]{0,9})", re.ASCII)


def rf_of(number: str) -> str:
    """Return the reference a document is paid under, as machines write it: `RF21FA2026000012` for FA-2026-000012.

    Raises ValueError unless it is the number of a document.
    """
    if _NUMBER.fullmatch(number) is None:
        raise ValueError(f"{number!r} is not the number of a document")
    body = number.replace("-", "")
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"


def printed(reference: str, space: str = " ") -> str:
    """Write a reference as people read it, in groups of four: `RF21 FA20 2600 0012`."""
    return space.join(reference[start : start + 4] for start in range(0, len(reference), 4))


class Mentions(NamedTuple):
    """The documents that a text names, by number, each once.

    `structured`: by a reference with the right check digits. `written`: whole, as people write it. `ending`: those
    written short, `FA-2026-12`, at the end of a text or of one of its lines, where a bank may have cut more digits
    off. `joined`: what a number may be whose digits a blank or line breaks apart. `has_cut`: a number is not whole,
    or its check digits are wrong; it is never completed (R33).
    """

    structured: tuple[str, ...]
    written: tuple[str, ...]
    ending: tuple[str, ...]
    joined: tuple[str, ...]
    has_cut: bool

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return all whole numbers, structured references first."""
        return tuple(dict.fromkeys((*self.structured, *self.written)))


def structured_numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers whose structured references stand in `text`, with right check digits only, each once.

    Spaces may stand anywhere, as banks break a text into lines of their own. Beyond 999 999 documents a year, where
    digits follow a reference, a shorter and a longer one may both have the right check digits: both are given.
    """
    return tuple(dict.fromkeys(_structured(text.upper())))


def numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers that `text` names whole, by structured reference or as written, each once, in that order.

    It is not known here whether a document bears such a number.
    """
    return mentions_in(text).numbers


def mentions_in(text: str) -> Mentions:
    """Return the documents that `text` names, whole and cut; its lines are the fields that a bank keeps apart."""
    capitals = text.upper()
    structured = structured_numbers_in(text)
    written: list[str] = []
    ending: list[str] = []
    joined: list[str] = []
    has_cut = False
    for match in _MENTION.finditer(capitals):
        before, series, run = match.groups()
        groups = [(found[1], found[2]) for found in _DIGITS.finditer(run)]
        digits = "".join(group for _, group in groups)
        if before is not None and before.startswith("RF"):
            has_cut = has_cut or not any(
                f"{series}{digits}".startswith(number.replace("-", "")) for number in structured
            )
            continue
        number = None if before is not None else _written(series, groups)
        if number is None:
            # The end of a longer word is no document's series; of a longer number it may be.
            if len(digits) > _YEAR_LENGTH and digits.startswith("20") and (before is None or before.isdecimal()):
                has_cut = True
                joined += _joined(series, groups, 0)
            continue
        written.append(number)
        if len(number) < len(series) + len(digits) + 2:
            # A longer number may have been broken: one that begins with zero is whole as it is.
            joined += [other for other in _joined(series, groups, 10) if other != number]
        elif len(digits) < 10 and capitals[match.end() :].lstrip(" .,;:/_-")[:1] in ("", "\n"):
            ending.append(number)
    return Mentions(structured, tuple(dict.fromkeys(written)), tuple(ending), tuple(dict.fromkeys(joined)), has_cut)


def _written(series: str, groups: Sequence[tuple[str, str]]) -> str | None:
    """Return the number that begins a run of (separators, digits), if it is whole.

    Without its zeros (`FA-2026-12`) only where no digit follows: it might go on there. With some of its zeros
    (`FA-2026-00012`) it was cut.
    """
    (separators, first), *further = groups
    if len(separators) > _SEPARATORS_MAX or "\n" in separators:
        return None
    if len(first) > _YEAR_LENGTH:
        year, sequence = first[:_YEAR_LENGTH], first[_YEAR_LENGTH:]
        return f"{series}-{year}-{sequence}" if _SEQUENCE.fullmatch(sequence) else None
    if len(first) < _YEAR_LENGTH or not further or len(further[0][0]) > _SEPARATORS_MAX:
        return None
    if "\n" in further[0][0]:
        return None
    sequence = further[0][1]
    is_short = len(further) == 1 and bool(separators) and _SHORT_SEQUENCE.fullmatch(sequence) is not None
    return f"{series}-{first}-{sequence:0>6}" if is_short or _SEQUENCE.fullmatch(sequence) else None


def _joined(series: str, groups: Iterable[tuple[str, str]], longer_than: int) -> Iterator[str]:
    """Yield the numbers that groups of digits make from the first on, each ending where a group does."""
    digits = ""
    for _, group in groups:
        digits += group
        year, sequence = digits[:_YEAR_LENGTH], digits[_YEAR_LENGTH:]
        if len(digits) > longer_than and _SEQUENCE.fullmatch(sequence):
            yield f"{series}-{year}-{sequence}"


def _structured(capitals: str) -> Iterator[str]:
    for match in _STRUCTURED.finditer(_SEPARATORS.sub("", capitals)):
        check_digits, series, year, sequence, more = match.groups()
        # A sequence is padded to six digits: a longer one doesn't begin with zero.
        for length in range(1 if sequence.startswith("0") else len(more) + 1):
            # Valid where the whole, RF and check digits last, letters as two digits, leaves 1 by 97 (ISO 7064).
            digits = f"{_AS_DIGITS[series]}{year}{sequence}{more[:length]}{_AS_DIGITS['RF']}{check_digits}"
            if int(digits) % 97 == 1:
                yield f"{series}-{year}-{sequence}{more[:length]}"
