"""Beancount: the journal as plain text, in beancount's five trees, class 9 under Equity:Analytique."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import chain

from sqlalchemy import Connection

from ledger.exports.journal_lines import (
    JournalLine,
    OpenedAccount,
    brought_forward,
    entries_by_day,
    held_accounts,
    opened_accounts,
)
from ledger.exports.pieces import pieces
from pricing.money import format_amount

# Classes of the CGNC; class 9 balances by itself, so it leaves Equity as it is (R21).
_ROOTS = {
    "0": "Equity:Special", "1": "Equity", "2": "Assets", "3": "Assets", "4": "Liabilities", "5": "Assets",
    "6": "Expenses", "7": "Income", "8": "Equity:Resultat", "9": "Equity:Analytique",
}  # fmt: skip
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWYZ0123456789")
_ESCAPED = re.compile(r"-x([0-9a-f]+)-")
_STRING_ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    | {code: chr(0x2400 + code) for code in range(32) if code not in (9, 10, 13)}
)
_ASCII = str.maketrans("àâäçéèêëîïôöùûüÉÈÊÀÇ", "aaaceeeeiioouuuEEEAC")
_HEAD = 'option "title" "technopark-billing"\noption "operating_currency" "MAD"\n\n'
# Accounts whose names are kept ready; a park has a few thousand.
_NAMES = 65_536


def _escape(character: str) -> str:
    return f"-x{ord(character):x}-"


def encode(code: str) -> str:
    """Return a code as a component of an account's name, which begins with a capital or digit and has only letters,
    digits and hyphens after it; `decode` gives it back.

    Other characters are `-x` and their number in hexadecimal and `-`; an `X` in front says that the first one is.
    """
    if code and code[0] in _FIRST:
        return code[0] + _rest(code[1:])
    return "X" + (_escape(code[0]) + _rest(code[1:]) if code else "")


def _rest(text: str) -> str:
    written = []
    for index, character in enumerate(text):
        plain = character in _PLAIN or (character == "-" and text[index + 1 : index + 2] != "x")
        written.append(character if plain else _escape(character))
    return "".join(written)


def decode(component: str) -> str:
    """Return the code that `encode` made a component of."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), component.removeprefix("X"))


@lru_cache(_NAMES)
def account_name(account: str, label: str, auxiliary: str | None) -> str:
    """Return the name of an account and its auxiliary: `Assets:3421-Clients:T0042`."""
    words = _NOT_IN_NAMES.sub("-", label.translate(_ASCII)).strip("-")
    name = f"{_ROOTS[account[0]]}:{account}-{words}".rstrip("-")
    return name if auxiliary is None else f"{name}:{encode(auxiliary)}"


def _string(text: str) -> str:
    return f'"{text.translate(_STRING_ESCAPES)}"'


def _opening(opened: OpenedAccount) -> str:
    name = account_name(opened.account, opened.label, opened.auxiliary)
    auxiliary = "" if opened.auxiliary is None else f"  auxiliary: {_string(opened.auxiliary)}\n"
    return f"{opened.first_moved_on} open {name} MAD\n  label: {_string(opened.label)}\n{auxiliary}"


def _entry(lines: list[JournalLine]) -> str:
    head = lines[0]
    written = [
        f"\n{head.effective_on} * {_string(head.label)}\n"
        f"  number: {head.number}\n  journal: {_string(head.journal)}\n"
        f"  reference: {_string(head.reference)}\n  piece: {_string(head.piece)}\n"
    ]
    for line in lines:
        name = account_name(line.account, line.account_label, line.auxiliary)
        site = "" if line.site is None else f"    site: {_string(line.site)}\n"
        written.append(f"  {name}  {format_amount(line.amount)} MAD\n{site}")
    return "".join(written)


def journal(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    """Return the journal by day; passes `bean-check`."""
    opened = map(_opening, opened_accounts(connection, start, until))
    return pieces(chain([_HEAD], opened, map(_entry, entries_by_day(connection, start, until))))


def period(connection: Connection, start: date, until: date) -> Iterator[bytes]:
    """Return the journal of a period, which begins with what every account held before: its balances are the books'."""
    opened = map(_opening, held_accounts(connection, start, until))
    entries = chain(brought_forward(connection, start), entries_by_day(connection, start, until))
    return pieces(chain([_HEAD], opened, map(_entry, entries)))
