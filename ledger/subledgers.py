"""What others know of subledger accounts, which the ledger does not: it asks by account and code."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

# The name of an account's auxiliary: a tenant's or a funder's name; blank if nothing is known.
NameOf: TypeAlias = Callable[[str, str], str]


class Subledgers(NamedTuple):
    """What a file for accountants says of subledger accounts."""

    name_of: NameOf


NOTHING_KNOWN = Subledgers(name_of=lambda _account, _auxiliary: "")
