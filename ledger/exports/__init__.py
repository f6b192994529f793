"""The journal in the formats accountants, auditors and their tools read: one module a format.

Every format is a function from journal lines to pieces of a file, so that a file of any size is written,
or sent, in constant memory. The same books give the same bytes.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from sqlalchemy import Connection

from ledger.errors import UnknownFormat
from ledger.exports import beancount, comma_separated, fec, hledger, spreadsheet
from ledger.exports.journal_lines import JOURNAL_COLUMNS, journal_cells
from ledger.exports.tables import FRENCH_CSV
from ledger.subledgers import NOTHING_KNOWN, Subledgers


class Format(NamedTuple):
    """A format of the journal: how its file is made, and what it is called elsewhere."""

    pieces: Callable[[Connection, date | None, date | None, Subledgers], Iterator[bytes]]
    media_type: str
    extension: str


def _plain(pieces: Callable[[Connection, date | None, date | None], Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    """Return a format that says of subledger accounts no more than their codes."""
    return lambda connection, start, until, _subledgers: pieces(connection, start, until)


def _csv(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    return comma_separated.table(JOURNAL_COLUMNS, journal_cells(connection, start, until))


def _french_csv(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    return comma_separated.table(JOURNAL_COLUMNS, journal_cells(connection, start, until), comma_separated.FRENCH)


def _xlsx(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    return spreadsheet.table("Journal", JOURNAL_COLUMNS, journal_cells(connection, start, until))


def _parquet(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    try:
        # A third of all that is installed, for one format: an extra.
        from ledger.exports import parquet
    except ModuleNotFoundError:
        raise UnknownFormat(
            "Parquet needs a library that is not installed here: pip install 'technopark-billing[parquet]' installs "
            "it; csv and xlsx have the same columns"
        ) from None
    return parquet.journal(connection, start, until)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "csv": Format(_plain(_csv), comma_separated.MEDIA_TYPE, "csv"),
        FRENCH_CSV: Format(_plain(_french_csv), comma_separated.MEDIA_TYPE, "csv"),
        "xlsx": Format(_plain(_xlsx), spreadsheet.MEDIA_TYPE, "xlsx"),
        "parquet": Format(_plain(_parquet), "application/vnd.apache.parquet", "parquet"),
        "fec": Format(fec.journal, "text/plain; charset=utf-8", "txt"),
        "fec-analytic": Format(fec.analytic_journal, "text/plain; charset=utf-8", "txt"),
        "hledger": Format(_plain(hledger.journal), "text/plain; charset=utf-8", "journal"),
        "beancount": Format(_plain(beancount.journal), "text/plain; charset=utf-8", "beancount"),
    }
)


def journal_pieces(
    connection: Connection,
    file_format: str,
    *,
    start: date | None = None,
    until: date | None = None,
    subledgers: Subledgers = NOTHING_KNOWN,
) -> Iterator[bytes]:
    """Return the entries effective from `start` to `until`, both included, as pieces of a file.

    The connection's transaction must stay open until the last piece is taken. Raises UnknownFormat.
    """
    if file_format not in FORMATS:
        raise UnknownFormat(f"the journal has no format {file_format}: choose one of {', '.join(FORMATS)}")
    return FORMATS[file_format].pieces(connection, start, until, subledgers)


def write_journal(
    connection: Connection,
    file_format: str,
    destination: BinaryIO,
    *,
    start: date | None,
    until: date | None,
    subledgers: Subledgers = NOTHING_KNOWN,
) -> None:
    """Write the entries effective from `start` to `until`, both included, in constant memory. Raises UnknownFormat."""
    for piece in journal_pieces(connection, file_format, start=start, until=until, subledgers=subledgers):
        destination.write(piece)
