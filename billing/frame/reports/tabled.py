"""Reports about receivables are written as a page or paper styled like the books, a spreadsheet, CSV or JSON.

A report is lines with their columns; what is summed is summed here. Papers carry their sums from page to page.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import orjson

from billing.frame.errors import Unknown
from billing.frame.reports import pages
from billing.frame.reports.pages import LINES_ON_PAPER_MAX
from billing.frame.reports.prepared import Asked, Fact, Prepared
from invoices.document import Party
from ledger.exports import columns as exported
from ledger.exports.columns import Kind
from ledger.exports.tables import MEDIA_TYPES, TABLES, json_cell, json_items, table
from ledger.reports.rows import Carried, Column, Part, Report, Row, RowKind


class Listed(NamedTuple):
    """A report: what it is called, its columns and lines, what it says of itself, up to which day it is.

    `about` heads its JSON. Columns that are carried are summed.
    """

    name: str
    title: str
    part: str
    columns: tuple[Column, ...]
    lines: Iterable[tuple[Any, ...]]
    facts: tuple[Fact, ...]
    until: date
    about: Mapping[str, Any]


class Format(NamedTuple):
    """A format makes a report's file, and has a media type."""

    pieces: Callable[[Listed, Party, int], Iterator[bytes]]
    media_type: str


def amount(key: str, title: str, group: str | None = None) -> Column:
    """Return a column of amounts that are summed."""
    return Column(key, title, Kind.AMOUNT, Carried.SUM, group)


def _rows(listing: Listed) -> Iterator[Row]:
    sums = [0] * len(listing.columns)
    summed = [index for index, column in enumerate(listing.columns) if column.carried is Carried.SUM]
    for cells in listing.lines:
        for index in summed:
            sums[index] += cells[index] or 0
        yield Row(RowKind.LINE, (), cells)
    if summed:
        total = tuple(sums[index] if index in summed else None for index in range(len(sums)))
        yield Row(RowKind.TOTAL, ("Total",), total)


def _prepared(listing: Listed, lines_on_paper_max: int) -> Prepared:
    parts: list[Part] = []
    lines = iter(listing.lines)
    first = next(lines, None)
    if first is not None:
        parts.append(Part(listing.name, _rows(listing._replace(lines=_again(first, lines))), listing.part))
    report = Report(listing.name, listing.title, listing.columns, iter(parts))
    return Prepared(report, Asked(None, listing.until), listing.facts, listing.until, 0, lines_on_paper_max)


def _again(first: tuple[Any, ...], rest: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield first
    yield from rest


def _html(listing: Listed, operator: Party, most: int) -> Iterator[bytes]:
    return pages.html(_prepared(listing, most), operator)


def _pdf(listing: Listed, operator: Party, most: int) -> Iterator[bytes]:
    return pages.pdf(_prepared(listing, most), operator)


def _columns(listing: Listed) -> Sequence[exported.Column]:
    return [
        exported.Column(column.title if column.group is None else f"{column.group} - {column.title}", column.kind)
        for column in listing.columns
    ]


def tabled(listing: Listed, file_format: str) -> Iterator[bytes]:
    """Return a report as pieces of a CSV file or a workbook, without sums."""
    return table(file_format, listing.title[:31], _columns(listing), listing.lines)


def _table(file_format: str, listing: Listed, _operator: Party, _most: int) -> Iterator[bytes]:
    return tabled(listing, file_format)


def _json(listing: Listed, _operator: Party, _most: int) -> Iterator[bytes]:
    totals = b"{}"

    def items() -> Iterator[bytes]:
        nonlocal totals
        for row in _rows(listing):
            cells = zip(listing.columns, row.cells, strict=True)
            if row.kind is RowKind.TOTAL:
                totals = orjson.dumps({c.key: json_cell(c.kind, cell) for c, cell in cells if cell is not None})
            else:
                yield orjson.dumps({c.key: json_cell(c.kind, cell) for c, cell in cells})

    yield orjson.dumps({"report": listing.name, **listing.about})[:-1] + b',"items":['
    yield from json_items(items())
    yield b'\n],"totals":' + totals + b"}\n"


Formats: TypeAlias = Mapping[str, Format]
FORMATS: Formats = MappingProxyType(
    {
        "json": Format(_json, MEDIA_TYPES["json"]),
        **{name: Format(partial(_table, name), MEDIA_TYPES[name]) for name in TABLES},
        "html": Format(_html, "text/html; charset=utf-8"),
        "pdf": Format(_pdf, "application/pdf"),
    }
)


def listed_pieces(
    listing: Listed, file_format: str, *, operator: Party, lines_on_paper_max: int = LINES_ON_PAPER_MAX
) -> Iterator[bytes]:
    """Return a report as pieces of a file in one of FORMATS.

    Raises Unknown; with the first piece TooLong, RenderingFailed.
    """
    if file_format not in FORMATS:
        raise Unknown(f"reports have no format {file_format}: choose one of {', '.join(FORMATS)}")
    return FORMATS[file_format].pieces(listing, operator, lines_on_paper_max)
