"""Statements of our bank account as values, whatever file they came in; the faults and the limits of one by itself."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from billing.frame.errors import Fault, Refused
from pricing.money import AMOUNT_MAX, format_amount

CURRENCY = "MAD"
# The limits of one file. A month of a large bank's XML fits in; the bank splits a larger file.
STATEMENT_BYTES_MAX = 32 << 20
LINES_MAX = 100_000
# What a file of that many movements is written in, at most.
FILE_LINES_MAX, ELEMENTS_MAX = 1_000_000, 1_500_000
STATEMENTS_MAX = 5_000
TEXT_LENGTH_MAX = 1000
NAME_LENGTH_MAX = 140
REFERENCE_LENGTH_MAX = 70
FAULTS_MAX = 100
YEARS = range(1990, 2201)

_DECIMAL = re.compile(r"([+-]?)([0-9]{1,18})(?:\.([0-9]{1,5}))?", re.ASCII)
_IBAN = re.compile(r"MA[0-9]{2}([0-9]{24})", re.ASCII)
_RIB = re.compile(r"(?<![0-9])[0-9]{24}(?![0-9])", re.ASCII)
# The words that banks write where they have no reference.
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "NONE", "UNKNOWN", "N/A"})


class BankLine(NamedTuple):
    """One movement of the account, as the bank states it; `amount` in centimes, positive where money came in.

    Texts are blank where the bank says nothing. `structured_reference` is what it carries as such; references in its
    text are found by the matching. `counterparty_account` is a RIB where it is Moroccan. `code` is the bank's own
    kind of movement. A movement that takes another back says so by `is_reversal`. `known_by` is what the line is known
    by where an earlier version of its reader saw less of it, so that it is known again; blank where that is the same.
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
    known_by: str = ""


def identity(line: BankLine) -> str:
    """Return what distinguishes a line from others of its day and amount: the bank's reference, or else its texts.

    Texts without signs: another kind of file may break a text otherwise.
    """
    return (
        line.known_by
        or line.bank_reference
        or "|".join(
            (
                line.value_on.isoformat(),
                line.end_to_end_id,
                "".join(filter(str.isalnum, f"{line.counterparty}{line.text}")),
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """The bank's statement of one account: `opening` before its lines, `closing` after them at the end of a day.

    Balances in centimes, positive where the bank owes us. `account` is a RIB where it is Moroccan, blank where the
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
        """Return its name in faults: the file, and the bank's name for it."""
        return f"{self.file} {self.reference}".strip()


class LeftOut(NamedTuple):
    """A statement of a file that is not of our account, and so not taken: the bank's name for it, and its lines."""

    account: str
    currency: str
    reference: str
    lines: int


class FileContent(NamedTuple):
    """The statements of our account in a file, in its order; and what of the file is left out."""

    statements: tuple[Statement, ...]
    left_out: tuple[LeftOut, ...] = ()


class BadText(ValueError):
    """The text is not what was expected; the message says what is wrong."""


def is_of(number: str, own_account: str) -> bool:
    """Return whether a statement of account `number` may be one of ours; blank: not said, or not asked."""
    return not number or not own_account or number == own_account


def faults_of(statement: Statement) -> Iterator[Fault]:
    """Yield the faults of a statement by itself: its currency, its sum, its days."""
    if statement.currency != CURRENCY:
        yield Fault(
            statement.name, None, "currency", statement.currency, f"is not {CURRENCY}",
            "only accounts in dirhams are kept in these books",
        )  # fmt: skip
    moved, difference = sum(line.amount for line in statement.lines), statement.closing - statement.opening
    if moved != difference:
        yield Fault(
            statement.name, None, "closing", format_amount(statement.closing),
            f"is not the opening balance {format_amount(statement.opening)} with its lines, "
            f"{format_amount(statement.opening + moved)}",
            f"lines of {format_amount(difference - moved)} are missing or wrong: ask the bank for the whole statement",
        )  # fmt: skip
    late = [line.booked_on for line in statement.lines if line.booked_on > statement.closed_on]
    if late:
        yield Fault(
            statement.name, None, "booked_on", max(late).isoformat(),
            f"is after the day of the closing balance, {statement.closed_on}", "ask the bank for the whole statement",
        )  # fmt: skip


def refuse(file: str, problem: str, remedy: str) -> Refused:
    """Return the error to raise for a whole file that can't be read."""
    return Refused([Fault(file, None, None, None, problem, remedy)])


def decoded(content: bytes, encoding: str = "") -> str:
    """Return the text of a file: by its byte order mark, UTF-8 where it is, else the encoding of French banks' systems.

    A given encoding raises UnicodeDecodeError or LookupError where the file is in another.
    """
    if encoding:
        return content.decode(encoding)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def centimes(text: str) -> int:
    """Return a decimal text with a point as centimes, exactly; raises BadText."""
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


@lru_cache(maxsize=1024)
def day(text: str) -> date:
    """Return an ISO day, or the day of an ISO instant, as the bank writes it; raises BadText."""
    try:
        written = date.fromisoformat(text[:10])
    except ValueError:
        raise BadText("is not a day") from None
    return sensible(written)


def sensible(written: date) -> date:
    """Return the day, if it may be one of a statement; raises BadText."""
    if written.year not in YEARS:
        raise BadText(f"is not a day from {YEARS[0]} to {YEARS[-1]}")
    # Libraries make dates of kinds of their own: this is a plain one.
    return date(written.year, written.month, written.day)


def tidy(text: str | None, most: int = TEXT_LENGTH_MAX) -> str:
    """Return a bank's text on one line: single spaces, all of it printable, at most `most` characters."""
    if not text:
        return ""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = "".join(character if unicodedata.category(character)[0] != "C" else " " for character in text)
    return " ".join(text.split())[:most].rstrip()


def reference(text: str | None) -> str:
    """Return a reference as the bank gives it; blank where it says that it has none."""
    given = tidy(text, REFERENCE_LENGTH_MAX)
    return "" if given.upper() in _NO_REFERENCE else given


def account(text: str | None) -> str:
    """Return an account's number without separators: the RIB of a Moroccan IBAN, or what is given."""
    number = re.sub(r"[\s.-]", "", tidy(text, REFERENCE_LENGTH_MAX)).upper()
    iban = _IBAN.search(number)
    if iban is not None:
        return iban[1]
    rib = _RIB.search(number)
    return rib[0] if rib is not None else number
