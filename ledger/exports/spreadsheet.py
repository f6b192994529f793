"""XLSX: real numbers, exact to the last decimal, and real days; text is text, never a formula or a link."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from ledger.exports.columns import Column, Kind, Rows
from ledger.exports.comma_separated import WRITERS

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel's own limit, the header line included; what goes beyond continues on a further sheet.
ROWS_MAX = 1_048_576
_PIECE_BYTES = 64 * 1024
# Values of a column that are kept as they are spelt.
_SPELT_MAX = 2_000
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
# A text that is written as it is: no markup, nothing that is escaped, short enough for any cell.
_PLAIN = re.compile(r"[^\x00-\x1f&<>_\ufffe\uffff\U00010000-\U0010ffff]{0,16000}")


class RowByRow(Worksheet):  # type: ignore[misc]
    """A sheet whose rows below its head are written whole, in a third of the time the library takes by cells."""

    def append_row(self, line: int, width: int, xml: str) -> None:
        """Write the row at `line` (0 is the head), which has been spelt as XML."""
        self._check_dimensions(line, width - 1)
        if self.previous_row < line:
            self._write_single_row(line)
        self.fh.write(xml)

    def text_element(self, text: str) -> str:
        """Spell a text as the inside of a cell; what looks like markup remains text. Raises TextTooLong."""
        if _PLAIN.fullmatch(text) is None:
            if len(text.encode("utf-16-le", "surrogatepass")) > 2 * self.xls_strmax:
                raise TextTooLong(f"{text[:60]}… is too long for a spreadsheet's cell")
            text = self._escape_data(self._escape_control_characters(text))
        return f'<is><t xml:space="preserve">{text}</t></is>'

    def serial(self, moment: date) -> str:
        """Spell a day or an instant as a spreadsheet counts it. It knows no time zone: instants are in UTC."""
        return f"{self._convert_date_time(moment):.16G}"


class TextTooLong(ValueError):
    """A text that no spreadsheet cell can hold (32,767 characters)."""


class _Spelt(dict[Any, str]):
    """The cells of a column, without their places (`<c r="B7"` stands before one), each value spelt once."""

    def __init__(self, write: Callable[[Any], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, cell: Any) -> str:
        if len(self) >= _SPELT_MAX:
            self.clear()
        text = self[cell] = self._write(cell)
        return text


# The cells of a sheet's columns: ordinary ones, and those of rows that stand out.
_Columns: TypeAlias = tuple[list[_Spelt], list[_Spelt]]


class _Forms:
    """The formats of a workbook's cells, ordinary and bold."""

    def __init__(self, workbook: Workbook) -> None:
        self.bold = workbook.add_format({"bold": True})
        forms = {kind: {"num_format": form} for kind, form in _NUMBER_FORMATS.items()}
        self.ordinary = {kind: workbook.add_format(form) for kind, form in forms.items()}
        self.standing_out = {kind: workbook.add_format({"bold": True, **form}) for kind, form in forms.items()}
        typed = _NUMBER_FORMATS | _TYPED_FORMATS
        self.typed = {kind: workbook.add_format({"num_format": form}) for kind, form in typed.items()}


def _spelt(sheet: RowByRow, kind: Kind, form: Any) -> _Spelt:
    """Return the cells of a column."""
    style = "" if form is None else f' s="{form._get_xf_index()}"'
    if kind is Kind.TEXT:
        return _Spelt(lambda cell: f'{style} t="inlineStr">{sheet.text_element(cell)}</c>')
    # Numbers are not binary floats, which would be 9.949999999999999 for 9.95.
    spell = sheet.serial if kind in (Kind.DAY, Kind.MONTH, Kind.INSTANT) else WRITERS[kind]
    return _Spelt(lambda cell: f"{style}><v>{spell(cell)}</v></c>")


class Sheet(NamedTuple):
    """A sheet to be written: its name, its columns, its rows in order.

    One that is to be filled in keeps what is typed into columns of texts as text, and shows days as French people
    write them.
    """

    name: str
    columns: Sequence[Column]
    rows: Rows
    to_fill_in: bool = False


def _open_sheet(workbook: Workbook, name: str, sheet: Sheet, forms: _Forms) -> tuple[RowByRow, _Columns]:
    """Return a new sheet with its header line, and the cells of its columns."""
    columns, written = sheet.columns, workbook.add_worksheet(name, RowByRow)
    written.freeze_panes(1, 0)
    for index, (title, kind) in enumerate(columns):
        written.set_column(index, index, _WIDTHS.get(kind, 13), forms.typed[kind] if sheet.to_fill_in else None)
        written.write_string(0, index, title, forms.bold)
    ordinary = forms.typed if sheet.to_fill_in else forms.ordinary
    return written, (
        [_spelt(written, kind, ordinary.get(kind)) for _, kind in columns],
        [_spelt(written, kind, forms.standing_out.get(kind, forms.bold)) for _, kind in columns],
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
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "remove_timezone": True,
        }
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
    parts, line, width = 0, ROWS_MAX, len(sheet.columns)
    letters = [f'<c r="{xl_col_to_name(index)}' for index in range(width)]
    for row in sheet.rows:
        if line == ROWS_MAX:
            parts += 1
            name = sheet.name if parts == 1 else f"{sheet.name} {parts}"
            (written, cells_of), line = _open_sheet(workbook, name, sheet, forms), 1
        number = line + 1
        cells = [
            f'{letter}{number}"{spelt[cell]}'
            for letter, spelt, cell in zip(letters, cells_of[stands_out(row)], row, strict=True)
            if cell is not None
        ]
        written.append_row(line, width, f'<row r="{number}">{"".join(cells)}</row>')
        line += 1
    if not parts:
        _open_sheet(workbook, sheet.name, sheet, forms)
