"""FEC, the French accounts file in 18 columns (law.md section 6): Morocco has set no format of its own."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import chain, groupby
from typing import TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, not_

from ledger.entry import JOURNAL_LABELS
from ledger.exports.journal_lines import JournalLine, chosen_lines, journal_lines, of_class_9
from ledger.exports.pieces import pieces
from ledger.models import entry, posting
from ledger.openings import opens_a_year
from ledger.year_end import opening_reference
from pricing.money import format_amount

COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate",
    "Montantdevise", "Idevise",
)  # fmt: skip
# The name of an account's auxiliary; blank if nothing is known.
NameOf: TypeAlias = Callable[[str, str], str]
_SEPARATORS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_CASABLANCA = ZoneInfo("Africa/Casablanca")


def _text(text: str) -> str:
    """Return a text without tabs and line ends, since the format knows no quoting."""
    return _SEPARATORS.sub(" ", text)


def _day(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def _valid_on(instant: datetime) -> str:
    return _day(instant.astimezone(_CASABLANCA).date())


def _line(line: JournalLine, number: int, name: str) -> str:
    day = _day(line.effective_on)
    auxiliary = _text(line.auxiliary or "")
    fields = (
        line.journal, JOURNAL_LABELS.get(line.journal, line.journal), str(number), day,
        line.account, line.account_label, auxiliary, _text(name) or auxiliary,
        _text(line.piece), day, _text(line.label),
        format_amount(line.debit).replace(".", ","), format_amount(line.credit).replace(".", ","),
        "", "", _valid_on(line.recorded_at), "", "",
    )  # fmt: skip
    return "\t".join(fields) + "\r\n"


def _head() -> str:
    return "\t".join(COLUMNS) + "\r\n"


def journal(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    """Return the journal by entry number, a line a posting: tabs, decimal commas, days as YYYYMMDD, UTF-8.

    EcritureNum is the entry's own number, for ever; ValidDate the day it was recorded, after which it can't
    be changed.
    """
    lines = (_line(line, line.number, "") for line in journal_lines(connection, start, until))
    return pieces(chain([_head()], lines))


def financial_year(connection: Connection, year: int, name_of: NameOf, *, analytic: bool) -> Iterator[bytes]:
    """Return a year's file as the administration reads one: opening entries first, EcritureNum 1, 2, 3 ... without gap.

    The general ledger, or class 9 by itself (R21). Of the pair that opens a year only `ouverture` is given: what is
    summed up over the file is the balance at its end. `concordance` gives the entries' own numbers. `name_of` says what
    an auxiliary is called.
    """
    lines = (
        _line(line, number, name_of(line.account, line.auxiliary) if line.auxiliary else "")
        for number, line in _numbered(connection, year, analytic=analytic)
    )
    return pieces(chain([_head()], lines))


def concordance(connection: Connection, year: int, *, analytic: bool) -> Iterator[tuple[int, int, str]]:
    """Yield the EcritureNum in a year's file, the number and the reference of the entry in the books."""
    for number, line in _numbered(connection, year, analytic=analytic):
        if line.line == 1:
            yield number, line.number, line.reference


def _numbered(connection: Connection, year: int, *, analytic: bool) -> Iterator[tuple[int, JournalLine]]:
    """Yield the lines of a year with the numbers of their entries in its file."""
    of_year = (
        entry.c.effective_on >= date(year, 1, 1),
        entry.c.effective_on <= date(year, 12, 31),
        of_class_9(posting.c.account) if analytic else ~of_class_9(posting.c.account),
    )
    opening = None if analytic else opening_reference(connection, year)
    lines = chosen_lines(connection, [*of_year, not_(opens_a_year())])
    if opening is not None:
        lines = chain(chosen_lines(connection, [entry.c.reference == opening]), lines)
    for number, (_, of_entry) in enumerate(groupby(lines, lambda line: line.number), 1):
        for line in of_entry:
            yield number, line
