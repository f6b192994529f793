"""Tables: rows under a head of names, as CSV or as a workbook."""

import csv
import io
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from typing import IO
from xml.parsers.expat import ParserCreate
from zipfile import ZipFile

from billing.audit.bundle.read_back.reader import ReadBack, Reader

_DIGITS = "0123456789"


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

    def read(self, piece: bytes) -> None:
        """Take the next piece: a record ends at a line's end where no quote is open."""
        self._rest += piece
        end = self._rest.rfind(b"\n") + 1
        while end and self._rest.count(b'"', 0, end) % 2:
            end = self._rest.rfind(b"\n", 0, end - 1) + 1
        whole, self._rest = self._rest[:end], self._rest[end:]
        for cells in csv.reader(io.StringIO(whole.decode(), newline="")):
            self._row(cells)

    def finished(self) -> ReadBack:
        """Return what the whole file says."""
        if self._rest:
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
                    _Sheet(self._row).read(sheet)
        return self.result


class _Sheet:
    """The rows of a sheet as it is parsed: a row is handed on when it is whole, blank cells included."""

    def __init__(self, take: Callable[[list[str]], None]) -> None:
        self._take = take
        self._cells: dict[str, str] = {}
        self._place, self._text = "", ""
        self._columns: list[str] = []
        self._parser = ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, sheet: IO[bytes]) -> None:
        """Read the whole sheet; the head says which columns there are."""
        self._parser.ParseFile(sheet)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._place, self._text = attributes["r"].rstrip(_DIGITS), ""

    def _characters(self, text: str) -> None:
        self._text += text

    def _end(self, name: str) -> None:
        if name == "c":
            self._cells[self._place] = self._text
        elif name == "row":
            self._columns = self._columns or list(self._cells)
            self._take([self._cells.pop(column, "") for column in self._columns] + list(self._cells.values()))
            self._cells.clear()
