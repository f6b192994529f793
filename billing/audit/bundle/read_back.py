"""Reads the bundle's files as anybody else would: from their bytes alone, with nothing of what wrote them.

Each reader is handed a file piece by piece and keeps sums by account and month, no line longer than it takes to count
it. What no reader can read is a fault it names.
"""

import csv
import io
import re
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import IO
from xml.etree import ElementTree
from zipfile import ZipFile

# Stands for a month where a balance was held before the first one.
OPENING = "ouverture"
# Stands for a month where only the year is told.
WHOLE_YEAR = "exercice"
_DECIMAL = re.compile(r"(-?)([0-9]+)[.,]([0-9]{2})", re.ASCII)
_FAULTS_NAMED = 10
_OF_WORKSHEETS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class ReadBack:
    """What a file says: centimes, debit positive, by account and month (`2026-09`, OPENING, WHOLE_YEAR)."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str], int] = defaultdict(int)
        # What journal VTE says of 3421, or the register of documents, by month.
        self.sales: dict[str, int] = defaultdict(int)
        self.faults: list[str] = []
        self.lines = 0

    def fault(self, sentence: str) -> None:
        """Name what is wrong, a few times."""
        if len(self.faults) < _FAULTS_NAMED:
            self.faults.append(sentence)


def centimes(text: str) -> int:
    """`1234.56` or `1234,56` as 123456; raises ValueError."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no amount")
    value = int(match[2]) * 100 + int(match[3])
    return -value if match[1] else value


class Reader(ABC):
    """Reads one file. Pieces are handed in; `finished` is asked for once, at the end."""

    TELLS_ACCOUNTS, TELLS_SALES = True, False

    def __init__(self) -> None:
        self.found = ReadBack()

    @abstractmethod
    def read(self, piece: bytes) -> None:
        """Take the next piece of the file."""

    def finished(self) -> ReadBack:
        """What the whole file says."""
        return self.found


class _LineReader(Reader):
    """A file of lines in UTF-8."""

    ENDING = b"\n"

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""

    def read(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(self.ENDING)
        for line in lines:
            self._count(line)

    def finished(self) -> ReadBack:
        if self._rest:
            self.found.fault("the last line has no end")
        self.check_end()
        return self.found

    def check_end(self) -> None:
        """Judge what only the end shows."""

    def _count(self, line: bytes) -> None:
        self.found.lines += 1
        try:
            self.line(line.decode("utf-8"))
        except (ValueError, IndexError, KeyError) as error:
            self.found.fault(f"line {self.found.lines}: {error}")

    @abstractmethod
    def line(self, line: str) -> None:
        """Count one line; raises ValueError, IndexError, KeyError for what can't be read."""


class FecReader(_LineReader):
    """A year's FEC, judged by law.md section 6 as well."""

    ENDING = b"\r\n"
    COLUMNS = (
        "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum",
        "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate",
        "Montantdevise", "Idevise",
    )  # fmt: skip
    _MAY_BE_EMPTY = frozenset({"CompAuxNum", "CompAuxLib", "EcritureLet", "DateLet", "Montantdevise", "Idevise"})
    _DAY = re.compile(r"[0-9]{8}", re.ASCII)
    _AMOUNT = re.compile(r"[0-9]+,[0-9]{2}", re.ASCII)

    def __init__(self, year: int) -> None:
        super().__init__()
        self._year = str(year)
        self._entry, self._balance = 0, 0
        self._is_past_openings = False

    def line(self, line: str) -> None:
        """One line: eighteen fields parted by tabs."""
        fields = line.split("\t")
        if self.found.lines == 1:
            if tuple(fields) != self.COLUMNS:
                raise ValueError("the head is not the eighteen columns")
            return
        row = dict(zip(self.COLUMNS, fields, strict=True))
        empty = [name for name, text in row.items() if not text and name not in self._MAY_BE_EMPTY]
        if empty:
            raise ValueError(f"{', '.join(empty)} is empty")
        self._judge(row)
        amount = centimes(row["Debit"]) - centimes(row["Credit"])
        self._balance += amount
        month = OPENING if row["JournalCode"] == "AN" else f"{row['EcritureDate'][:4]}-{row['EcritureDate'][4:6]}"
        self.found.sums[row["CompteNum"], month] += amount

    def _judge(self, row: dict[str, str]) -> None:
        if not self._AMOUNT.fullmatch(row["Debit"]) or not self._AMOUNT.fullmatch(row["Credit"]):
            raise ValueError("an amount has no decimal comma and two decimals")
        if any(not self._DAY.fullmatch(row[name]) for name in ("EcritureDate", "PieceDate", "ValidDate")):
            raise ValueError("a day is not eight figures")
        if row["EcritureDate"][:4] != self._year:
            raise ValueError(f"{row['EcritureDate']} is not of the year")
        number = int(row["EcritureNum"])
        if number != self._entry:
            self._end_entry()
            if number != self._entry + 1:
                raise ValueError(f"EcritureNum {number} follows {self._entry}")
            self._entry = number
        if row["JournalCode"] != "AN":
            self._is_past_openings = True
        elif self._is_past_openings:
            raise ValueError("an opening entry comes after others")

    def _end_entry(self) -> None:
        if self._balance:
            self.found.fault(f"EcritureNum {self._entry} does not balance")
        self._balance = 0

    def check_end(self) -> None:
        """The last entry balances too."""
        self._end_entry()


class HledgerReader(_LineReader):
    """Plain text: a day at the margin begins an entry, indented lines are its postings."""

    _POSTING = re.compile(r" {4}(?:Général|Analytique):([0-9]+) [^;]*?  MAD (-?[0-9]+\.[0-9]{2})(?:  ;.*)?")
    _ENTRY = re.compile(r"([0-9]{4}-[0-9]{2})-[0-9]{2} \* ")
    BROUGHT_FORWARD = "    ; entry:0, "

    def __init__(self) -> None:
        super().__init__()
        self._month, self._key, self._balance = "", "", 0

    def line(self, line: str) -> None:
        """One line."""
        begins = self._ENTRY.match(line)
        if begins:
            self._end_entry()
            self._month = self._key = begins[1]
        elif line.startswith(self.BROUGHT_FORWARD):
            self._key = OPENING
        elif line.startswith("    ") and not line.lstrip().startswith(";"):
            self._posting(line)

    def _posting(self, line: str) -> None:
        match = self._POSTING.fullmatch(line)
        if match is None:
            raise ValueError(f"{line.strip()!r} is no posting")
        amount = centimes(match[2])
        self._balance += amount
        self.found.sums[match[1], self._key] += amount

    def _end_entry(self) -> None:
        if self._balance:
            self.found.fault(f"line {self.found.lines}: the entry above does not balance")
        self._balance = 0

    def check_end(self) -> None:
        """The last entry balances too."""
        self._end_entry()


class BeancountReader(HledgerReader):
    """The same in beancount's grammar: metadata have a colon, postings a currency after the amount."""

    _POSTING = re.compile(r"  [A-Z][A-Za-z]*(?::[A-Za-z]+)?:([0-9]+)-?[^ ]*  (-?[0-9]+\.[0-9]{2}) MAD")
    _IS_META = re.compile(r" {2,4}[a-z]+: ")
    BROUGHT_FORWARD = "  number: 0"

    def line(self, line: str) -> None:
        """One line."""
        begins = self._ENTRY.match(line)
        if begins:
            self._end_entry()
            self._month = self._key = begins[1]
        elif line == self.BROUGHT_FORWARD:
            self._key = OPENING
        elif line.startswith("  ") and not self._IS_META.match(line):
            self._posting(line)


class _TableReader(Reader):
    """Rows under a head of names."""

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] | None = None

    def _row(self, cells: list[str]) -> None:
        self.found.lines += 1
        if self._names is None:
            self._names = cells
            return
        try:
            self.row(dict(zip(self._names, cells, strict=True)))
        except (ValueError, KeyError) as error:
            self.found.fault(f"row {self.found.lines}: {error}")

    @abstractmethod
    def row(self, row: dict[str, str]) -> None:
        """Count one row; raises ValueError or KeyError for what can't be read."""


class _CsvReader(_TableReader):
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
        """What the whole file says."""
        if self._rest or self._begun:
            self.found.fault("the last row has no end")
        return self.found


class _WorkbookReader(_TableReader):
    """XLSX: kept on disk until it is whole, then read row by row."""

    def __init__(self) -> None:
        super().__init__()
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it is read)

    def read(self, piece: bytes) -> None:
        """Take the next piece."""
        self._file.write(piece)

    def finished(self) -> ReadBack:
        """What all sheets say; each has its own head."""
        with self._file, ZipFile(self._file) as archive:
            sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
            for name in sheets:
                self._names = None
                with archive.open(name) as sheet:
                    for cells in _sheet_rows(sheet):
                        self._row(cells)
        return self.found


def _sheet_rows(sheet: IO[bytes]) -> Iterator[list[str]]:
    """The rows of a sheet, blank cells included up to the head's width; each is let go once read."""
    width = 0
    # Ours, made a moment ago: nobody else has written it.
    for _, element in ElementTree.iterparse(sheet):  # noqa: S314 - our own file
        if element.tag != f"{_OF_WORKSHEETS}row":
            continue
        cells: dict[int, str] = {}
        for cell in element:
            texts = [
                part.text or "" for part in cell.iter() if part.tag in (f"{_OF_WORKSHEETS}v", f"{_OF_WORKSHEETS}t")
            ]
            cells[_place(cell.get("r", ""))] = "".join(texts)
        element.clear()
        width = width or max(cells, default=-1) + 1
        yield [cells.get(place, "") for place in range(width)]


def _place(reference: str) -> int:
    """`AB12` is column 27, counted from nil."""
    place = 0
    for letter in reference.rstrip("0123456789"):
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


class JournalReader(_CsvReader):
    """The journal's CSV."""

    TELLS_SALES = True

    def row(self, row: dict[str, str]) -> None:
        """One posting."""
        amount = centimes(row["debit"]) - centimes(row["credit"])
        month = row["effective_on"][:7]
        self.found.sums[row["account"], month] += amount
        if (row["journal"], row["account"]) == ("VTE", "3421"):
            self.found.sales[month] += amount


class JournalWorkbookReader(_WorkbookReader):
    """The journal's workbook, whose numbers are decimal and whose days are counted from 1900."""

    def row(self, row: dict[str, str]) -> None:
        """One posting."""
        amount = _of_number(row["debit"]) - _of_number(row["credit"])
        self.found.sums[row["account"], _month_of_serial(int(row["effective_on"]))] += amount


class LedgerReader(_CsvReader):
    """The grand-livre's CSV: balances brought forward, and lines."""

    def row(self, row: dict[str, str]) -> None:
        """One row; sums are made of lines alone."""
        if row["Nature"] == "report à nouveau":
            amount = centimes(row["Solde débiteur"]) - centimes(row["Solde créditeur"])
            self.found.sums[row["Compte"], OPENING] += amount
        elif row["Nature"] == "ligne":
            self.found.sums[row["Compte"], row["Date"][:7]] += centimes(row["Débit"]) - centimes(row["Crédit"])


class BalanceReader(_CsvReader):
    """A balance's CSV: openings and the year's movements, of accounts or of auxiliaries."""

    def row(self, row: dict[str, str]) -> None:
        """One row; a closing balance must follow from the others."""
        if row["Nature"] != "ligne":
            return
        opening, moved, closing = (
            centimes(row[f"{title} - {debit}"]) - centimes(row[f"{title} - {credit}"])
            for title, debit, credit in (
                ("Solde à l'ouverture", "débiteur", "créditeur"),
                ("Mouvements", "débit", "crédit"),
                ("Solde à la clôture", "débiteur", "créditeur"),
            )
        )
        if opening + moved != closing:
            raise ValueError(f"the closing balance of {row['Compte']} does not follow")
        self.found.sums[row["Compte"], OPENING] += opening
        self.found.sums[row["Compte"], WHOLE_YEAR] += moved


class CentralisedReader(_CsvReader):
    """The journal centralisateur's CSV."""

    def row(self, row: dict[str, str]) -> None:
        """One row."""
        if row["Nature"] == "ligne":
            self.found.sums[row["Compte"], row["Mois"]] += centimes(row["Débit"]) - centimes(row["Crédit"])


class RegisterReader(_CsvReader):
    """The register of documents: what journal VTE must have booked on 3421."""

    TELLS_ACCOUNTS, TELLS_SALES = False, True

    def row(self, row: dict[str, str]) -> None:
        """One document."""
        net, tax, gross = (centimes(row[name]) for name in ("HT", "TVA", "TTC"))
        if net + tax != gross:
            raise ValueError(f"{row['Numéro']}: HT and TVA are not TTC")
        self.found.sales[row["Date"][:7]] += -gross if row["Nature"] == "avoir" else gross


def _of_number(text: str) -> int:
    """A workbook's decimal number in centimes; raises ValueError."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2:
        raise ValueError(f"{text} has more than two decimals")
    return centimes(f"{whole}.{fraction.ljust(2, '0')}")


def _month_of_serial(serial: int) -> str:
    return (date(1899, 12, 30) + timedelta(days=serial)).isoformat()[:7]
