"""The structured creditor reference (ISO 11649) that an invoice is paid under, and the numbers a payer's text names.

It holds the document's number and two check digits: FA-2026-000012 is paid under RF21 FA20 2600 0012. Banks carry it
from the payer's order to our statement as it is, and a digit that was mistyped shows.
"""

import re
from collections.abc import Iterator

from stdnum.iso7064 import mod_97_10

_NUMBER = re.compile(r"(FA|AV)-([0-9]{4})-([0-9]{6,})", re.ASCII)
_AS_DIGITS = {"FA": "1510", "AV": "1031", "RF": "2715"}
_SEPARATORS = re.compile(r"[\s.,:;/_-]+")
# People write a number with other separators, in lower case, or without its zeros where separators tell what is what.
# One that follows RF and two digits is a structured reference: its check digits decide, not its looks.
_WRITTEN = re.compile(
    r"(?<![A-Z0-9])(?<!RF[0-9]{2}[\s.,:;/_-])"
    r"(FA|AV)(?:[\s./_-]{0,2}([0-9]{4})[\s./_-]{0,2}([0-9]{6,9})|[\s./_-]([0-9]{4})[./_-]([0-9]{1,5}))(?![0-9])",
    re.ASCII,
)
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


def structured_numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers whose structured references stand in `text`, with right check digits only, each once.

    Spaces may stand anywhere, as banks break a text into lines of their own. Beyond 999 999 documents a year, where
    digits follow a reference, a shorter and a longer one may both have the right check digits: both are given.
    """
    return tuple(dict.fromkeys(_structured(text.upper())))


def numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers that `text` names, by structured reference or as written, each once, in that order.

    It is not known here whether a document bears such a number.
    """
    capitals = text.upper()
    written = (f"{match[1]}-{match[2] or match[4]}-{match[3] or match[5]:0>6}" for match in _WRITTEN.finditer(capitals))
    return tuple(dict.fromkeys([*_structured(capitals), *written]))


def _structured(capitals: str) -> Iterator[str]:
    for match in _STRUCTURED.finditer(_SEPARATORS.sub("", capitals)):
        check_digits, series, year, sequence, more = match.groups()
        # A sequence is padded to six digits: a longer one doesn't begin with zero.
        for length in range(1 if sequence.startswith("0") else len(more) + 1):
            # Valid where the whole, RF and check digits last, letters as two digits, leaves 1 by 97 (ISO 7064).
            digits = f"{_AS_DIGITS[series]}{year}{sequence}{more[:length]}{_AS_DIGITS['RF']}{check_digits}"
            if int(digits) % 97 == 1:
                yield f"{series}-{year}-{sequence}{more[:length]}"
