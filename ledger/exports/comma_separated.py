"""CSV: UTF-8, comma, header line, decimal point, ISO days; no text is ever taken for a formula."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any

from ledger.exports.columns import Column, Kind, Rows
from ledger.exports.pieces import pieces
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.period import format_month

MEDIA_TYPE = "text/csv; charset=utf-8"
# A spreadsheet takes these for the beginning of a formula: the wide forms of East Asian keyboards included.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")


def harmless(text: str) -> str:
    """Return text as a spreadsheet shows it: an apostrophe before what it would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


class _Text:
    """A file that hands back what is written to it, so that a CSV writer gives its lines as texts."""

    def write(self, text: str) -> str:
        return text


_LINES = csv.writer(_Text(), lineterminator="\n")


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


def table(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """Return the table as pieces of a CSV file; an empty cell is None."""
    writers = [WRITERS[column.kind] for column in columns]
    cells = (["" if cell is None else write(cell) for write, cell in zip(writers, row, strict=True)] for row in rows)
    return pieces(map(_LINES.writerow, chain([[column.name for column in columns]], cells)))
