"""Livre-journal: every entry, day by day, with its origin, content, account and supporting document (loi 9-88)."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby

from sqlalchemy import Connection

from ledger.exports.columns import Kind
from ledger.exports.journal_lines import JournalLine, chosen_lines, of_class_9
from ledger.models import entry, posting
from ledger.reports.labels import printed_label
from ledger.reports.rows import Carried, Column, Part, Report, Row, RowKind, part_of
from ledger.reports.selection import Selection
from ledger.subledgers import NameOf

_COLUMNS = (
    Column("effective_on", "Date", Kind.DAY, once=True),
    Column("number", "N°", Kind.COUNT, once=True),
    Column("journal", "Jnl", Kind.TEXT, once=True),
    Column("piece", "Pièce", Kind.TEXT, once=True),
    Column("label", "Libellé", Kind.TEXT, once=True),
    Column("account", "Compte", Kind.TEXT),
    Column("account_label", "Intitulé", Kind.TEXT),
    Column("auxiliary", "Tiers", Kind.TEXT),
    Column("site", "Site", Kind.TEXT),
    Column("debit", "Débit", Kind.AMOUNT, Carried.SUM),
    Column("credit", "Crédit", Kind.AMOUNT, Carried.SUM),
)
_BLANK = (None,) * (len(_COLUMNS) - 2)


def report(connection: Connection, selection: Selection, name_of: NameOf) -> Report:
    """Return every line chosen, by day and entry number, with the sums of each month and of the whole."""
    lines = chosen_lines(connection, selection.of_entries(), of_class_9(posting.c.account), entry.c.effective_on)
    parts = (Part(key, _rows(of_part, name_of)) for key, of_part in groupby(lines, lambda line: part_of(line.account)))
    return Report("journal", "Livre-journal", _COLUMNS, parts)


def _rows(lines: Iterable[JournalLine], name_of: NameOf) -> Iterator[Row]:
    debit = credit = 0
    for month, of_month in groupby(lines, lambda line: line.effective_on.replace(day=1)):
        before = debit, credit
        for line in of_month:
            debit += line.debit
            credit += line.credit
            yield Row(RowKind.LINE, (), _cells(line, name_of))
        yield _sum(RowKind.SUBTOTAL, ("Total ", month), debit - before[0], credit - before[1])
    yield _sum(RowKind.TOTAL, ("Total",), debit, credit)


def _cells(line: JournalLine, name_of: NameOf) -> tuple[object, ...]:
    return (
        line.effective_on, line.number, line.journal, line.piece, printed_label(line, name_of),
        line.account, line.account_label, line.auxiliary, line.site, line.debit, line.credit,
    )  # fmt: skip


def _sum(kind: RowKind, label: tuple[str | date, ...], debit: int, credit: int) -> Row:
    return Row(kind, label, (*_BLANK, debit, credit))
