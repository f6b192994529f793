"""What others know of subledger accounts, which the ledger does not: it asks by account and code."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple, TypeAlias

# The name of an account's auxiliary: a tenant's or a funder's name; blank if nothing is known.
NameOf: TypeAlias = Callable[[str, str], str]


class Letter(NamedTuple):
    """The mark of lines that settle each other wholly, and the day since when they do."""

    text: str
    since: date


class Subledgers(NamedTuple):
    """What a file for accountants says of subledger accounts.

    `letter_of` knows a line by the number of its entry and its own, as things stand on a day (None: today and ever).
    """

    name_of: NameOf
    letter_of: Callable[[int, int, date | None], Letter | None]


NOTHING_KNOWN = Subledgers(name_of=lambda _account, _auxiliary: "", letter_of=lambda _number, _line, _until: None)
