"""The files that list entries: FEC, hledger, beancount, and the journal as CSV and as a workbook."""

import re
from datetime import date, timedelta
from functools import cache, lru_cache

from billing.audit.bundle.read_back.lines import LineReader
from billing.audit.bundle.read_back.reader import OPENING, centimes
from billing.audit.bundle.read_back.tables import CsvReader, WorkbookReader


class FecReader(LineReader):
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
        """Count one line: eighteen fields separated by tabs."""
        fields = line.split("\t")
        if self.result.lines == 1:
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
        month = OPENING if _opens_a_year(row) else f"{row['EcritureDate'][:4]}-{row['EcritureDate'][4:6]}"
        self.result.sums[row["CompteNum"], month] += amount

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
        if not _opens_a_year(row):
            self._is_past_openings = True
        elif self._is_past_openings:
            raise ValueError("an opening entry comes after others")

    def _end_entry(self) -> None:
        if self._balance:
            self.result.fault(f"EcritureNum {self._entry} does not balance")
        self._balance = 0

    def check_end(self) -> None:
        """Judge the last entry: it balances too."""
        self._end_entry()


def _opens_a_year(row: dict[str, str]) -> bool:
    """Return whether a line carries a year's balances over; those of a take-on are movements of their day (R29)."""
    return row["JournalCode"] == "AN" and not row["PieceRef"].startswith("Reprise")


class HledgerReader(LineReader):
    """Plain text: a day at the margin begins an entry, indented lines are its postings."""

    _POSTING = re.compile(r" {4}(?:Général|Analytique):([0-9]+) [^;]*?  MAD (-?[0-9]+\.[0-9]{2})(?:  ;.*)?")
    _ENTRY = re.compile(r"([0-9]{4}-[0-9]{2})-[0-9]{2} \* ")
    BROUGHT_FORWARD = "    ; entry:0, "

    def __init__(self) -> None:
        super().__init__()
        self._month, self._key, self._balance = "", "", 0

    def line(self, line: str) -> None:
        """Count one line."""
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
        self.result.sums[match[1], self._key] += amount

    def _end_entry(self) -> None:
        if self._balance:
            self.result.fault(f"line {self.result.lines}: the entry above does not balance")
        self._balance = 0

    def check_end(self) -> None:
        """Judge the last entry: it balances too."""
        self._end_entry()


class BeancountReader(HledgerReader):
    """The same in beancount's grammar: metadata have a colon, postings a currency after the amount."""

    _POSTING = re.compile(r"  [A-Z][A-Za-z]*(?::[A-Za-z]+)?:([0-9]+)-?[^ ]*  (-?[0-9]+\.[0-9]{2}) MAD")
    _IS_META = re.compile(r" {2,4}[a-z]+: ")
    BROUGHT_FORWARD = "  number: 0"

    def line(self, line: str) -> None:
        """Count one line."""
        begins = self._ENTRY.match(line)
        if begins:
            self._end_entry()
            self._month = self._key = begins[1]
        elif line == self.BROUGHT_FORWARD:
            self._key = OPENING
        elif line.startswith("  ") and not self._IS_META.match(line):
            self._posting(line)


class JournalReader(CsvReader):
    """The journal's CSV."""

    HAS_SALES = True

    def row(self, row: dict[str, str]) -> None:
        """Count one posting."""
        amount = centimes(row["debit"]) - centimes(row["credit"])
        month = row["effective_on"][:7]
        self.result.sums[row["account"], month] += amount
        if (row["journal"], row["account"]) == ("VTE", "3421"):
            self.result.sales[month] += amount


class JournalWorkbookReader(WorkbookReader):
    """The journal's workbook, whose numbers are decimal and whose days are counted from 1900."""

    def row(self, row: dict[str, str]) -> None:
        """Count one posting."""
        amount = _of_number(row["debit"]) - _of_number(row["credit"])
        self.result.sums[row["account"], _month_of_serial(int(row["effective_on"]))] += amount


@lru_cache(10_000)
def _of_number(text: str) -> int:
    """Read a workbook's decimal number in centimes; raises ValueError."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2:
        raise ValueError(f"{text} has more than two decimals")
    return centimes(f"{whole}.{fraction.ljust(2, '0')}")


@cache
def _month_of_serial(serial: int) -> str:
    return (date(1899, 12, 30) + timedelta(days=serial)).isoformat()[:7]
