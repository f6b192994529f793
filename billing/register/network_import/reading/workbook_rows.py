"""Reads the rows of a workbook's sheet in the contract's spelling: real numbers and days, texts as in a CSV file."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from billing.frame import cells as cells_of
from billing.frame.cells import BadCell
from billing.frame.counted import counted
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Column, Form, Layout
from billing.register.network_import.reading.header import Columns, NumberedRow, UnreadableFile, columns_of
from billing.register.network_import.reading.spellings import Spellings, respelt
from billing.register.network_import.reading.workbook import (
    DIGITS_MAX,
    BadWorkbook,
    Cell,
    Cells,
    Kind,
    SheetName,
    Workbook,
)

_AS_TEXT = "format the column as text, and type the cell again"
_PUT_ZEROS_BACK = "make the column text (in Excel: Données, Convertir, Texte), and put zeros back"
# So many cells of a column that are wrong in one way are named.
_NAMED_MAX = 20
_RANGE = re.compile(r"([A-Z]{1,3})([0-9]+):([A-Z]{1,3})([0-9]+)", re.ASCII)
# These refuse digits of which the first are missing.
_TELL_LOST_ZEROS = (cells_of.ice, cells_of.revenue_account)
_BLANK = Cell(Kind.TEXT, "")


class TableFile(NamedTuple):
    """A table: its file, what messages call it, its workbook and sheet once they are known."""

    path: Path
    label: str
    book: Workbook | None = None
    sheet: SheetName | None = None


def table_of_sheet(path: Path, book: Workbook, sheet: SheetName) -> TableFile:
    """Return a sheet as a table, called as in `network.xlsx [leases]`."""
    return TableFile(path, f"{path.name} [{sheet.name}]", book, sheet)


def sheet_of(book: Workbook, stem: str) -> SheetName:
    """Return the sheet of a workbook that holds one table: the one of its name, or the only one; raises BadWorkbook."""
    named = [sheet for sheet in book.sheets if sheet.name.strip().casefold() == stem]
    filled = named or [sheet for sheet in book.sheets if next(book.rows(sheet), None) is not None]
    if len(filled) != 1:
        names = ", ".join(sheet.name for sheet in filled)
        problem = f"has several sheets that hold something: {names}" if filled else "has no sheet that holds anything"
        raise BadWorkbook(problem, f"name the one to be read {stem}")
    require_shown(filled[0])
    return filled[0]


def require_shown(sheet: SheetName) -> None:
    """Refuse a sheet that nobody sees; raises BadWorkbook."""
    if sheet.hidden:
        raise BadWorkbook(f"has {sheet.name} as a hidden sheet", "show it, or rename it if it is not to be read")


def workbook_rows(table: TableFile, layout: Layout, faults: Faults, warnings: Faults | None) -> Iterator[NumberedRow]:
    """Yield the rows of a workbook's table; as `read_rows`."""
    try:
        book = table.book or Workbook(table.path)
        sheet = table.sheet or sheet_of(book, layout.stem)
        yield from _Table(book, sheet, table.label, layout, faults, warnings).rows()
    except BadWorkbook as bad:
        faults.add(table.label, None, None, None, bad.problem, bad.remedy)
        raise UnreadableFile from None


class _Head(NamedTuple):
    line: int
    columns: Columns


class _Table:
    """One sheet as the table of a layout."""

    def __init__(
        self, book: Workbook, sheet: SheetName, file: str, layout: Layout, faults: Faults, warnings: Faults | None
    ) -> None:
        self._book, self._sheet, self._file = book, sheet, file
        self._layout, self._faults, self._warnings = layout, faults, warnings
        self._forms = tuple(column.form for column in layout.columns)
        self._doubtful: dict[str, int] = {}
        self._refused: Counter[tuple[str, str]] = Counter()

    def rows(self) -> Iterator[NumberedRow]:
        head = self._head()
        merged: list[str] = []
        spellings = Spellings(self._file, self._layout)
        spellings.learn(self._texts(head, merged))
        self._refuse_merged(head, merged)
        sign = spellings.sign(self._faults)
        whole = True
        for line, cells in self._book.rows(self._sheet):
            if line <= head.line or _is_blank(cells):
                continue
            row = self._row(line, cells, head, sign)
            if row is None:
                whole = False
            else:
                yield line, row
        self._warn()
        self._count()
        if not whole:
            raise UnreadableFile

    def _head(self) -> _Head:
        for line, cells in self._book.rows(self._sheet):
            if not _is_blank(cells):
                titles = [cells.get(place, _BLANK).text for place in range(max(cells) + 1)]
                return _Head(line, columns_of(titles, self._file, line, self._layout, self._faults))
        names = ", ".join(self._layout.names)
        self._faults.add(self._file, 1, None, None, "has no header line", f"begin it with {names}")
        raise UnreadableFile

    def _texts(self, head: _Head, merged: list[str]) -> Iterator[NumberedRow]:
        """Yield the texts of each row, blank where a cell has another kind."""
        for line, cells in self._book.rows(self._sheet, merged):
            if line > head.line:
                row = [cells.get(place, _BLANK) for place in head.columns.order]
                yield line, [cell.text if cell.kind is Kind.TEXT else "" for cell in row]

    def _refuse_merged(self, head: _Head, merged: Sequence[str]) -> None:
        """Refuse merged cells among the table's: all but the first of them are blank."""
        below = [ranged for ranged in merged if (match := _RANGE.fullmatch(ranged)) and int(match[4]) >= head.line]
        for ranged in below:
            problem = "are merged cells, of which only the first holds anything"
            self._faults.add(self._file, _first_row(ranged), None, ranged, problem, "unmerge them, and fill each cell")
        if below:
            raise UnreadableFile

    def _row(self, line: int, cells: Cells, head: _Head, sign: str) -> list[str] | None:
        """Return a row's cells; None after noting each that can't be taken."""
        sound = True
        for place, cell in cells.items():
            if (place >= head.columns.number or place in head.columns.untitled) and not _is_blank({0: cell}):
                problem = f"stands in column {_letters(place)}, which has no title"
                remedy = "give the column its title, or empty the cell"
                self._faults.add(self._file, line, None, cell.text, problem, remedy)
                sound = False
        row = []
        for column, place in zip(self._layout.columns, head.columns.order, strict=True):
            cell = cells.get(place, _BLANK)
            try:
                row.append(cell.text if cell.kind is Kind.TEXT else self._typed(line, column, cell))
            except BadCell as bad:
                self._refuse(line, column.name, cell.text, bad)
                sound = False
        if not sound:
            return None
        texts = [cells.get(place, _BLANK).kind is Kind.TEXT for place in head.columns.order]
        spelt = respelt(row, self._forms, sign)
        return [new if is_text else old for old, new, is_text in zip(row, spelt, texts, strict=True)]

    def _refuse(self, line: int, column: str, value: str, bad: BadCell) -> None:
        """Note a cell; where all of a column are wrong in one way, the first ones."""
        self._refused[column, bad.problem] += 1
        if self._refused[column, bad.problem] <= _NAMED_MAX:
            self._faults.add(self._file, line, column, value, bad.problem, bad.remedy)

    def _count(self) -> None:
        """Say how many cells were not named."""
        for (column, problem), number in self._refused.items():
            if number > _NAMED_MAX:
                more = f"{problem}, in {counted(number - _NAMED_MAX, 'more row')}"
                self._faults.add(self._file, None, column, None, more, "the first ones are named by their rows")

    def _typed(self, line: int, column: Column, cell: Cell) -> str:
        """Return the text of a cell that is none in the spreadsheet; raises BadCell."""
        if cell.kind is Kind.UNCALCULATED:
            remedy = "open the file in a spreadsheet and save it, or paste the values alone"
            raise BadCell("is a formula without its result", remedy)
        if cell.kind is Kind.ERROR:
            raise BadCell("is an error of the spreadsheet", "correct the cell's formula")
        if cell.kind is Kind.FLAG:
            raise BadCell("is true or false for the spreadsheet", _AS_TEXT)
        if cell.kind is Kind.TIME:
            raise BadCell("is a time of day for the spreadsheet", "give the day alone, or format the cell as a number")
        if column.form is Form.TEXT:
            return self._digits(line, column, cell)
        if column.form is Form.DAY:
            if cell.kind is not Kind.DAY:
                raise BadCell("is a number, not a day", "format the cell as a date, and look whether it is right")
            return cell.text
        if cell.kind is Kind.DAY:
            problem = "is a day for the spreadsheet, where a number belongs"
            raise BadCell(problem, "it took what was typed for a day: format the column as numbers, and type it again")
        if cell.form == "fraction" or (cell.form == "percent" and column.form is not Form.RATE):
            raise BadCell(f"is a {cell.form} for the spreadsheet", _AS_TEXT)
        return cell.text

    def _digits(self, line: int, column: Column, cell: Cell) -> str:
        """Return the digits of a number where a text belongs, if none can have been lost unseen; raises BadCell."""
        if cell.kind is Kind.DAY:
            raise BadCell("is a day for the spreadsheet, where a text belongs", _AS_TEXT)
        if not cell.text.isdecimal() or cell.form in ("percent", "fraction"):
            raise BadCell("is a number with a sign or decimals, where a text belongs", _AS_TEXT)
        if len(cell.text) > DIGITS_MAX:
            raise BadCell(f"is a number of more than the {DIGITS_MAX} digits a spreadsheet keeps", _AS_TEXT)
        if cell.form.strip("0") == "" and cell.form:
            return cell.text.zfill(len(cell.form))
        if column.parse in _TELL_LOST_ZEROS:
            try:
                column.parse(cell.text)
            except BadCell as bad:
                raise BadCell(f"{bad.problem}: the spreadsheet took it for a number", _PUT_ZEROS_BACK) from None
            return cell.text
        if column.name in (*self._layout.key, *self._layout.references) or self._warnings is None:
            problem = "is a number for the spreadsheet, which drops zeros at the beginning of a code"
            raise BadCell(problem, _PUT_ZEROS_BACK)
        self._doubtful.setdefault(column.name, line)
        return cell.text

    def _warn(self) -> None:
        """Say which texts were numbers."""
        for name, line in self._doubtful.items():
            problem = "holds numbers in a column of texts: zeros at their beginning, if there were any, are lost"
            if self._warnings is not None:
                remedy = "look whether some are missing; if so, format the column as text and type them again"
                self._warnings.add(self._file, line, name, None, problem, remedy)


def _is_blank(cells: Cells) -> bool:
    return all(cell.kind is Kind.TEXT and not cell.text.strip() for cell in cells.values())


def _first_row(ranged: str) -> int | None:
    match = _RANGE.fullmatch(ranged)
    return int(match[2]) if match else None


def _letters(place: int) -> str:
    """Return a column as a spreadsheet names it: A, B, ... AA."""
    letters, number = "", place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
