"""Reads a CSV file row by row, whatever its size, with the line each row begins on."""

import csv
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Layout

if TYPE_CHECKING:
    from _csv import Reader

# A row's first line, and its cells in the order of the layout's columns.
NumberedRow: TypeAlias = tuple[int, Sequence[str]]

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SAVE_AS_UTF8 = "save the file as CSV UTF-8"
_QUOTES = 'put the whole cell between quotes, and write a quote within it twice: "SARL ""Atlas"""'


class UnreadableFile(Exception):
    """The file's rows can't be told apart: the reason has been noted, its rows are unknown."""


def read_rows(path: Path, layout: Layout, faults: Faults) -> Iterator[NumberedRow]:
    """Yield the rows of a file, lazily; rows that can't be told apart are noted as faults and left out.

    Raises UnreadableFile, before the first row or in the midst of them, when the rest can't be read.
    """
    try:
        encoding, on_wrong_bytes = _encoding(path, layout, faults)
        with path.open(encoding=encoding, errors=on_wrong_bytes, newline="") as lines:
            reader = csv.reader(lines, strict=True)
            columns = _column_order(reader, layout, faults)
            yield from _numbered(reader, layout, columns, faults)
    except OSError as error:
        faults.add(layout.file, None, None, None, f"cannot be read: {error.strerror}", "check the file and its rights")
        raise UnreadableFile from None


def _encoding(path: Path, layout: Layout, faults: Faults) -> tuple[str, str]:
    """Return the encoding to read the file by; another than UTF-8 is a fault, but further faults are looked for too."""
    with path.open("rb") as content:
        if content.read(2) in _UTF16_MARKS:
            faults.add(layout.file, 1, None, None, "is not UTF-8 but UTF-16", _SAVE_AS_UTF8)
            raise UnreadableFile
        content.seek(0)
        wrong = 0
        first = 0, b"", 0
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
    line_no, line, byte = first
    column, value = _wrong_cell(path, line)
    others = f", on {wrong} lines in all" if wrong > 1 else ""
    faults.add(layout.file, line_no, column, value, f"is not UTF-8 (byte 0x{byte:02X}){others}", _SAVE_AS_UTF8)
    return "cp1252", "replace"


def _wrong_cell(path: Path, line: bytes) -> tuple[str | None, str]:
    """Return the column and the text, as most likely meant, of the first cell of a line that is not UTF-8."""
    with path.open("rb") as content:
        header = _cells_of(content.readline().removeprefix(b"\xef\xbb\xbf"))
    cells = _cells_of(line)
    for index, cell in enumerate(cells):
        if not _is_utf8(cell):
            named = len(cells) == len(header) and all(map(_is_utf8, header))
            return header[index] if named else None, _as_meant(cell)
    return None, _as_meant(line.decode(errors="surrogateescape").rstrip("\r\n"))


def _cells_of(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode(errors="surrogateescape").rstrip("\r\n")]), [])
    except csv.Error:
        return []


def _is_utf8(cell: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _as_meant(cell: str) -> str:
    return cell.encode(errors="surrogateescape").decode("cp1252", errors="replace")


class _Columns(NamedTuple):
    """The columns of a file: how many, the place of each of the layout's, and those that have no title."""

    number: int
    order: tuple[int, ...]
    untitled: tuple[int, ...]


def _column_order(reader: "Reader", layout: Layout, faults: Faults) -> _Columns:
    """Return where each of the layout's columns stands in the file; raises UnreadableFile if its header is wrong.

    Spreadsheets write columns without a title: they are skipped, as long as nothing stands in them.
    """
    names = layout.names
    try:
        header = next(reader, [])
    except csv.Error as error:
        faults.add(layout.file, 1, None, None, f"has a header that is not CSV: {error}", f"write {','.join(names)}")
        raise UnreadableFile from None
    if not header:
        faults.add(layout.file, 1, None, None, "has no header line", f"begin it with {','.join(names)}")
        raise UnreadableFile
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            remedy = "save it as CSV with commas"
            faults.add(layout.file, 1, None, header[0], f"is separated by {called}, not commas", remedy)
            raise UnreadableFile
    right = True
    untitled = tuple(index for index, name in enumerate(header) if not name.strip())
    for index, name in enumerate(header):
        if index in untitled:
            continue
        if name not in names:
            remedy = f"remove it or correct its name; columns are {', '.join(names)}"
            faults.add(layout.file, 1, name, name, "is an unknown column", remedy)
        elif name in header[:index]:
            faults.add(layout.file, 1, name, name, "is there twice", "remove one of the two columns")
        else:
            continue
        right = False
    for name in names:
        if name not in header:
            faults.add(
                layout.file, 1, name, None, "is a missing column", "add it; its cells may be blank where allowed"
            )
            right = False
    if not right:
        raise UnreadableFile
    return _Columns(len(header), tuple(header.index(name) for name in names), untitled)


def _numbered(reader: "Reader", layout: Layout, columns: _Columns, faults: Faults) -> Iterator[NumberedRow]:
    width, order, untitled = columns
    arrange = None if order == tuple(range(width)) else itemgetter(*order)
    while True:
        line = reader.line_num + 1
        try:
            for row in reader:
                if len(row) == width:
                    if untitled and any(row[place].strip() for place in untitled):
                        _note_untitled(layout, line, row, untitled, faults)
                    yield line, row if arrange is None else arrange(row)
                elif row:
                    _note_width(layout, line, row, width, faults)
                line = reader.line_num + 1
            return
        except csv.Error as error:
            _note_broken(layout, line, error, faults)


def _note_untitled(layout: Layout, line: int, row: Sequence[str], untitled: Sequence[int], faults: Faults) -> None:
    place = next(place for place in untitled if row[place].strip())
    problem = f"stands in column {place + 1}, which has no title"
    faults.add(layout.file, line, None, row[place], problem, "give the column its title, or empty the cell")


def _note_width(layout: Layout, line: int, row: Sequence[str], width: int, faults: Faults) -> None:
    remedy = (
        "a text with a comma stands between quotes" if len(row) > width else "write every comma, also of blank cells"
    )
    problem = f"is a row of {len(row)} cell{'s' * (len(row) > 1)}, where the header has {width}"
    faults.add(layout.file, line, None, ",".join(row), problem, remedy)


def _note_broken(layout: Layout, line: int, error: csv.Error, faults: Faults) -> None:
    """Note a row whose quotes don't pair; raises UnreadableFile if it swallowed what follows."""
    if "expected after" in str(error):
        faults.add(layout.file, line, None, None, "is a row with a stray quote", _QUOTES)
        return
    too_long = f" or a cell of more than {csv.field_size_limit()} characters" if "limit" in str(error) else ""
    faults.add(layout.file, line, None, None, f"has a quote that is never closed{too_long}", _QUOTES)
    raise UnreadableFile
