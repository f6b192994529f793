"""The control: the books' sums by account and month against those of the bundle's files, and the difference."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.audit.bundle.bundled import Bundled, Openings, Part
from billing.audit.bundle.read_back.reader import OPENING, WHOLE_YEAR, Reader
from billing.entries.accounts import CLIENTS
from billing.frame.counted import counted
from invoices.brought import is_ours
from invoices.models import document
from ledger.entry import RESULT
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from ledger.models import account, account_day, entry, posting
from ledger.openings import opens_a_year
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
    """The books' own sums, and the files compared with them.

    `held` is by account and month, `of_auxiliaries` by account and year.
    """

    year: int
    held: Sums
    of_auxiliaries: Sums
    sales: Mapping[str, int]
    labels: Mapping[str, str]
    # The sums of the journal RES by account and month: the FEC has none of its entries.
    results: Sums
    # The sums of the opening entries by account: only a result moves, to 1181 or 1189.
    opened: Mapping[str, int]
    is_opened: bool
    remarks: tuple[str, ...]
    compared: list[Compared] = field(default_factory=list)
    _sums_of_files: dict[str, Sums] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return whether nothing moved in the year."""
        return all(month == OPENING for _, month in self.held)

    @property
    def difference(self) -> int:
        """Return the difference in centimes, over all files and sums."""
        return sum(compared.difference for compared in self.compared)

    @property
    def faults(self) -> int:
        """Return the number of faults in the files' form."""
        return sum(compared.faulty for compared in self.compared)

    def compare(self, bundled: Bundled, reader: Reader) -> None:
        """Compare what a file says with the books."""
        result = reader.finished()
        differing: list[str] = []
        difference, sums = 0, 0
        if reader.HAS_ACCOUNTS:
            expected = self._expected(bundled)
            difference += _difference(result.sums, expected, differing)
            sums += len(expected)
            self._sums_of_files[bundled.path] = dict(result.sums)
        if reader.HAS_SALES:
            difference += _difference(_keyed(result.sales), _keyed(self.sales), differing)
            sums += len(self.sales)
        named = (*result.faults, *differing)
        self.compared.append(
            Compared(
                path=bundled.path,
                lines=result.lines,
                sums=sums,
                difference=difference,
                faulty=len(result.faults),
                named=named,
            )
        )

    def _expected(self, bundled: Bundled) -> Sums:
        whole = self.of_auxiliaries if bundled.part is Part.AUXILIARIES else self.held
        if bundled.openings in (Openings.OPENED, Openings.FEC) and bundled.part is not Part.AUXILIARIES:
            whole = self._as_opened()
        if bundled.is_of_the_year:
            whole = _by_year(whole)
        expected = {}
        for (code, month), amount in whole.items():
            is_analytic = code.startswith("9")
            if bundled.part in (Part.GENERAL, Part.ANALYTIC) and is_analytic != (bundled.part is Part.ANALYTIC):
                continue
            if month == OPENING and not self._has_opening(bundled.openings, code):
                continue
            expected[code, month] = amount
            if bundled.openings is Openings.FEC:
                expected[code, month] -= self.results.get((code, month), 0)
        return expected

    def _as_opened(self) -> Sums:
        """Return the sums with what the opening entries move among the balances that the year opens with."""
        sums = defaultdict(int, self.held)
        for code, amount in self.opened.items():
            sums[code, OPENING] += amount
            sums[code, f"{self.year}-01"] -= amount
        return sums

    def _has_opening(self, openings: Openings, code: str) -> bool:
        if openings is Openings.FEC:
            # Class 9 runs on, whether a year was ended or not.
            return code.startswith("9") or (self.is_opened and code.startswith(_BALANCE_SHEET))
        return openings in (Openings.EVE, Openings.OPENED)

    def table(self) -> Iterator[bytes]:
        """Write every account month by month as CSV: in the database, and in each file; blank where a file has none."""
        monthly = {
            path: sums
            for path, sums in self._sums_of_files.items()
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
                of_files = (sums.get((code, month)) for sums in monthly.values())
                yield (code, self.labels.get(code, ""), month, balance, moved, *of_files)

    def text(self) -> str:
        """Write the control's result, in French; its last line is `difference = 0` when all is well."""
        lines = [f"Contrôle de l'exercice {self.year}", ""]
        lines += [*self.remarks, ""] if self.remarks else []
        for compared in self.compared:
            lines.append(
                f"{compared.path} : {counted(compared.lines, 'ligne relue', 'lignes relues')}, "
                f"{counted(compared.sums, 'somme comparée', 'sommes comparées')}, "
                f"difference = {_shown(compared.difference)}"
            )
            lines += [f"  ! {fault}" for fault in compared.named]
        lines += ["", self.verdict]
        return "\n".join(lines) + "\n"

    @property
    def verdict(self) -> str:
        """Return `difference = 0`, or the amount, with the number of faults if there are any."""
        faults = f", {counted(self.faults, 'faute de forme', 'fautes de forme')}" if self.faults else ""
        return f"difference = {_shown(self.difference)}{faults}"

    @property
    def is_proved(self) -> bool:
        """Return whether every file gives the sums of the books."""
        return self.difference == 0 and self.faults == 0


def _shown(amount: int) -> str:
    return "0" if amount == 0 else format_amount(amount)


def _keyed(sales: Mapping[str, int]) -> Sums:
    return {(f"{CLIENTS} (VTE)", month): amount for month, amount in sales.items()}


def _by_year(sums: Sums) -> Sums:
    by_year: dict[tuple[str, str], int] = defaultdict(int)
    for (code, month), amount in sums.items():
        by_year[code, month if month == OPENING else WHOLE_YEAR] += amount
    return by_year


def _difference(read: Sums, expected: Sums, faults: list[str]) -> int:
    """Add up all differences, and add the first ones to `faults` by name."""
    total, named = 0, 0
    for key in sorted({*read, *expected}):
        off = read.get(key, 0) - expected.get(key, 0)
        if off:
            total += abs(off)
            named += 1
            if named <= _DIFFERENCES_NAMED:
                code, month = key
                faults.append(f"{code}, {month} : {format_amount(off)} de trop ou de moins dans le fichier")
    return total


def balances_of(connection: Connection, year: int) -> Control:
    """Sum the books of a year, to which its files are held."""
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
        year=year,
        held=held,
        of_auxiliaries=_of_auxiliaries(connection, start, until),
        sales=_sales(connection, start, until),
        labels=dict(connection.execute(select(account.c.code, account.c.label)).all()),
        results=_results(connection, start, until),
        opened=_opened(connection, start),
        is_opened=is_opened,
        remarks=tuple(_remarks(connection, year, held, is_opened=is_opened)),
    )


def _of_auxiliaries(connection: Connection, start: date, until: date) -> Sums:
    p = posting.c
    sums: dict[tuple[str, str], int] = {}
    for key, days in ((OPENING, p.effective_on < start), (WHOLE_YEAR, p.effective_on.between(start, until))):
        for code, amount in connection.execute(
            select(p.account, func.sum(p.amount)).where(p.auxiliary.is_not(None), days).group_by(p.account)
        ):
            sums[code, key] = int(amount)
    return sums


def _results(connection: Connection, start: date, until: date) -> Sums:
    p, e = posting.c, entry.c
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for code, on, amount in connection.execute(
        select(p.account, e.effective_on, func.sum(p.amount))
        .join(entry, e.id == p.entry_id)
        .where(e.journal == RESULT, e.effective_on.between(start, until))
        .group_by(p.account, e.effective_on)
    ):
        sums[code, on.isoformat()[:7]] += int(amount)
    return sums


def _opened(connection: Connection, start: date) -> Mapping[str, int]:
    p, e = posting.c, entry.c
    total = func.sum(p.amount)
    moved = connection.execute(
        select(p.account, total)
        .join(entry, e.id == p.entry_id)
        .where(opens_a_year(), e.effective_on == start)
        .group_by(p.account)
        .having(total != 0)
    )
    return {code: int(amount) for code, amount in moved}


def _sales(connection: Connection, start: date, until: date) -> Mapping[str, int]:
    """Sum the documents issued each month, credit notes negative: journal VTE debits 3421 with as much."""
    d = document.c
    by_month: dict[str, int] = defaultdict(int)
    for kind, on, gross in connection.execute(
        select(d.kind, d.issued_on, func.sum(d.gross))
        .where(d.issued_on.between(start, until), is_ours())
        .group_by(d.kind, d.issued_on)
    ):
        by_month[on.isoformat()[:7]] += int(gross) * (1 if kind == "invoice" else -1)
    return by_month


def _remarks(connection: Connection, year: int, held: Sums, *, is_opened: bool) -> Iterator[str]:
    """Yield what a reader must know of how the year stands."""
    ended = year_end(connection, year)
    if not ended.is_determined:
        yield f"L'exercice {year} n'est pas clôturé : les classes 6 et 7 portent encore leurs soldes."
    if not is_opened and any(month == OPENING and code.startswith(_BALANCE_SHEET) for code, month in held):
        yield (
            f"L'exercice {year - 1} n'est pas clôturé : le FEC n'a pas encore d'écritures d'à-nouveaux "
            f"(technopark-billing periods close-year {year - 1})."
        )
