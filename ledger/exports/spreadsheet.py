"""XLSX: real numbers, exact to the last decimal, and real days; text is text, never a formula or a link."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

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
_TYPED_FORMATS = {Kind.TEXT: "@", Kind.DAY: "dd/mm/yyyy"}
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


_Writer: TypeAlias = Callable[[int, int, Any], None]
# The writers of a sheet's columns: ordinary ones, and those for rows that stand out.
_Writers: TypeAlias = tuple[list[_Writer], list[_Writer]]


class _Forms:
    """The formats of a workbook's cells, ordinary and bold."""

    def __init__(self, workbook: Workbook) -> None:
        self.bold = workbook.add_format({"bold": True})
        forms = {kind: {"num_format": form} for kind, form in _NUMBER_FORMATS.items()}
        self.ordinary = {kind: workbook.add_format(form) for kind, form in forms.items()}
        self.standing_out = {kind: workbook.add_format({"bold": True, **form}) for kind, form in forms.items()}
        typed = _NUMBER_FORMATS | _TYPED_FORMATS
        self.typed = {kind: workbook.add_format({"num_format": form}) for kind, form in typed.items()}


def _number_writer(sheet: Worksheet, decimals: int, form: Any) -> _Writer:
    def write(row: int, column: int, cell: int) -> None:
        # Not a binary float: the library would write 9.949999999999999 for 9.95.
        sheet.write_number(row, column, Decimal(cell).scaleb(-decimals), form)

    return write


def _text_writer(sheet: Worksheet, form: Any) -> _Writer:
    def write(row: int, column: int, cell: str) -> None:
        if sheet.write_string(row, column, cell, form) != 0:
            raise TextTooLong(f"row {row + 1}, column {column + 1}: {cell[:60]}… is too long for a spreadsheet's cell")

    return write


def _day_writer(sheet: Worksheet, form: Any) -> _Writer:
    def write(row: int, column: int, cell: date) -> None:
        # A spreadsheet knows no time zone: instants are in UTC.
        moment = cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
        sheet.write_datetime(row, column, moment, form)

    return write


def _writer(sheet: Worksheet, kind: Kind, forms: Mapping[Kind, Any], of_text: Any) -> _Writer:
    if kind is Kind.TEXT:
        return _text_writer(sheet, of_text)
    if kind in (Kind.DAY, Kind.MONTH, Kind.INSTANT):
        return _day_writer(sheet, forms[kind])
    return _number_writer(sheet, _DECIMALS.get(kind, 0), forms[kind])


class Sheet(NamedTuple):
    """A sheet to be written: its name, its columns, its rows in order.

    One that is to be filled in keeps what is typed into columns of texts as text, and shows days as French people
    write them.
    """

    name: str
    columns: Sequence[Column]
    rows: Rows
    to_fill_in: bool = False


def _open_sheet(workbook: Workbook, name: str, sheet: Sheet, forms: _Forms) -> _Writers:
    """Return a new sheet with its header line; gives what writes each of its columns."""
    columns, written = sheet.columns, workbook.add_worksheet(name, TextIsText)
    written.freeze_panes(1, 0)
    for index, (title, kind) in enumerate(columns):
        written.set_column(index, index, _WIDTHS.get(kind, 13), forms.typed[kind] if sheet.to_fill_in else None)
        written.write_string(0, index, title, forms.bold)
    ordinary = forms.typed if sheet.to_fill_in else forms.ordinary
    return (
        [_writer(written, kind, ordinary, ordinary.get(Kind.TEXT)) for _, kind in columns],
        [_writer(written, kind, forms.standing_out, forms.bold) for _, kind in columns],
    )


def table(title: str, columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """Return the table as pieces of a workbook, written row by row to temporary files first. Raises TextTooLong."""
    sheet = Sheet(title, columns, rows)
    return book([sheet], empty=sheet)


def book(
    sheets: Iterable[Sheet], *, empty: Sheet, stands_out: Callable[[tuple[Any, ...]], bool] = lambda _row: False
) -> Iterator[bytes]:
    """Yield sheets, one after the other, as pieces of a workbook, which has `empty` when there is none.

    Rows that stand out are bold. All is written row by row to temporary files first. Raises TextTooLong.
    """
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as workbook:
            workbook.set_properties({"created": _CREATED})
            forms = _Forms(workbook)
            for sheet in sheets:
                _write_sheet(workbook, forms, sheet, stands_out)
            if not workbook.worksheets():
                _open_sheet(workbook, empty.name, empty, forms)
        file.seek(0)
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _write_sheet(
    workbook: Workbook, forms: _Forms, sheet: Sheet, stands_out: Callable[[tuple[Any, ...]], bool]
) -> None:
    """Write one sheet, or as many as Excel needs for its rows."""
    parts, line = 0, ROWS_MAX
    writers: _Writers = ([], [])
    for row in sheet.rows:
        if line == ROWS_MAX:
            parts += 1
            name = sheet.name if parts == 1 else f"{sheet.name} {parts}"
            writers, line = _open_sheet(workbook, name, sheet, forms), 1
        chosen = writers[1] if stands_out(row) else writers[0]
        for index, cell in enumerate(row):
            if cell is not None:
                chosen[index](line, index, cell)
        line += 1
    if not parts:
        _open_sheet(workbook, sheet.name, sheet, forms)
