"""How a report about receivables is written: a page or paper in the dress of the books, a spreadsheet, CSV, JSON.

A report is lines with their columns; what is summed is summed here. Papers carry their sums from page to page.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
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
from ledger.exports.tables import MEDIA_TYPES, json_cell, json_items, table
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
    """How a file of a report is made, and what it is called elsewhere."""

    pieces: Callable[[Listed, Party, int], Iterator[bytes]]
    media_type: str


def amount(key: str, title: str, group: str | None = None) -> Column:
    """A column of amounts that are summed."""
    return Column(key, title, Kind.AMOUNT, Carried.SUM, group)


def _rows(listed: Listed) -> Iterator[Row]:
    sums = [0] * len(listed.columns)
    summed = [index for index, column in enumerate(listed.columns) if column.carried is Carried.SUM]
    for cells in listed.lines:
        for index in summed:
            sums[index] += cells[index] or 0
        yield Row(RowKind.LINE, (), cells)
    if summed:
        total = tuple(sums[index] if index in summed else None for index in range(len(sums)))
        yield Row(RowKind.TOTAL, ("Total",), total)


def _prepared(listed: Listed, lines_on_paper_max: int) -> Prepared:
    parts: list[Part] = []
    lines = iter(listed.lines)
    first = next(lines, None)
    if first is not None:
        parts.append(Part(listed.name, _rows(listed._replace(lines=_again(first, lines))), listed.part))
    report = Report(listed.name, listed.title, listed.columns, iter(parts))
    return Prepared(report, Asked(None, listed.until), listed.facts, listed.until, 0, lines_on_paper_max)


def _again(first: tuple[Any, ...], rest: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield first
    yield from rest


def _html(listed: Listed, operator: Party, most: int) -> Iterator[bytes]:
    return pages.html(_prepared(listed, most), operator)


def _pdf(listed: Listed, operator: Party, most: int) -> Iterator[bytes]:
    return pages.pdf(_prepared(listed, most), operator)


def _columns(listed: Listed) -> Sequence[exported.Column]:
    return [
        exported.Column(column.title if column.group is None else f"{column.group} - {column.title}", column.kind)
        for column in listed.columns
    ]


def _csv(listed: Listed, _operator: Party, _most: int) -> Iterator[bytes]:
    return table("csv", listed.title, _columns(listed), listed.lines)


def _xlsx(listed: Listed, _operator: Party, _most: int) -> Iterator[bytes]:
    return table("xlsx", listed.title[:31], _columns(listed), listed.lines)


def _json(listed: Listed, _operator: Party, _most: int) -> Iterator[bytes]:
    totals = b"{}"

    def items() -> Iterator[bytes]:
        nonlocal totals
        for row in _rows(listed):
            cells = zip(listed.columns, row.cells, strict=True)
            if row.kind is RowKind.TOTAL:
                totals = orjson.dumps({c.key: json_cell(c.kind, cell) for c, cell in cells if cell is not None})
            else:
                yield orjson.dumps({c.key: json_cell(c.kind, cell) for c, cell in cells})

    yield orjson.dumps({"report": listed.name, **listed.about})[:-1] + b',"items":['
    yield from json_items(items())
    yield b'\n],"totals":' + totals + b"}\n"


Formats: TypeAlias = Mapping[str, Format]
FORMATS: Formats = MappingProxyType(
    {
        "json": Format(_json, MEDIA_TYPES["json"]),
        "csv": Format(_csv, MEDIA_TYPES["csv"]),
        "xlsx": Format(_xlsx, MEDIA_TYPES["xlsx"]),
        "html": Format(_html, "text/html; charset=utf-8"),
        "pdf": Format(_pdf, "application/pdf"),
    }
)


def listed_pieces(
    listed: Listed, file_format: str, *, operator: Party, lines_on_paper_max: int = LINES_ON_PAPER_MAX
) -> Iterator[bytes]:
    """A report as pieces of a file in one of FORMATS. Raises Unknown; with the first piece TooLong, RenderingFailed."""
    if file_format not in FORMATS:
        raise Unknown(f"reports have no format {file_format}: choose one of {', '.join(FORMATS)}")
    return FORMATS[file_format].pieces(listed, operator, lines_on_paper_max)
