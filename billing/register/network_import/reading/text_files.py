"""Reads a CSV file row by row, whatever its size, with the line each row begins on."""

import csv
import re
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Layout
from billing.register.network_import.reading.header import Columns, NumberedRow, UnreadableFile, columns_of, title

if TYPE_CHECKING:
    from _csv import Reader

COMMAS = ","
_SEPARATORS = (COMMAS, ";", "\t")
_NAMES = {COMMAS: "comma", ";": "semicolon", "\t": "tab"}
# A first line by which Excel is told the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?[,;\t]*[\r\n]*', re.IGNORECASE)
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_HEADER_MAX = 100_000
_SAVE_AS_UTF8 = "save it as .xlsx, or in Excel as « CSV UTF-8 », in LibreOffice as CSV with the character set UTF-8"
_QUOTES = 'put the whole cell between quotes, and write a quote within it twice: "SARL ""Atlas"""'
# A file that is not UTF-8 is taken for Windows-1252 only where it holds nothing but what French texts hold in it, each
# mark where it may stand. The é of MS-DOS is a low quote there, its à three points, the é of a Macintosh Ž; Arabic has
# many accents in a row, UTF-8 has Ã and â€.
_LETTERS = "A-Za-zÀÂÄÇÉÈÊËÎÏÔÖÙÛÜÑÁÍÓÚàâäçéèêëîïôöùûüÿñáíóúœŒæÆ"
_NOT_FRENCH = re.compile(
    rf"[^\x00-\x7f{_LETTERS}\xa0«»°§€£©®™²³¹¼½¾·´µ±’‘“”–—•]"
    rf"|[{_LETTERS}][€‘“–—•]|[”™®](?=[{_LETTERS}])|[a-zà-ÿ][À-ÞŒ]|[À-ÿ]{{3}}|â€"
)


class Written(NamedTuple):
    """The way a file is written: its encoding, how wrong bytes are read, its separator, the lines above its titles."""

    encoding: str
    on_wrong_bytes: str
    separator: str
    skipped: int


def written(path: Path, layout: Layout, faults: Faults) -> Written:
    """Return how a file is written; raises UnreadableFile if that can't be told, OSError."""
    _require_text(path, faults)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        first = lines.readline(_HEADER_MAX)
        named = _SEPARATOR_LINE.fullmatch(first)
        separator = named[1] if named is not None else _separator(first, layout)
    encoding, on_wrong_bytes = _encoding(path, separator, faults)
    return Written(encoding, on_wrong_bytes, separator, 0 if named is None else 1)


def raw_rows(path: Path, how: Written, layout: Layout, faults: Faults) -> Iterator[NumberedRow]:
    """Yield the rows of a file, lazily, as they stand there; rows that can't be told apart are noted and left out.

    Raises UnreadableFile, before the first row or in the midst of them, when the rest can't be read; OSError.
    """
    with path.open(encoding=how.encoding, errors=how.on_wrong_bytes, newline="") as lines:
        for _ in range(how.skipped):
            lines.readline()
        rows = _Rows(lines, path.name, how, layout, faults)
        yield from rows.numbered()


def _require_text(path: Path, faults: Faults) -> None:
    with path.open("rb") as content:
        start = content.read(4)
    if start[:2] in _UTF16_MARKS or b"\0" in start:
        faults.add(path.name, 1, None, None, "is not UTF-8 but UTF-16", _SAVE_AS_UTF8)
        raise UnreadableFile
    if start in _WORKBOOK_MARKS:
        remedy = f"save it as a workbook named {path.stem}.xlsx, or as CSV"
        faults.add(path.name, None, None, None, "is no CSV file but a spreadsheet's own", remedy)
        raise UnreadableFile


def _separator(first: str, layout: Layout) -> str:
    """Return what parts the titles that are known, else most titles; a comma where neither tells."""

    def known(separator: str) -> tuple[int, int]:
        cells = _cells_of(first, separator)
        return sum(title(cell) in layout.names for cell in cells), len(cells)

    return max(_SEPARATORS, key=known)


def _encoding(path: Path, separator: str, faults: Faults) -> tuple[str, str]:
    """Return the encoding to read the file by, and how to read wrong bytes; raises UnreadableFile.

    Commas go with UTF-8: another encoding is a fault, but further faults are looked for too.
    """
    wrong = 0
    first = 0, b"", 0
    with path.open("rb") as content:
        for line_no, line in enumerate(content, 1):
            if line.isascii():
                continue
            try:
                line.decode()
            except UnicodeDecodeError as error:
                wrong += 1
                if wrong == 1:
                    first = line_no, line, error.object[error.start]
    if not wrong:
        return "utf-8-sig", "strict"
    if separator != COMMAS:
        _require_windows(path, separator, faults)
        return "cp1252", "strict"
    line_no, line, byte = first
    column, value = _wrong_cell(path, line, separator)
    others = f", on {wrong} lines in all" if wrong > 1 else ""
    faults.add(path.name, line_no, column, value, f"is not UTF-8 (byte 0x{byte:02X}){others}", _SAVE_AS_UTF8)
    return "cp1252", "replace"


def _require_windows(path: Path, separator: str, faults: Faults) -> None:
    """Refuse a file that is neither UTF-8 nor Windows-1252, which is what a French spreadsheet writes."""
    with path.open("rb") as content:
        for line_no, line in enumerate(content, 1):
            if line.isascii() or not _NOT_FRENCH.search(line.decode("cp1252", errors="replace")):
                continue
            column, value = _wrong_cell(path, line, separator)
            problem = "is neither in UTF-8 nor in Windows-1252 (perhaps in the letters of MS-DOS, Macintosh or Arabic)"
            faults.add(path.name, line_no, column, value, problem, _SAVE_AS_UTF8)
            raise UnreadableFile


def _text_of(line: bytes) -> str:
    return line.decode(errors="surrogateescape").rstrip("\r\n")


def _wrong_cell(path: Path, line: bytes, separator: str) -> tuple[str | None, str]:
    """Return the column and the text, as most likely meant, of the first cell of a line that is not UTF-8."""
    with path.open("rb") as content:
        header = _cells_of(_text_of(content.readline().removeprefix(_UTF8_MARK)), separator)
    cells = _cells_of(_text_of(line), separator)
    for index, cell in enumerate(cells):
        if not _is_utf8(cell):
            named = len(cells) == len(header) and all(map(_is_utf8, header))
            return header[index] if named else None, _as_meant(cell)
    return None, _as_meant(_text_of(line))


def _cells_of(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return []


def _is_utf8(cell: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _as_meant(cell: str) -> str:
    return cell.encode(errors="surrogateescape").decode("cp1252", errors="replace")


class _Rows:
    """The rows below a file's titles."""

    def __init__(self, lines: TextIO, file: str, how: Written, layout: Layout, faults: Faults) -> None:
        self._reader: Reader = csv.reader(lines, delimiter=how.separator, strict=True)
        self._file = file
        self._separator = how.separator
        self._skipped = how.skipped
        self._layout = layout
        self._faults = faults

    def numbered(self) -> Iterator[NumberedRow]:
        """Yield each row with the line it begins on, its cells in the layout's order."""
        columns = self._columns()
        width, order, untitled = columns
        arrange = None if order == tuple(range(width)) else itemgetter(*order)
        lacking = [""] if width in order else []
        reader, skipped = self._reader, self._skipped
        while True:
            line = reader.line_num + 1 + skipped
            try:
                for row in reader:
                    if len(row) == width:
                        if untitled and any(row[place].strip() for place in untitled):
                            self._note_untitled(line, row, untitled)
                        yield line, row if arrange is None else arrange(row + lacking)
                    elif len(row) > width and self._separator != COMMAS and not any(map(str.strip, row[width:])):
                        yield line, [(row[:width] + lacking)[place] for place in order]
                    elif row:
                        self._note_width(line, row, width)
                    line = reader.line_num + 1 + skipped
                return
            except csv.Error as error:
                self._note_broken(line, error)

    def _columns(self) -> Columns:
        names, line = self._layout.names, 1 + self._skipped
        titles = self._separator.join(names)
        try:
            header = next(self._reader, [])
        except csv.Error as error:
            self._faults.add(self._file, line, None, None, f"has a header that is not CSV: {error}", f"write {titles}")
            raise UnreadableFile from None
        if not any(map(title, header)):
            self._faults.add(self._file, line, None, None, "has no header line", f"begin it with {titles}")
            raise UnreadableFile
        return columns_of(header, self._file, line, self._layout, self._faults)

    def _note_untitled(self, line: int, row: Sequence[str], untitled: Sequence[int]) -> None:
        place = next(place for place in untitled if row[place].strip())
        problem = f"stands in column {place + 1}, which has no title"
        self._faults.add(self._file, line, None, row[place], problem, "give the column its title, or empty the cell")

    def _note_width(self, line: int, row: Sequence[str], width: int) -> None:
        remedy = (
            f"a text with a {_NAMES[self._separator]} stands between quotes"
            if len(row) > width
            else f"write every {_NAMES[self._separator]}, also of blank cells"
        )
        problem = f"is a row of {len(row)} cell{'s' * (len(row) > 1)}, where the header has {width}"
        self._faults.add(self._file, line, None, self._separator.join(row), problem, remedy)

    def _note_broken(self, line: int, error: csv.Error) -> None:
        """Note a row whose quotes don't pair; raises UnreadableFile if it swallowed what follows."""
        if "expected after" in str(error):
            self._faults.add(self._file, line, None, None, "is a row with a stray quote", _QUOTES)
            return
        too_long = f" or a cell of more than {csv.field_size_limit()} characters" if "limit" in str(error) else ""
        self._faults.add(self._file, line, None, None, f"has a quote that is never closed{too_long}", _QUOTES)
        raise UnreadableFile
