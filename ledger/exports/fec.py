"""FEC, the French accounts file in 18 columns (law.md section 6): Morocco has set no format of its own."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ledger.entry import JOURNAL_LABELS
from ledger.exports.journal_lines import JournalLine, journal_lines
from ledger.exports.pieces import pieces
from pricing.money import format_amount

COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate",
    "Montantdevise", "Idevise",
)  # fmt: skip
_SEPARATORS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_CASABLANCA = ZoneInfo("Africa/Casablanca")


def _text(text: str) -> str:
    """A field holds neither tab nor line end; the format knows no quoting."""
    return _SEPARATORS.sub(" ", text)


def _day(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def _valid_on(instant: datetime) -> str:
    return _day(instant.astimezone(_CASABLANCA).date())


def _line(line: JournalLine) -> str:
    day = _day(line.effective_on)
    auxiliary = _text(line.auxiliary or "")
    fields = (
        line.journal, JOURNAL_LABELS.get(line.journal, line.journal), str(line.number), day,
        line.account, line.account_label, auxiliary, auxiliary,
        _text(line.piece), day, _text(line.label),
        format_amount(line.debit).replace(".", ","), format_amount(line.credit).replace(".", ","),
        "", "", _valid_on(line.recorded_at), "", "",
    )  # fmt: skip
    return "\t".join(fields) + "\r\n"


def journal(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    """The journal by entry number, a line a posting: tabs, decimal commas, days as YYYYMMDD, UTF-8.

    EcritureNum is the entry's own number, for ever; ValidDate the day it was recorded, after which it can't
    be changed.
    """
    head = "\t".join(COLUMNS) + "\r\n"
    return pieces(chain([head], map(_line, journal_lines(connection, start, until))))
