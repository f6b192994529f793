"""hledger: the journal as plain text, accounts named by code and label, class 9 in a tree of its own."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import chain
from urllib.parse import quote

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

# Two trees, so that no total mixes class 9 with the general ledger (R21).
GENERAL = "Général"
ANALYTIC = "Analytique"
# hledger's own account types by class: reports such as `bs` and `is` know what they are; class 9 has none.
_TYPES = {"1": "E", "2": "A", "3": "A", "4": "L", "5": "C", "6": "X", "7": "R", "8": "E"}
_IN_DESCRIPTIONS = " ,:()=@<>"
_HARMLESS = frozenset("-_.'/&+*!?#€")
_HEAD = "; -*- coding: utf-8 -*-\ndecimal-mark .\ncommodity MAD 1000.00\n\n"
# Accounts whose names are kept ready; a park has a few thousand.
_NAMES = 65_536


def encode(text: str, also: str = "") -> str:
    """Return text with every character that may mean something to hledger as %XX of its UTF-8; `unquote` undoes it.

    Letters and digits of any script stay, and those in `also`.
    """
    return "".join(c if c.isalnum() or c in _HARMLESS or c in also else quote(c, safe="") for c in text)


@lru_cache(_NAMES)
def account_name(account: str, label: str, auxiliary: str | None) -> str:
    """Return `Général:3421 Clients:T0042`; the auxiliary is encoded, since a colon would make a level of its own."""
    root = ANALYTIC if account[0] == "9" else GENERAL
    name = f"{root}:{account} {encode(label, ' ()')}"
    return name if auxiliary is None else f"{name}:{encode(auxiliary)}"


def _declaration(opened: OpenedAccount) -> str:
    kind = _TYPES.get(opened.account[0])
    return f"account {account_name(opened.account, opened.label, opened.auxiliary)}" + (
        f"  ; type:{kind}\n" if kind else "\n"
    )


def _entry(lines: list[JournalLine]) -> str:
    head = lines[0]
    written = [
        f"\n{head.effective_on} * ({encode(head.piece)}) {encode(head.label, _IN_DESCRIPTIONS)}\n"
        f"    ; entry:{head.number}, journal:{encode(head.journal)}, reference:{encode(head.reference, ':')}\n"
    ]
    for line in lines:
        name = account_name(line.account, line.account_label, line.auxiliary)
        site = "" if line.site is None else f"  ; site:{encode(line.site)}"
        written.append(f"    {name}  MAD {format_amount(line.amount)}{site}\n")
    return "".join(written)


def journal(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    """Return the journal by day; passes `hledger check --strict` and `hledger check ordereddates`."""
    opened = map(_declaration, opened_accounts(connection, start, until))
    return pieces(chain([_HEAD], opened, map(_entry, entries_by_day(connection, start, until))))


def period(connection: Connection, start: date, until: date) -> Iterator[bytes]:
    """Return the journal of a period, which begins with what every account held before: its balances are the books'."""
    opened = map(_declaration, held_accounts(connection, start, until))
    entries = chain(brought_forward(connection, start), entries_by_day(connection, start, until))
    return pieces(chain([_HEAD], opened, map(_entry, entries)))
