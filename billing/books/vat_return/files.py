"""The working paper as a file: JSON of its own; CSV, XLSX, HTML and PDF as every report."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection

from billing.books.reports.writing import FORMATS
from billing.books.vat_return.paper import VatReturn, prepared, vat_return, vat_return_shape
from billing.frame.errors import Unknown
from billing.frame.reports.pages import LINES_ON_PAPER_MAX
from billing.frame.shapes import indented
from billing.frame.terms import Terms
from invoices.document import Party


def vat_return_pieces(
    connection: Connection,
    period: date,
    file_format: str,
    *,
    operator: Party,
    terms: Terms,
    lines_on_paper_max: int = LINES_ON_PAPER_MAX,
) -> Iterator[bytes]:
    """Write the working paper of the month that begins on `period`, in one of `billing.books.reports.FORMATS`.

    Raises Unknown for another format, BadConfiguration; with the first piece TooLong and RenderingFailed, for PDF.
    """
    if file_format not in FORMATS:
        raise Unknown(f"reports have no format {file_format}: choose one of {', '.join(FORMATS)}")
    return paper_pieces(connection, vat_return(connection, period, terms), file_format, operator, lines_on_paper_max)


def paper_pieces(
    connection: Connection,
    paper: VatReturn,
    file_format: str,
    operator: Party,
    lines_on_paper_max: int = LINES_ON_PAPER_MAX,
) -> Iterator[bytes]:
    """Write a working paper in one of `billing.books.reports.FORMATS`; the first piece raises as a month's does."""
    if file_format == "json":
        return iter([indented(vat_return_shape(paper))])
    return FORMATS[file_format].pieces(prepared(connection, paper, lines_on_paper_max), operator)
