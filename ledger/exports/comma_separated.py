"""CSV: UTF-8, comma, header line, decimal point, ISO days; or as a French spreadsheet opens it, by semicolons.

No text is ever taken for a formula.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from ledger.exports.columns import Column, Kind, Rows
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.period import format_month

MEDIA_TYPE = "text/csv; charset=utf-8"
# Rows a piece holds: some tens of kilobytes.
_BLOCK = 500
# A spreadsheet takes these for the beginning of a formula: the wide forms of East Asian keyboards included.
_BEGINNINGS = r"[=+\-@\t\r\n＝＋－＠]"
_SIGNS = r"[=+\-@＝＋－＠]"
_FORMULA_WITHIN = re.compile(rf"\A(?={_BEGINNINGS})|(?<=[;\r\n])(?={_SIGNS})")
# The same for a file of semicolons, which another parts by its commas; with the apostrophes that stand there already.
_GUARD = re.compile(rf"\A(?='*{_BEGINNINGS})|(?<=[,\r\n])(?='*{_SIGNS})")
_GUARDED = re.compile(rf"\A'(?='*{_BEGINNINGS})|(?<=[,\r\n])'(?='*{_SIGNS})")


def harmless(text: str) -> str:
    """Return text with an apostrophe before what a spreadsheet would take for a formula.

    A French one parts a file of commas by its semicolons, in disregard of quotes.
    """
    return _FORMULA_WITHIN.sub("'", text)


def guarded(text: str) -> str:
    """Return text as `harmless` does, for a file of semicolons, so that `unguarded` gives it back."""
    return _GUARD.sub("'", text)


def unguarded(text: str) -> str:
    """Return the text that `guarded` has made safe."""
    return _GUARDED.sub("", text)


def _day(day: date) -> str:
    return day.isoformat()


def _instant(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


WRITERS: Mapping[Kind, Callable[[Any], str]] = {
    Kind.TEXT: harmless,
    Kind.COUNT: str,
    Kind.AMOUNT: format_amount,
    Kind.PRICE: format_price,
    Kind.QUANTITY: format_quantity,
    Kind.RATE: format_rate,
    Kind.DAY: _day,
    Kind.MONTH: format_month,
    Kind.INSTANT: _instant,
}


class Dialect(NamedTuple):
    """A way of writing CSV: what the file begins with, what parts cells and lines, how each kind of value is spelt."""

    mark: str
    separator: str
    line_end: str
    writers: Mapping[Kind, Callable[[Any], str]]


def _with_comma(write: Callable[[Any], str]) -> Callable[[Any], str]:
    def written(cell: Any) -> str:
        whole, point, decimals = write(cell).partition(".")
        # 1,500 could be read as fifteen hundred.
        return f"{whole}{',' if point else ''}{decimals}{'0' if len(decimals) == 3 else ''}"

    return written


PLAIN = Dialect("", ",", "\n", WRITERS)
# As a French spreadsheet saves CSV in UTF-8, and opens it by a double click; the import reads it back as it was.
FRENCH = Dialect(
    "\ufeff",
    ";",
    "\r\n",
    MappingProxyType(
        {
            Kind.TEXT: guarded,
            Kind.COUNT: str,
            Kind.AMOUNT: _with_comma(format_amount),
            Kind.PRICE: _with_comma(format_price),
            Kind.QUANTITY: _with_comma(format_quantity),
            Kind.RATE: _with_comma(format_rate),
            Kind.DAY: lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}",
            Kind.MONTH: lambda day: f"{day.month:02}/{day.year:04}",
            Kind.INSTANT: lambda instant: instant.strftime("%d/%m/%Y %H:%M:%S"),
        }
    ),
)


def table(columns: Sequence[Column], rows: Rows, dialect: Dialect = PLAIN) -> Iterator[bytes]:
    """Yield the table as pieces of a CSV file; an empty cell is None."""
    writers = [dialect.writers[column.kind] for column in columns]
    rows, block = iter(rows), [[column.name for column in columns]]
    mark = dialect.mark
    while block:
        file = io.StringIO()
        csv.writer(file, delimiter=dialect.separator, lineterminator=dialect.line_end).writerows(block)
        yield (mark + file.getvalue()).encode()
        mark, block = "", _written(writers, list(islice(rows, _BLOCK)))


def _written(writers: Sequence[Callable[[Any], str]], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Write the cells of a block column by column, each value once: most of them come again and again."""
    written = []
    for write, cells in zip(writers, zip(*rows, strict=True), strict=bool(rows)):
        spelt = {cell: "" if cell is None else write(cell) for cell in set(cells)}
        written.append(map(spelt.__getitem__, cells))
    return list(zip(*written, strict=True))
