"""The books as an accountant expects them, in French: read on a screen, printed, or worked on in a spreadsheet.

`ledger.reports` decides what stands in them; names of tenants, the writing of figures and days, and the look of a page
are added here. Everything is written while it is read, in constant memory, except PDF: layout holds its pages, so a
report beyond LINES_ON_PAPER_MAX lines is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection

from billing.books.reports.asked import prepare
from billing.frame.errors import Unknown
from billing.frame.reports import pages, tables
from billing.frame.reports.pages import LINES_ON_PAPER_MAX
from billing.frame.reports.prepared import Asked, Prepared
from invoices.document import Party
from ledger.exports.tables import FRENCH_CSV, MEDIA_TYPES
from ledger.reports import REPORTS

__all__ = ["FORMATS", "REPORTS", "Asked", "report_pieces"]


Writer: TypeAlias = Callable[[Prepared, Party], Iterator[bytes]]


class Format(NamedTuple):
    """A format of a report: what writes it, and its media type."""

    pieces: Writer
    media_type: str


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "html": Format(pages.html, "text/html; charset=utf-8"),
        "pdf": Format(pages.pdf, "application/pdf"),
        "xlsx": Format(tables.xlsx, MEDIA_TYPES["xlsx"]),
        "csv": Format(tables.csv, MEDIA_TYPES["csv"]),
        FRENCH_CSV: Format(partial(tables.csv, file_format=FRENCH_CSV), MEDIA_TYPES[FRENCH_CSV]),
        "json": Format(tables.json, MEDIA_TYPES["json"]),
    }
)


def report_pieces(
    connection: Connection,
    name: str,
    asked: Asked,
    file_format: str,
    *,
    operator: Party,
    lines_on_paper_max: int = LINES_ON_PAPER_MAX,
) -> Iterator[bytes]:
    """Write one of REPORTS as pieces of a file in one of FORMATS.

    The connection's transaction must stay open until the last piece is taken. Raises Unknown, UnknownAccount;
    with the first piece TooLong and RenderingFailed, for PDF.
    """
    if name not in REPORTS:
        raise Unknown(f"there is no report {name}: choose one of {', '.join(REPORTS)}")
    if file_format not in FORMATS:
        raise Unknown(f"reports have no format {file_format}: choose one of {', '.join(FORMATS)}")
    return FORMATS[file_format].pieces(prepare(connection, name, asked, lines_on_paper_max), operator)
