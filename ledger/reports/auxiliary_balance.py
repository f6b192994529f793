"""Balance auxiliaire: within each collective account every tenant's or grant's balances and movements."""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from sqlalchemy import Connection

from ledger.exports.columns import Kind
from ledger.reports.movements import Movement, by_auxiliary
from ledger.reports.rows import Column, Part, Report, Row, RowKind, part_of
from ledger.reports.selection import Selection
from ledger.reports.trial_balance import SUMS, Sums, six_sums
from ledger.subledgers import NameOf

_COLUMNS = (
    Column("account", "Compte", Kind.TEXT, on_paper=False),
    Column("account_label", "Intitulé", Kind.TEXT, on_paper=False),
    Column("auxiliary", "Tiers", Kind.TEXT),
    Column("auxiliary_name", "Nom", Kind.TEXT),
    *SUMS,
)


def report(connection: Connection, selection: Selection, name_of: NameOf) -> Report:
    """Return every auxiliary that stood or moved, account by account, with the account's sums: those of its own balance
    as far as it is kept by auxiliaries.
    """
    parts = (
        Part(key, _rows(of_part, name_of))
        for key, of_part in groupby(by_auxiliary(connection, selection), lambda moved: part_of(moved.account))
    )
    return Report("auxiliary-balance", "Balance auxiliaire", _COLUMNS, parts, carries_groups=True)


def _rows(auxiliaries: Iterable[Movement], name_of: NameOf) -> Iterator[Row]:
    whole = Sums()
    for code, of_account in groupby(auxiliaries, lambda moved: moved.account):
        first = next(of_account)
        texts = (code, first.label)
        sums = Sums()
        heading: tuple[None, ...] = (None,) * (2 + len(SUMS))
        yield Row(RowKind.HEADING, (f"{code}  {first.label}",), (*texts, *heading))
        for moved in chain([first], of_account):
            cells = six_sums(moved)
            sums.add(cells)
            auxiliary = moved.auxiliary or ""
            yield Row(RowKind.LINE, (), (*texts, auxiliary, name_of(code, auxiliary), *cells))
        yield sums.row(RowKind.SUBTOTAL, (f"Total {code}",), (*texts, None, None))
        whole.add(sums)
    yield whole.row(RowKind.TOTAL, ("Total",), (None,) * 4)
