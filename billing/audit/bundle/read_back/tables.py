"""Tables: rows under a head of names, as CSV or as a workbook."""

import csv
import io
import tempfile
from abc import abstractmethod
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree
from zipfile import ZipFile

from billing.audit.bundle.read_back.reader import ReadBack, Reader

_OF_WORKSHEETS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_TEXTS_OF_CELLS = (f"{_OF_WORKSHEETS}v", f"{_OF_WORKSHEETS}t")


class _TableReader(Reader):
    """Rows under a head of names."""

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] | None = None

    def _row(self, cells: list[str]) -> None:
        self.result.lines += 1
        if self._names is None:
            self._names = cells
            return
        try:
            self.row(dict(zip(self._names, cells, strict=True)))
        except (ValueError, KeyError) as error:
            self.result.fault(f"row {self.result.lines}: {error}")

    @abstractmethod
    def row(self, row: dict[str, str]) -> None:
        """Count one row; raises ValueError or KeyError for what can't be read."""


class CsvReader(_TableReader):
    """CSV; a text in quotes may hold a line's end."""

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""
        self._begun = b""

    def read(self, piece: bytes) -> None:
        """Take the next piece: a record ends where no quote is open."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._begun += line + b"\n"
            if self._begun.count(b'"') % 2 == 0:
                [cells] = csv.reader(io.StringIO(self._begun.decode(), newline=""))
                self._begun = b""
                self._row(cells)

    def finished(self) -> ReadBack:
        """Return what the whole file says."""
        if self._rest or self._begun:
            self.result.fault("the last row has no end")
        return self.result


class WorkbookReader(_TableReader):
    """XLSX: kept on disk until it is whole, then read row by row."""

    def __init__(self) -> None:
        super().__init__()
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it is read)

    def read(self, piece: bytes) -> None:
        """Take the next piece."""
        self._file.write(piece)

    def finished(self) -> ReadBack:
        """Return what all sheets say; each has its own head."""
        with self._file, ZipFile(self._file) as archive:
            sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
            for name in sheets:
                self._names = None
                with archive.open(name) as sheet:
                    for cells in _sheet_rows(sheet):
                        self._row(cells)
        return self.result


def _sheet_rows(sheet: IO[bytes]) -> Iterator[list[str]]:
    """Yield the rows of a sheet, blank cells included up to the head's width; each is let go once read."""
    width = 0
    # The file was made a moment ago by this process: nobody else has written it.
    for _, element in ElementTree.iterparse(sheet):  # noqa: S314
        if element.tag != f"{_OF_WORKSHEETS}row":
            continue
        cells: dict[int, str] = {}
        for cell in element:
            texts = [part.text or "" for part in cell.iter() if part.tag in _TEXTS_OF_CELLS]
            cells[_place(cell.get("r", ""))] = "".join(texts)
        element.clear()
        width = width or max(cells, default=-1) + 1
        yield [cells.get(place, "") for place in range(width)]


def _place(reference: str) -> int:
    """Return the column of a cell's reference, counted from 0: `AB12` is in column 27."""
    place = 0
    for letter in reference.rstrip("0123456789"):
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
