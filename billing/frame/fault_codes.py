"""The stable code of what is wrong with a field: what programs decide by, whatever the sentence says by then.

Rules of the import, of the rooms and of the HTTP edge say what is wrong in sentences that begin alike; their beginnings
are read here once. What fits none is `refused`: the rule that the sentence names.
"""

import re
from typing import NamedTuple

from billing.frame.errors import Fault, Taken


class FaultCode(NamedTuple):
    """A code, what it means, and how the sentences begin that it stands for."""

    code: str
    meaning: str
    sentences: re.Pattern[str]


def _code(code: str, meaning: str, sentences: str) -> FaultCode:
    return FaultCode(code, meaning, re.compile(sentences))


TAKEN = _code("taken", "the key exists already, with other values", r"(?!)")
REFUSED = _code("refused", "a rule that the sentence names stands against it", r"")
# The first that fits counts.
CODES = (
    TAKEN,
    _code(
        "missing",
        "nothing is given where something is needed",
        r"Missing data|Field may not be null|is blank|is missing|are missing|is a missing column|must say|is none$",
    ),
    _code("unknown_field", "no field of that name is taken", r"Unknown field|is an unknown column|is no parameter"),
    _code(
        "wrong_type",
        "the value is of another JSON type",
        r"Not a valid|Invalid (input )?type|Invalid input|is not a whole number|is neither true nor false",
    ),
    _code("not_a_choice", "none of the words that are taken", r"Must be one of|is not known|is not a scope"),
    _code(
        "unknown",
        "nothing of that name exists",
        r"is unknown|is no known|is not in|is no account of|is no document|is no tenant|is no invoice$|there is no ",
    ),
    _code(
        "length",
        "too short or too long",
        r"Length must|Longer than|Shorter than|is longer|(is not|must be)( at most)? 1 to [0-9]+|must be at most",
    ),
    _code(
        "out_of_range",
        "too small, too great, or too far away",
        r"Must be (greater|less)|is below|is zero|is above|is out of range|is not between|is not from|must be from"
        r"|is more than|is not above|is less than|is too ",
    ),
    _code(
        "malformed",
        "not written as it must be",
        r"is not an? |is no month|is no receipt such|is no cursor|is not base64|String does not match|holds |has blanks"
        r"|has more than [0-9]+ decimals|is not UTF-8|has a header|has a quote|is no CSV|can't be read|cannot be read",
    ),
    _code("repeated", "given more than once", r"is there twice|is given [0-9]+ times|gives .* a second time|is twice"),
    _code("overlap", "it lies within another one", r".*overlap"),
    _code(
        "order",
        "a day that comes before or after another one",
        r"comes (before|after)|is before|is after|has passed|is past|is still to come|ends before|begins after",
    ),
    REFUSED,
)


def fault_code(fault: Fault | str) -> str:
    """Return the code of a fault, or of a sentence that says what is wrong."""
    if isinstance(fault, Taken):
        return TAKEN.code
    sentence = fault.problem if isinstance(fault, Fault) else fault
    return next(each.code for each in CODES if each.sentences.match(sentence))
