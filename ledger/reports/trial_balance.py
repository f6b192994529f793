"""Balance générale: every account's balance before the period, movements in it, balance at its end."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import Connection

from ledger.exports.columns import Kind
from ledger.reports.memo import memo
from ledger.reports.movements import Movement, by_account, openings
from ledger.reports.rows import Carried, Column, Label, Part, Report, Row, RowKind, part_of, two_sided
from ledger.reports.selection import Selection
from ledger.subledgers import NameOf

# Six sums, the same for accounts and for auxiliaries.
SUMS = (
    Column("opening_debit", "Débiteur", Kind.AMOUNT, Carried.SUM, "Solde à l'ouverture"),
    Column("opening_credit", "Créditeur", Kind.AMOUNT, Carried.SUM, "Solde à l'ouverture"),
    Column("debit", "Débit", Kind.AMOUNT, Carried.SUM, "Mouvements"),
    Column("credit", "Crédit", Kind.AMOUNT, Carried.SUM, "Mouvements"),
    Column("closing_debit", "Débiteur", Kind.AMOUNT, Carried.SUM, "Solde à la clôture"),
    Column("closing_credit", "Créditeur", Kind.AMOUNT, Carried.SUM, "Solde à la clôture"),
)
_COLUMNS = (
    Column("account", "Compte", Kind.TEXT),
    Column("account_label", "Intitulé", Kind.TEXT),
    *SUMS,
)
_NO_TEXT = (None, None)


class Sums:
    """Six sums being added up."""

    def __init__(self) -> None:
        self._sums = [0] * len(SUMS)

    def add(self, cells: Iterable[int]) -> None:
        """Add those of a row, or of other sums."""
        self._sums = [held + cell for held, cell in zip(self._sums, cells, strict=True)]

    def __iter__(self) -> Iterator[int]:
        return iter(self._sums)

    def row(self, kind: RowKind, label: Label, texts: tuple[object, ...]) -> Row:
        """Return a row that says them."""
        return Row(kind, label, (*texts, *self._sums))

    @property
    def movements(self) -> tuple[int, int]:
        """Return debits and credits of the period."""
        return self._sums[2], self._sums[3]


def six_sums(moved: Movement) -> tuple[int, ...]:
    """Return the six sums of an account or auxiliary."""
    return (*two_sided(moved.opening), moved.debit, moved.credit, *two_sided(moved.closing))


def report(connection: Connection, selection: Selection, _name_of: NameOf) -> Report:
    """Return every account that stood or moved, with the sums of each class and of the whole."""
    accounts = [moved for moved in by_account(connection, selection) if not moved.is_idle]
    parts = (
        Part(key, _rows(of_part, openings(connection, selection), key))
        for key, of_part in groupby(accounts, lambda moved: part_of(moved.account))
    )
    return Report("trial-balance", "Balance générale", _COLUMNS, parts)


def _rows(accounts: Iterable[Movement], opened: list[tuple[str, int, int]], part: str) -> Iterator[Row]:
    whole = Sums()
    for account_class, of_class in groupby(accounts, lambda moved: moved.account[0]):
        of_its_class = Sums()
        for moved in of_class:
            cells = six_sums(moved)
            of_its_class.add(cells)
            yield Row(RowKind.LINE, (), (moved.account, moved.label, *cells))
        yield of_its_class.row(RowKind.SUBTOTAL, (f"Total classe {account_class}",), _NO_TEXT)
        whole.add(of_its_class)
    yield whole.row(RowKind.TOTAL, ("Total",), _NO_TEXT)
    empty = (None, None)
    yield from memo(opened, part, *whole.movements, before=(*_NO_TEXT, *empty), after=empty)
