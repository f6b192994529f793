"""Journal centralisateur: month by month what each journal booked to each account (loi 9-88, art. 3)."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, literal, select

from ledger.entry import JOURNAL_LABELS
from ledger.exports.columns import Kind
from ledger.exports.journal_lines import of_class_9
from ledger.models import account, entry, posting
from ledger.reports.movements import sides
from ledger.reports.rows import Carried, Column, Label, Part, Report, Row, RowKind, part_of
from ledger.reports.selection import Selection
from ledger.subledgers import NameOf

_COLUMNS = (
    Column("month", "Mois", Kind.MONTH, once=True),
    Column("journal", "Jnl", Kind.TEXT, once=True),
    Column("journal_label", "Journal", Kind.TEXT, once=True),
    Column("account", "Compte", Kind.TEXT),
    Column("account_label", "Intitulé", Kind.TEXT),
    Column("debit", "Débit", Kind.AMOUNT, Carried.SUM),
    Column("credit", "Crédit", Kind.AMOUNT, Carried.SUM),
)


class _Day(NamedTuple):
    """The sums a journal booked to an account on one day."""

    day: date
    journal: str
    account: str
    label: str
    debit: int
    credit: int


def report(connection: Connection, selection: Selection, _name_of: NameOf) -> Report:
    """Return sums by month, journal and account; those of each journal and month; those of the whole."""
    parts = (
        Part(key, _rows(of_part))
        for key, of_part in groupby(_days(connection, selection), lambda moved: part_of(moved.account))
    )
    return Report("centralised-journal", "Journal centralisateur", _COLUMNS, parts)


def _days(connection: Connection, selection: Selection) -> Iterator[_Day]:
    p, e = posting.c, entry.c
    keys = (e.effective_on, e.journal, p.account, account.c.label)
    statement = (
        select(*keys, *sides(p.amount, literal(value=True)))
        .join(posting, p.entry_id == e.id)
        .join(account, account.c.code == p.account)
        .where(*selection.of_entries())
        .group_by(*keys)
        .order_by(of_class_9(p.account), e.effective_on)
    )
    for day, journal, code, label, debit, credit in connection.execute(statement):
        yield _Day(day, journal, code, label, int(debit), int(credit))


def _rows(days: Iterable[_Day]) -> Iterator[Row]:
    whole = [0, 0]
    for month, of_month in groupby(days, lambda moved: moved.day.replace(day=1)):
        of_its_month = [0, 0]
        for journal, accounts in sorted(_by_journal(of_month).items()):
            of_journal = [0, 0]
            name = JOURNAL_LABELS.get(journal, journal)
            for (code, label), (debit, credit) in sorted(accounts.items()):
                yield Row(RowKind.LINE, (), (month, journal, name, code, label, debit, credit))
                of_journal = [of_journal[0] + debit, of_journal[1] + credit]
            yield _sum(("Total journal ", journal), (month, journal, name), of_journal)
            of_its_month = [of_its_month[0] + of_journal[0], of_its_month[1] + of_journal[1]]
        yield _sum(("Total ", month), (month, None, None), of_its_month)
        whole = [whole[0] + of_its_month[0], whole[1] + of_its_month[1]]
    yield Row(RowKind.TOTAL, ("Total",), (*(None,) * 5, *whole))


def _by_journal(days: Iterable[_Day]) -> dict[str, dict[tuple[str, str], tuple[int, int]]]:
    """Return a month's sums by journal and account."""
    by_journal: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
    for moved in days:
        accounts = by_journal.setdefault(moved.journal, {})
        key = moved.account, moved.label
        debit, credit = accounts.get(key, (0, 0))
        accounts[key] = debit + moved.debit, credit + moved.credit
    return by_journal


def _sum(label: Label, texts: tuple[object, ...], sums: list[int]) -> Row:
    return Row(RowKind.SUBTOTAL, label, (*texts, None, None, *sums))
