"""XLSX: real numbers, exact to the last decimal, and real days; text is text, never a formula or a link."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from ledger.exports.columns import Column, Kind, Rows
from pricing.money import AMOUNT_DECIMALS, PRICE_DECIMALS, QUANTITY_DECIMALS, RATE_DECIMALS

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel's own limit, the header line included; what goes beyond continues on a further sheet.
ROWS_MAX = 1_048_576
_PIECE_BYTES = 64 * 1024
# The same books give the same bytes: no file bears the moment it was made.
_CREATED = datetime(2026, 1, 1)
_WIDTHS = {Kind.TEXT: 24, Kind.INSTANT: 20}
_NUMBER_FORMATS = {
    Kind.COUNT: "0",
    Kind.AMOUNT: "#,##0.00",
    Kind.PRICE: "#,##0.00##",
    Kind.QUANTITY: "#,##0.######",
    Kind.RATE: "0.00%",
    Kind.DAY: "yyyy-mm-dd",
    Kind.MONTH: "yyyy-mm",
    Kind.INSTANT: "yyyy-mm-dd hh:mm:ss",
}
_DECIMALS = {
    Kind.AMOUNT: AMOUNT_DECIMALS,
    Kind.PRICE: PRICE_DECIMALS,
    Kind.QUANTITY: QUANTITY_DECIMALS,
    Kind.RATE: RATE_DECIMALS,
}


class TextIsText(Worksheet):  # type: ignore[misc]
    """A sheet that takes no text for markup: the library's own lets through what looks like a rich string."""

    def _xml_rich_inline_string(self, string: str, attributes: Sequence[tuple[str, Any]] = ()) -> None:
        self._xml_inline_string(string, True, attributes)


class TextTooLong(ValueError):
    """A text that no spreadsheet cell can hold (32,767 characters)."""


def _number_writer(sheet: Worksheet, decimals: int, form: Any) -> Callable[[int, int, Any], None]:
    def write(row: int, column: int, cell: int) -> None:
        # Not a binary float: the library would write 9.949999999999999 for 9.95.
        sheet.write_number(row, column, Decimal(cell).scaleb(-decimals), form)

    return write


def _text_writer(sheet: Worksheet) -> Callable[[int, int, Any], None]:
    def write(row: int, column: int, cell: str) -> None:
        if sheet.write_string(row, column, cell) != 0:
            raise TextTooLong(f"row {row + 1}, column {column + 1}: {cell[:60]}… is too long for a spreadsheet's cell")

    return write


def _day_writer(sheet: Worksheet, form: Any) -> Callable[[int, int, Any], None]:
    def write(row: int, column: int, cell: date) -> None:
        # A spreadsheet knows no time zone: instants are in UTC.
        moment = cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
        sheet.write_datetime(row, column, moment, form)

    return write


def _open_sheet(
    book: Workbook, name: str, columns: Sequence[Column], forms: Mapping[Kind, Any], bold: Any
) -> list[Callable[[int, int, Any], None]]:
    """A new sheet with its header line; gives what writes each of its columns."""
    sheet = book.add_worksheet(name, TextIsText)
    sheet.freeze_panes(1, 0)
    writers = []
    for index, (title, kind) in enumerate(columns):
        sheet.set_column(index, index, _WIDTHS.get(kind, 13))
        sheet.write_string(0, index, title, bold)
        if kind is Kind.TEXT:
            writers.append(_text_writer(sheet))
        elif kind in (Kind.DAY, Kind.MONTH, Kind.INSTANT):
            writers.append(_day_writer(sheet, forms[kind]))
        else:
            writers.append(_number_writer(sheet, _DECIMALS.get(kind, 0), forms[kind]))
    return writers


def table(title: str, columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """The table as pieces of a workbook, written row by row to temporary files first. Raises TextTooLong."""
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as book:
            book.set_properties({"created": _CREATED})
            bold = book.add_format({"bold": True})
            forms = {kind: book.add_format({"num_format": form}) for kind, form in _NUMBER_FORMATS.items()}
            sheets = 0
            line = ROWS_MAX
            writers: list[Callable[[int, int, Any], None]] = []
            for row in rows:
                if line == ROWS_MAX:
                    sheets += 1
                    name = title if sheets == 1 else f"{title} {sheets}"
                    writers, line = _open_sheet(book, name, columns, forms, bold), 1
                for index, cell in enumerate(row):
                    if cell is not None:
                        writers[index](line, index, cell)
                line += 1
            if not sheets:
                _open_sheet(book, title, columns, forms, bold)
        file.seek(0)
        while piece := file.read(_PIECE_BYTES):
            yield piece
