"""A statement of our bank account as a value, whatever file it came in; and what is wrong with one by itself."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.frame.errors import Fault, Refused
from pricing.money import AMOUNT_MAX, format_amount

CURRENCY = "MAD"
# A month of a large bank's XML; a larger file is split by the bank.
STATEMENT_BYTES_MAX = 32 << 20
LINES_MAX = 100_000
TEXT_LENGTH_MAX = 1000
NAME_LENGTH_MAX = 140
REFERENCE_LENGTH_MAX = 70
FAULTS_MAX = 100
YEARS = range(1990, 2201)

_DECIMAL = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,5}))?", re.ASCII)
_IBAN = re.compile(r"MA[0-9]{2}([0-9]{24})", re.ASCII)
_RIB = re.compile(r"(?<![0-9])[0-9]{24}(?![0-9])", re.ASCII)
# What banks write where they have no reference.
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "NONE", "UNKNOWN", "N/A"})


class BankLine(NamedTuple):
    """One movement of the account, as the bank tells it; `amount` in centimes, above nil where money came in.

    Texts are blank where the bank says nothing. `structured_reference` is what it carries as such; references in its
    text are found by whoever matches. `counterparty_account` is a RIB where it is Moroccan. `code` is the bank's own
    kind of movement. A movement that takes another back says so by `is_reversal`.
    """

    booked_on: date
    value_on: date
    amount: int
    bank_reference: str
    end_to_end_id: str
    structured_reference: str
    counterparty: str
    counterparty_account: str
    text: str
    code: str
    is_reversal: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What the bank says of one account: `opening` before its lines, `closing` after them at the end of a day.

    Balances in centimes, above nil where the bank owes us. `account` is a RIB where it is Moroccan, blank where the
    file doesn't say; `reference` is the bank's own name for the statement; `opened_on` the day of its opening balance,
    if it says so.
    """

    file: str
    account: str
    currency: str
    reference: str
    opened_on: date | None
    opening: int
    closed_on: date
    closing: int
    lines: tuple[BankLine, ...]

    @property
    def name(self) -> str:
        """How faults call it: the file, and the bank's name for it."""
        return f"{self.file} {self.reference}".strip()


class BadText(ValueError):
    """A text that is none of what was expected; the message says what it is instead."""


def faults_of(statement: Statement) -> Iterator[Fault]:
    """What is wrong with a statement by itself: its currency, its sum, its days."""
    if statement.currency != CURRENCY:
        yield Fault(
            statement.name, None, "currency", statement.currency, f"is not {CURRENCY}",
            "only accounts in dirhams are kept in these books",
        )  # fmt: skip
    moved, told = sum(line.amount for line in statement.lines), statement.closing - statement.opening
    if moved != told:
        yield Fault(
            statement.name, None, "closing", format_amount(statement.closing),
            f"is not the opening balance {format_amount(statement.opening)} with its lines, "
            f"{format_amount(statement.opening + moved)}",
            f"lines of {format_amount(told - moved)} are missing or wrong: ask the bank for the whole statement",
        )  # fmt: skip
    late = [line.booked_on for line in statement.lines if line.booked_on > statement.closed_on]
    if late:
        yield Fault(
            statement.name, None, "booked_on", max(late).isoformat(),
            f"is after the day of the closing balance, {statement.closed_on}", "ask the bank for the whole statement",
        )  # fmt: skip


def refuse(file: str, problem: str, remedy: str) -> Refused:
    """A whole file that can't be read, as the error to raise."""
    return Refused([Fault(file, None, None, None, problem, remedy)])


def centimes(text: str) -> int:
    """A decimal text with a point as centimes, exactly; raises BadText."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise BadText("is not an amount")
    sign, whole, fraction = match.groups()
    fraction = (fraction or "").rstrip("0")
    if len(fraction) > 2:
        raise BadText("has parts of a centime")
    value = int(whole) * 100 + int(f"{fraction:0<2}" if fraction else 0)
    if value > AMOUNT_MAX:
        raise BadText(f"is above {format_amount(AMOUNT_MAX)}")
    return -value if sign == "-" else value


def day(text: str) -> date:
    """An ISO day, or the day of an ISO instant, as the bank writes it; raises BadText."""
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        raise BadText("is not a day") from None
    return sensible(found)


def sensible(found: date) -> date:
    """The day, if it may be one of a statement; raises BadText."""
    if found.year not in YEARS:
        raise BadText(f"is not a day from {YEARS[0]} to {YEARS[-1]}")
    # A plain one, whatever kind of date a library makes.
    return date(found.year, found.month, found.day)


def tidy(text: str | None, most: int = TEXT_LENGTH_MAX) -> str:
    """A bank's text on one line: single spaces, nothing that can't be printed or stored, at most `most` characters."""
    if not text:
        return ""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = "".join(character if unicodedata.category(character)[0] != "C" else " " for character in text)
    return " ".join(text.split())[:most].rstrip()


def reference(text: str | None) -> str:
    """A reference as the bank gives it; blank where it says that it has none."""
    found = tidy(text, REFERENCE_LENGTH_MAX)
    return "" if found.upper() in _NO_REFERENCE else found


def account(text: str | None) -> str:
    """An account's number without separators: the RIB of a Moroccan IBAN, or what is given."""
    found = re.sub(r"[\s.-]", "", tidy(text, REFERENCE_LENGTH_MAX)).upper()
    iban = _IBAN.search(found)
    if iban is not None:
        return iban[1]
    rib = _RIB.search(found)
    return rib[0] if rib is not None else found
