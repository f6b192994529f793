"""The cells of an XLSX workbook as they are kept there: typed, with the row that the spreadsheet shows.

Sheets are read row by row; the texts that cells share are held, once a workbook. A file that is not sound, or unfolds
beyond a limit, is a BadWorkbook, whatever is wrong with it. DECISIONS 110 says why no library reads them.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Context, Decimal, InvalidOperation
from enum import Enum, auto
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar
from xml.parsers import expat

FILE_BYTES_MAX = 128 << 20
# What a part of the archive may unfold into: about a million rows of usage. Sheets fold ten to twenty times.
_PART_BYTES_MAX = 512 << 20
_FOLDED_MAX, _FOLDED_BYTES_MAX = 200, 32 << 20
_COLUMNS_MAX, _TEXT_LENGTH_MAX, _STRINGS_MAX = 16_384, 40_000, 4_000_000
_PIECE_BYTES = 64 << 10
# A spreadsheet keeps and shows so many digits: 0.1 + 0.2 is 0.3 there.
DIGITS_MAX = 15
_AS_SHOWN = Context(prec=DIGITS_MAX)
_LAST_DAY = 2_958_465
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
# Halves of characters stay as they are written.
_ESCAPED = re.compile(r"_x(?!d[89a-f])([0-9a-f]{4})_", re.IGNORECASE)
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]|General', re.IGNORECASE)
_DAY_FORMS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
_TIME_FORMS = frozenset({*range(18, 22), 45, 46, 47})
_PERCENT_FORMS, _FRACTION_FORMS = frozenset({9, 10}), frozenset({12, 13})
# An archive of Excel's keeps its parts in these two ways alone.
_WAYS_TO_KEEP = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_TORN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, ValueError, OverflowError)
_OLE, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_WORKSHEET, _STRINGS, _STYLES = "/worksheet", "sharedStrings", "styles"


class BadWorkbook(Exception):
    """A file that can't be read as a workbook: what is wrong, and what to do."""

    def __init__(self, problem: str, remedy: str = "save it again as .xlsx in a spreadsheet") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class Kind(Enum):
    """The kinds of values that a cell may hold."""

    TEXT = auto()
    NUMBER = auto()
    DAY = auto()
    TIME = auto()
    FLAG = auto()
    ERROR = auto()
    UNCALCULATED = auto()


class Cell(NamedTuple):
    """A cell: its kind, its text (a number plain, a day ISO, a formula), and its number format where that matters."""

    kind: Kind
    text: str
    form: str = ""


class SheetName(NamedTuple):
    """A sheet: its name, the part of the archive that holds it, whether it is hidden."""

    name: str
    part: str
    hidden: bool


Cells: TypeAlias = dict[int, Cell]
_Attributes: TypeAlias = dict[str, str]


@lru_cache(1024)
def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Parser:
    """A part of the archive, parsed piece by piece; text is gathered where a subclass asks for it."""

    def __init__(self) -> None:
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda name, attributes: self.start(_local(name), attributes)
        parser.EndElementHandler = lambda name: self.end(_local(name))
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        self._gathered: list[str] | None = None
        self._length = 0

    def start(self, name: str, _attributes: _Attributes, /) -> None:
        """Take the beginning of an element."""

    def end(self, name: str) -> None:
        """Take the end of an element."""

    def gather(self) -> None:
        """Gather the text from here on."""
        self._gathered, self._length = [], 0

    def gathered(self) -> str:
        """Return the text since then."""
        text = "".join(self._gathered or ())
        self._gathered = None
        return text

    def _text(self, text: str) -> None:
        if self._gathered is not None:
            self._length += len(text)
            if self._length > _TEXT_LENGTH_MAX:
                raise BadWorkbook(f"holds a cell of more than {_TEXT_LENGTH_MAX} characters")
            self._gathered.append(text)

    def _refuse(self, *_: Any) -> None:
        raise BadWorkbook("is no sound workbook: it declares a document type")

    def feed(self, piece: bytes) -> None:
        """Parse the next piece, the last one empty."""
        try:
            self._parser.Parse(piece, not piece)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise BadWorkbook(f"is no sound workbook: {error}") from None


_Parsing = TypeVar("_Parsing", bound=_Parser)


class _Relations(_Parser):
    """The parts that a part refers to, by id: their kind and place."""

    def __init__(self) -> None:
        super().__init__()
        self.of_id: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: _Attributes, /) -> None:
        if name == "Relationship":
            self.of_id[attributes.get("Id", "")] = (attributes.get("Type", ""), attributes.get("Target", ""))


class _Contents(_Parser):
    """The workbook's own part: its sheets, the days it counts from, whether its formulas still await a spreadsheet."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.from_1904 = self.is_uncalculated = False

    def start(self, name: str, attributes: _Attributes, /) -> None:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if _local(key) == "id" and ":" in key), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), relation, hidden))
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "") in ("1", "true")
        elif name == "calcPr":
            self.is_uncalculated = attributes.get("fullCalcOnLoad", "") in ("1", "true")


class _Styles(_Parser):
    """The number format of each style."""

    def __init__(self) -> None:
        super().__init__()
        self._forms: dict[int, str] = {}
        self._in_cells = False
        self.of_style: list[tuple[int, str]] = []

    def start(self, name: str, attributes: _Attributes, /) -> None:
        if name == "numFmt":
            self._forms[int(attributes.get("numFmtId", 0))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            number = int(attributes.get("numFmtId", 0))
            self.of_style.append((number, self._forms.get(number, "")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


class _Strings(_Parser):
    """The texts that cells refer to by number; how they are pronounced is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._spoken = False

    def start(self, name: str, _attributes: _Attributes, /) -> None:
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._spoken = True
        elif name == "t" and not self._spoken:
            self.gather()

    def end(self, name: str) -> None:
        if name == "t" and not self._spoken:
            self._parts.append(self.gathered())
        elif name == "rPh":
            self._spoken = False
        elif name == "si":
            self.texts.append(_unescaped("".join(self._parts)))
            if len(self.texts) > _STRINGS_MAX:
                raise BadWorkbook(f"holds more than {_STRINGS_MAX} texts", "divide it")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


@lru_cache(_COLUMNS_MAX)
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


class _Rows(_Parser):
    """The rows of a sheet, and its merged ranges, which come after them."""

    def __init__(self, book: "Workbook") -> None:
        super().__init__()
        self._book, self._styles = book, book.styles
        self._first_day = date(1904, 1, 1) if book.from_1904 else date(1899, 12, 30)
        self._is_uncalculated = book.is_uncalculated
        self.rows: list[tuple[int, Cells]] = []
        self.merged: list[str] = []
        self._row = 0
        self._cells: Cells = {}
        self._place = -1
        self._kind, self._style = "n", ""
        self._value: str | None = None
        self._formula: str | None = None
        self._spoken = False
        self._texts: list[str] = []

    def start(self, name: str, attributes: _Attributes, /) -> None:
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "f") or (name == "t" and not self._spoken):
            self.gather()
        elif name == "rPh":
            self._spoken = True
        elif name == "row":
            row = attributes.get("r", "")
            self._row = int(row) if row.isdecimal() and len(row) < 9 else self._row + 1
            self._cells, self._place = {}, -1
        elif name == "mergeCell" and len(self.merged) < _COLUMNS_MAX:
            self.merged.append(attributes.get("ref", ""))

    def _begin_cell(self, attributes: _Attributes) -> None:
        match = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._place = self._place + 1 if match is None else _column(match[1])
        if self._place >= _COLUMNS_MAX:
            raise BadWorkbook(f"has more than {_COLUMNS_MAX} columns")
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value = self._formula = None
        self._texts = []

    def end(self, name: str) -> None:
        if name == "v":
            self._value = self.gathered()
        elif name == "f":
            self._formula = f"={self.gathered()}"
        elif name == "t" and not self._spoken:
            self._texts.append(self.gathered())
        elif name == "rPh":
            self._spoken = False
        elif name == "c":
            cell = self._cell()
            if cell is not None:
                self._cells[self._place] = cell
        elif name == "row" and self._cells:
            self.rows.append((self._row, self._cells))

    def _cell(self) -> Cell | None:
        value, kind = self._value, self._kind
        formula = self._formula
        if formula is not None and (self._is_uncalculated or value is None or (not value and kind != "str")):
            return Cell(Kind.UNCALCULATED, formula)
        if kind == "inlineStr":
            value = _unescaped("".join(self._texts))
        if not value:
            return None
        match kind:
            case "inlineStr":
                return Cell(Kind.TEXT, value)
            case "str":
                return Cell(Kind.TEXT, _unescaped(value))
            case "s":
                return self._shared(value)
            case "b":
                return Cell(Kind.FLAG, "TRUE" if value == "1" else "FALSE")
            case "e":
                return Cell(Kind.ERROR, value)
            case "d":
                return _iso_day(value)
        return self._number(value)

    def _shared(self, value: str) -> Cell | None:
        texts = self._book.texts
        if not value.isdecimal() or len(value) > 9 or int(value) >= len(texts):
            raise BadWorkbook("is no sound workbook: a cell refers to a text that is not there")
        text = texts[int(value)]
        return Cell(Kind.TEXT, text) if text else None

    def _number(self, value: str) -> Cell:
        try:
            number = _AS_SHOWN.create_decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number.adjusted()) > 30:
            return Cell(Kind.ERROR, value)
        form = (
            self._styles[int(self._style)] if self._style.isdecimal() and int(self._style) < len(self._styles) else ""
        )
        if form == "day":
            return self._day(number)
        if form == "time":
            return Cell(Kind.TIME, f"{number:f}")
        plain = f"{number:f}"
        return Cell(Kind.NUMBER, plain.rstrip("0").rstrip(".") if "." in plain else plain, form)

    def _day(self, number: Decimal) -> Cell:
        # What is nearer to a day than half a second is that day.
        days = int(number.to_integral_value())
        if abs(number - days) * 172_800 > 1 or not 0 < days <= _LAST_DAY:
            return Cell(Kind.TIME, f"{number:f}")
        if self._first_day.year == 1899 and days <= 60:
            # Spreadsheets give 1900 a 29 February.
            days += 1
            if days == 61:
                return Cell(Kind.TIME, f"{number:f}")
        try:
            return Cell(Kind.DAY, (self._first_day + timedelta(days)).isoformat())
        except OverflowError:
            return Cell(Kind.TIME, f"{number:f}")


def _iso_day(value: str) -> Cell:
    day, _, time = value.partition("T")
    return Cell(Kind.TIME if time.strip("0:.Z") else Kind.DAY, value if time.strip("0:.Z") else day)


def _form(number: int, code: str) -> str:
    """Return what a number format makes of a number: `day`, `time`, `percent`, `fraction`, its zeros, or nothing."""
    if number in _DAY_FORMS:
        return "day"
    if number in _TIME_FORMS:
        return "time"
    if number in _PERCENT_FORMS:
        return "percent"
    if number in _FRACTION_FORMS:
        return "fraction"
    plain = _LITERALS.sub("", code.partition(";")[0]).lower()
    if "d" in plain or "y" in plain:
        return "day"
    if "h" in plain or "s" in plain:
        return "time"
    if "m" in plain:
        return "day"
    if "%" in plain:
        return "percent"
    if "/" in plain:
        return "fraction"
    return plain if len(plain) > 1 and not plain.strip("0") else ""


class Workbook:
    """A workbook; its file is opened for as long as a part of it is read. Raises BadWorkbook, OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _require_archive(path)
        try:
            with zipfile.ZipFile(path) as archive:
                names = self._names = frozenset(archive.namelist())
        except _TORN:
            raise BadWorkbook("is no sound workbook: its archive is torn") from None
        if "mimetype" in names:
            raise BadWorkbook("is an OpenDocument sheet, no .xlsx", "save it as Excel 2007-365 (.xlsx)")
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise BadWorkbook("holds macros", "save it as a workbook without macros (.xlsx)")
        places = (place for kind, place in self._relations("").values() if kind.endswith("/officeDocument"))
        main = next(places, "").lstrip("/")
        if main.endswith(".bin"):
            raise BadWorkbook("is a binary workbook (.xlsb)", "save it as .xlsx")
        if main not in names:
            raise BadWorkbook("is no workbook")
        contents = self._parsed(main, _Contents())
        self.from_1904, self.is_uncalculated = contents.from_1904, contents.is_uncalculated
        related = self._relations(main)
        self._parts = {kind.rpartition("/")[2]: part for kind, part in related.values() if part in names}
        self.sheets = [
            SheetName(name, related[relation][1], hidden)
            for name, relation, hidden in contents.sheets
            if relation in related and related[relation][0].endswith(_WORKSHEET)
        ]

    @cached_property
    def texts(self) -> list[str]:
        """The texts that cells refer to by number."""
        part = self._parts.get(_STRINGS)
        return [] if part is None else self._parsed(part, _Strings()).texts

    @cached_property
    def styles(self) -> list[str]:
        """The meaning of each style's number format, as `_form` gives it."""
        part = self._parts.get(_STYLES)
        return [] if part is None else [_form(*form) for form in self._parsed(part, _Styles()).of_style]

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return the parts that a part refers to, by id: their kind, and place in the archive."""
        folder, _, name = part.rpartition("/")
        place = f"{folder}/_rels/{name}.rels".lstrip("/")
        relations = self._parsed(place, _Relations()).of_id if place in self._names else {}
        return {
            key: (kind, target.lstrip("/") if target.startswith("/") else f"{folder}/{target}".lstrip("/"))
            for key, (kind, target) in relations.items()
        }

    def _pieces(self, part: str) -> Iterator[bytes]:
        """Yield what a part holds piece by piece, an empty one last."""
        try:
            with zipfile.ZipFile(self._path) as archive:
                about = archive.getinfo(part)
                size = about.file_size
                folded = size > _FOLDED_BYTES_MAX and size > _FOLDED_MAX * about.compress_size
                if about.compress_type not in _WAYS_TO_KEEP:
                    raise BadWorkbook("is no sound workbook: it is compressed as no spreadsheet does it")
                if size > _PART_BYTES_MAX or folded:
                    raise BadWorkbook(f"would unfold to {size >> 20} MiB", "divide it, or save it as CSV")
                with archive.open(about) as content:
                    while piece := content.read(_PIECE_BYTES):
                        yield piece
        except _TORN:
            raise BadWorkbook("is no sound workbook: its archive is torn or protected") from None
        yield b""

    def _parsed(self, part: str, parser: _Parsing) -> _Parsing:
        for piece in self._pieces(part):
            parser.feed(piece)
        return parser

    def rows(self, sheet: SheetName, merged: list[str] | None = None) -> Iterator[tuple[int, Cells]]:
        """Yield the rows that hold anything, by the spreadsheet's numbers; `merged` is given the ranges at the end."""
        rows = _Rows(self)
        for piece in self._pieces(sheet.part):
            rows.feed(piece)
            yield from rows.rows
            rows.rows.clear()
        if merged is not None:
            merged += rows.merged


def _require_archive(path: Path) -> None:
    with path.open("rb") as content:
        start = content.read(4)
        if start == _OLE:
            if _PROTECTED in content.read(_PART_BYTES_MAX >> 4):
                raise BadWorkbook("is protected by a password", "take the password off, and save it again")
            raise BadWorkbook("is an old Excel file (.xls)", "save it as .xlsx")
        if start != _ZIP:
            raise BadWorkbook("is no workbook" if start else "is empty")
    if path.stat().st_size > FILE_BYTES_MAX:
        raise BadWorkbook(f"is larger than {FILE_BYTES_MAX >> 20} MiB", "divide it, or save it as CSV")
