"""FEC, the French accounts file in 18 columns (law.md section 6): Morocco has set no format of its own."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain, groupby
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, not_

from ledger.entry import JOURNAL_LABELS, OPENING, RESULT
from ledger.exports.journal_lines import JournalLine, between, brought_forward, chosen_lines, of_class_9
from ledger.exports.pieces import pieces
from ledger.models import entry, posting
from ledger.openings import opens_a_year
from ledger.subledgers import Letter, Subledgers
from ledger.year_end import opening_reference
from pricing.money import format_amount

COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate",
    "Montantdevise", "Idevise",
)  # fmt: skip
_SEPARATORS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_CASABLANCA = ZoneInfo("Africa/Casablanca")


def _text(text: str) -> str:
    """Return a text without tabs and line ends, since the format knows no quoting."""
    return _SEPARATORS.sub(" ", text)


def _day(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def _valid_on(instant: datetime) -> str:
    return _day(instant.astimezone(_CASABLANCA).date())


def _line(line: JournalLine, number: int, subledgers: Subledgers, letter: Letter | None) -> str:
    day = _day(line.effective_on)
    auxiliary = _text(line.auxiliary or "")
    name = subledgers.name_of(line.account, line.auxiliary) if line.auxiliary else ""
    fields = (
        line.journal, JOURNAL_LABELS.get(line.journal, line.journal), str(number), day,
        line.account, line.account_label, auxiliary, _text(name) or auxiliary,
        _text(line.piece), day, _text(line.label),
        format_amount(line.debit).replace(".", ","), format_amount(line.credit).replace(".", ","),
        *((letter.text, _day(letter.since)) if letter else ("", "")), max(day, _valid_on(line.recorded_at)), "", "",
    )  # fmt: skip
    return "\t".join(fields) + "\r\n"


def _head() -> str:
    return "\t".join(COLUMNS) + "\r\n"


def journal(
    connection: Connection, start: date | None, until: date | None, subledgers: Subledgers, *, analytic: bool = False
) -> Iterator[bytes]:
    """Return the entries as the administration reads them: tabs, decimal commas, days as YYYYMMDD, UTF-8.

    The general ledger, or class 9 by itself (R21). A file that begins on 1 January begins with what the accounts open
    with, so that its sums are the balances at its end; entries that determine a result (journal `RES`) are left out, so
    that classes 6 and 7 keep theirs. EcritureNum runs 1, 2, 3 ... without gap; `concordance` gives the entries' own
    numbers. ValidDate is the day an entry was recorded, after which it can't be changed, but never before EcritureDate.
    EcritureLet and DateLet say what settles what on the file's last day.
    """
    lines = (
        _line(line, number, subledgers, None if analytic else subledgers.letter_of(line.number, line.line, until))
        for number, line in _numbered(connection, start, until, analytic=analytic)
    )
    return pieces(chain([_head()], lines))


def analytic_journal(
    connection: Connection, start: date | None, until: date | None, subledgers: Subledgers
) -> Iterator[bytes]:
    """Return the same of class 9."""
    return journal(connection, start, until, subledgers, analytic=True)


def concordance(
    connection: Connection, start: date | None, until: date | None, *, analytic: bool
) -> Iterator[tuple[int, int | None, str]]:
    """Yield the EcritureNum in a file, the number and the reference of the entry in the books.

    The opening of class 9 is no entry of theirs: it has no number.
    """
    for number, line in _numbered(connection, start, until, analytic=analytic):
        if line.line == 1:
            yield number, line.number or None, line.reference


def _numbered(
    connection: Connection, start: date | None, until: date | None, *, analytic: bool
) -> Iterator[tuple[int, JournalLine]]:
    """Yield the lines with the numbers of their entries in the file."""
    of_part = of_class_9(posting.c.account) if analytic else ~of_class_9(posting.c.account)
    chosen = [*between(entry.c.effective_on, start, until), of_part, entry.c.journal != RESULT, not_(opens_a_year())]
    lines = chain(_opening(connection, start, analytic=analytic), chosen_lines(connection, chosen))
    for number, (_, of_entry) in enumerate(groupby(lines, lambda line: line.number), 1):
        for line in of_entry:
            yield number, line


def _opening(connection: Connection, start: date | None, *, analytic: bool) -> Iterator[JournalLine]:
    """Yield what a file that begins on 1 January begins with; nothing of a year before which none was ended.

    Of the pair that opens a year only `ouverture` is given. Class 9 has no such entry, it runs on: its balances of the
    eve stand for one.
    """
    if start is None or (start.month, start.day) != (1, 1):
        return
    if analytic:
        label, piece = f"À-nouveaux de l'exercice {start.year}", f"Exercice {start.year}"
        for lines in brought_forward(connection, start, of_class_9(posting.c.account)):
            yield from (line._replace(journal=OPENING, label=label, piece=piece) for line in lines)
        return
    opening = opening_reference(connection, start.year)
    if opening is not None:
        yield from chosen_lines(connection, [entry.c.reference == opening])
