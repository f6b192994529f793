"""What the books hold, account by account and month by month, against what the bundle's files say: the difference."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.audit.bundle.bundled import (
    ANALYTIC,
    AUXILIARIES,
    FEC_OPENINGS,
    FROM_OPENINGS,
    GENERAL,
    Bundled,
)
from billing.audit.bundle.read_back import OPENING, WHOLE_YEAR, Reader
from billing.frame.reports.spreadsheets import table
from invoices.models import document
from ledger.exports.columns import Column, Kind
from ledger.models import account, account_day, posting
from ledger.year_end import opening_reference, year_end
from pricing.money import format_amount

_BALANCE_SHEET = ("1", "2", "3", "4", "5")
_DIFFERENCES_NAMED = 20


class Compared(NamedTuple):
    """A file that was read back: how many lines and sums, the difference in centimes, what is wrong."""

    path: str
    lines: int
    sums: int
    difference: int
    faulty: int
    named: tuple[str, ...]


Sums = Mapping[tuple[str, str], int]


@dataclass
class Control:
    """The books' own sums (`held`, by account and month; `of_auxiliaries`, by account and year) and what was found."""

    year: int
    held: Sums
    of_auxiliaries: Sums
    sales: Mapping[str, int]
    labels: Mapping[str, str]
    is_opened: bool
    remarks: tuple[str, ...]
    compared: list[Compared] = field(default_factory=list)
    _told: dict[str, Sums] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing moved in the year."""
        return all(month == OPENING for _, month in self.held)

    @property
    def difference(self) -> int:
        """In centimes, over all files and sums."""
        return sum(found.difference for found in self.compared)

    @property
    def faults(self) -> int:
        """How many things were found wrong with the files' form."""
        return sum(found.faulty for found in self.compared)

    def compare(self, bundled: Bundled, reader: Reader) -> None:
        """Compare what a file says with the books."""
        found = reader.finished()
        differing: list[str] = []
        difference, sums = 0, 0
        if reader.TELLS_ACCOUNTS:
            expected = self._expected(bundled)
            difference += _difference(found.sums, expected, differing)
            sums += len(expected)
            self._told[bundled.path] = dict(found.sums)
        if reader.TELLS_SALES:
            difference += _difference(_keyed(found.sales), _keyed(self.sales), differing)
            sums += len(self.sales)
        named = (*found.faults, *differing)
        self.compared.append(Compared(bundled.path, found.lines, sums, difference, len(found.faults), named))

    def _expected(self, bundled: Bundled) -> Sums:
        whole = self.of_auxiliaries if bundled.part == AUXILIARIES else self.held
        if bundled.is_of_the_year:
            whole = _by_year(whole)
        expected = {}
        for (code, month), amount in whole.items():
            is_analytic = code.startswith("9")
            if bundled.part in (GENERAL, ANALYTIC) and is_analytic != (bundled.part == ANALYTIC):
                continue
            if month == OPENING and not self._tells_opening(bundled.openings, code):
                continue
            expected[code, month] = amount
        return expected

    def _tells_opening(self, openings: str, code: str) -> bool:
        if openings == FEC_OPENINGS:
            return self.is_opened and code.startswith(_BALANCE_SHEET)
        return openings == FROM_OPENINGS

    def table(self) -> Iterator[bytes]:
        """Every account month by month as CSV: in the database, and in each file; blank where a file is silent."""
        monthly = {
            path: sums
            for path, sums in self._told.items()
            if any(month not in (OPENING, WHOLE_YEAR) for _, month in sums)
        }
        columns = (
            Column("Compte", Kind.TEXT), Column("Intitulé", Kind.TEXT), Column("Mois", Kind.TEXT),
            Column("Solde (base de données)", Kind.AMOUNT), Column("Mouvement (base de données)", Kind.AMOUNT),
            *(Column(path, Kind.AMOUNT) for path in monthly),
        )  # fmt: skip
        return table("csv", "Soldes", columns, self._rows(monthly))

    def _rows(self, monthly: Mapping[str, Sums]) -> Iterator[tuple[object, ...]]:
        months = [OPENING, *(f"{self.year}-{month:02d}" for month in range(1, 13))]
        for code in sorted({code for code, _ in self.held}):
            balance = 0
            for month in months:
                moved = self.held.get((code, month), 0)
                balance += moved
                told = (sums.get((code, month)) for sums in monthly.values())
                yield (code, self.labels.get(code, ""), month, balance, moved, *told)

    def text(self) -> str:
        """The control's result, in French; its last line is `difference = 0` when all is well."""
        lines = [f"Contrôle de l'exercice {self.year}", ""]
        lines += [*self.remarks, ""] if self.remarks else []
        for found in self.compared:
            lines.append(
                f"{found.path} : {found.lines} lignes relues, {found.sums} sommes comparées, "
                f"difference = {_shown(found.difference)}"
            )
            lines += [f"  ! {fault}" for fault in found.named]
        lines += ["", self.verdict]
        return "\n".join(lines) + "\n"

    @property
    def verdict(self) -> str:
        """`difference = 0`, or how much."""
        faults = f", {self.faults} fautes de forme" if self.faults else ""
        return f"difference = {_shown(self.difference)}{faults}"

    @property
    def is_proved(self) -> bool:
        """Whether every file says what the books hold."""
        return self.difference == 0 and self.faults == 0


def _shown(amount: int) -> str:
    return "0" if amount == 0 else format_amount(amount)


def _keyed(sales: Mapping[str, int]) -> Sums:
    return {("3421 (VTE)", month): amount for month, amount in sales.items()}


def _by_year(sums: Sums) -> Sums:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for (code, month), amount in sums.items():
        found[code, month if month == OPENING else WHOLE_YEAR] += amount
    return found


def _difference(found: Sums, expected: Sums, faults: list[str]) -> int:
    """The sum of all differences; the first ones are named."""
    total, named = 0, 0
    for key in sorted({*found, *expected}):
        off = found.get(key, 0) - expected.get(key, 0)
        if off:
            total += abs(off)
            named += 1
            if named <= _DIFFERENCES_NAMED:
                code, month = key
                faults.append(f"{code}, {month} : {format_amount(off)} de trop ou de moins dans le fichier")
    return total


def balances_of(connection: Connection, year: int) -> Control:
    """The books' own sums of a year, to which its files are held."""
    start, until = date(year, 1, 1), date(year, 12, 31)
    held: dict[tuple[str, str], int] = defaultdict(int)
    day = account_day.c
    moved = func.sum(day.debit - day.credit)
    for code, amount in connection.execute(
        select(day.account, moved).where(day.day < start).group_by(day.account).having(moved != 0)
    ):
        held[code, OPENING] = int(amount)
    for code, on, amount in connection.execute(
        select(day.account, day.day, day.debit - day.credit).where(day.day.between(start, until))
    ):
        held[code, on.isoformat()[:7]] += int(amount)
    is_opened = opening_reference(connection, year) is not None
    return Control(
        year, held, _of_auxiliaries(connection, start, until), _sales(connection, start, until),
        dict(connection.execute(select(account.c.code, account.c.label)).all()), is_opened,
        tuple(_remarks(connection, year, held, is_opened=is_opened)),
    )  # fmt: skip


def _of_auxiliaries(connection: Connection, start: date, until: date) -> Sums:
    p = posting.c
    found: dict[tuple[str, str], int] = {}
    for key, days in ((OPENING, p.effective_on < start), (WHOLE_YEAR, p.effective_on.between(start, until))):
        for code, amount in connection.execute(
            select(p.account, func.sum(p.amount)).where(p.auxiliary.is_not(None), days).group_by(p.account)
        ):
            found[code, key] = int(amount)
    return found


def _sales(connection: Connection, start: date, until: date) -> Mapping[str, int]:
    """What the documents issued each month come to, credit notes negative: what 3421 is debited in journal VTE."""
    d = document.c
    found: dict[str, int] = defaultdict(int)
    for kind, on, gross in connection.execute(
        select(d.kind, d.issued_on, func.sum(d.gross))
        .where(d.issued_on.between(start, until))
        .group_by(d.kind, d.issued_on)
    ):
        found[on.isoformat()[:7]] += int(gross) * (1 if kind == "invoice" else -1)
    return found


def _remarks(connection: Connection, year: int, held: Sums, *, is_opened: bool) -> Iterator[str]:
    """What a reader must know of how the year stands."""
    ended = year_end(connection, year)
    if not ended.is_determined:
        yield f"L'exercice {year} n'est pas clôturé : les classes 6 et 7 portent encore leurs soldes."
    if not is_opened and any(month == OPENING and code.startswith(_BALANCE_SHEET) for code, month in held):
        yield (
            f"L'exercice {year - 1} n'est pas clôturé : le FEC n'a pas encore d'écritures d'à-nouveaux "
            f"(technopark-billing periods close-year {year - 1})."
        )
