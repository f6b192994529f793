"""Reports for programs: CSV and XLSX with French titles, JSON with the names of the API."""

from collections.abc import Iterator
from typing import Any

import orjson

from billing.frame.reports.prepared import Prepared
from billing.frame.reports.words import label_text
from invoices.document import Party
from ledger.exports import columns as exported
from ledger.exports import spreadsheet
from ledger.exports.columns import Kind
from ledger.exports.tables import json_cell, json_items, table
from ledger.reports.rows import ANALYTIC, GENERAL, Column, Part, Report, Row, RowKind

_KINDS = {
    RowKind.OPENING: "report à nouveau",
    RowKind.LINE: "ligne",
    RowKind.SUBTOTAL: "sous-total",
    RowKind.TOTAL: "total",
    RowKind.MEMO: "pour mémoire",
}
_SHEETS = {GENERAL: "Général", ANALYTIC: "Analytique"}
# Before its cells, a row has its ledger, its kind and its label.
_LEADING = ("Comptabilité", "Nature", "Désignation")


def _columns(report: Report) -> tuple[exported.Column, ...]:
    leading = tuple(exported.Column(title, Kind.TEXT) for title in _LEADING)
    return (*leading, *(exported.Column(_title(column), column.kind) for column in report.columns))


def _title(column: Column) -> str:
    return column.title if column.group is None else f"{column.group} - {column.title.lower()}"


def _cells(part: Part) -> Iterator[tuple[Any, ...]]:
    for row in part.rows:
        if row.kind is not RowKind.HEADING:
            yield (_SHEETS[part.key].lower(), _KINDS[row.kind], label_text(row.label) or None, *row.cells)


def csv(prepared: Prepared, _operator: Party, file_format: str = "csv") -> Iterator[bytes]:
    """Return one table; the second column says which rows are lines, so that what is summed can be chosen."""
    rows = (cells for part in prepared.report.parts for cells in _cells(part))
    return table(file_format, prepared.report.title, _columns(prepared.report), rows)


def xlsx(prepared: Prepared, _operator: Party) -> Iterator[bytes]:
    """Return a sheet for the general ledger and one for class 9: numbers are numbers, days are days, sums stand out."""
    columns = _columns(prepared.report)
    sheets = (spreadsheet.Sheet(_SHEETS[part.key], columns, _cells(part)) for part in prepared.report.parts)
    ordinary = _KINDS[RowKind.LINE]
    return spreadsheet.book(
        sheets, empty=spreadsheet.Sheet(_SHEETS[GENERAL], columns, ()), stands_out=lambda cells: cells[1] != ordinary
    )


def json(prepared: Prepared, _operator: Party) -> Iterator[bytes]:
    """`general` and `analytic` apart; amounts are decimal strings, days ISO."""
    asked = prepared.asked
    head = {
        "report": prepared.report.name,
        "from": None if asked.start is None else asked.start.isoformat(),
        "until": None if prepared.last_day is None else prepared.last_day.isoformat(),
        "account": asked.account,
        "tenant": asked.tenant,
        "site": asked.site,
        "newest_entry": prepared.newest_entry,
    }
    yield orjson.dumps(head)[:-1]
    left = [GENERAL, ANALYTIC]
    for part in prepared.report.parts:
        while left[0] != part.key:
            yield b',"%s":[]' % left.pop(0).encode()
        left.pop(0)
        yield b',"%s":[' % part.key.encode()
        yield from json_items(
            _row_json(prepared.report.columns, row) for row in part.rows if row.kind != RowKind.HEADING
        )
        yield b"\n]"
    for key in left:
        yield b',"%s":[]' % key.encode()
    yield b"}\n"


def _row_json(columns: tuple[Column, ...], row: Row) -> bytes:
    shape: dict[str, Any] = {"kind": row.kind.value}
    if row.label:
        shape["label"] = label_text(row.label)
    for column, cell in zip(columns, row.cells, strict=True):
        if cell is not None or row.kind is RowKind.LINE:
            shape[column.key] = json_cell(column.kind, cell)
    return orjson.dumps(shape)
