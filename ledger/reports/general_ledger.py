"""Grand-livre: account by account, what stood before, every posting in order of days, and the balance after each."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, not_

from ledger.exports.columns import Kind
from ledger.exports.journal_lines import JournalLine, chosen_lines
from ledger.models import entry, posting
from ledger.openings import is_no_movement
from ledger.reports.labels import printed_label
from ledger.reports.memo import memo
from ledger.reports.movements import Movement, by_account, openings
from ledger.reports.rows import Carried, Column, Part, Report, Row, RowKind, part_of, two_sided
from ledger.reports.selection import Selection
from ledger.subledgers import NameOf

_COLUMNS = (
    Column("account", "Compte", Kind.TEXT, on_paper=False),
    Column("account_label", "Intitulé", Kind.TEXT, on_paper=False),
    Column("effective_on", "Date", Kind.DAY),
    Column("number", "N°", Kind.COUNT),
    Column("journal", "Jnl", Kind.TEXT),
    Column("piece", "Pièce", Kind.TEXT),
    Column("label", "Libellé", Kind.TEXT),
    Column("auxiliary", "Tiers", Kind.TEXT),
    Column("site", "Site", Kind.TEXT),
    Column("debit", "Débit", Kind.AMOUNT, Carried.SUM),
    Column("credit", "Crédit", Kind.AMOUNT, Carried.SUM),
    Column("balance_debit", "Solde débiteur", Kind.AMOUNT, Carried.LAST),
    Column("balance_credit", "Solde créditeur", Kind.AMOUNT, Carried.LAST),
)
_NO_LINE = (None,) * 7
_NO_ACCOUNT = (None,) * 9
REPORT_A_NOUVEAU = "Report à nouveau"


class _OfAccount(NamedTuple):
    """An account's balance before the period, and its lines in it."""

    moved: Movement
    lines: Iterator[JournalLine]


def report(connection: Connection, selection: Selection, name_of: NameOf) -> Report:
    """Return every account that stood or moved: balance brought forward, postings, sums, balance at the end."""
    parts = (
        Part(key, _rows(of_part, openings(connection, selection), key, name_of))
        for key, of_part in groupby(_accounts(connection, selection), lambda a: part_of(a.moved.account))
    )
    return Report("ledger", "Grand-livre", _COLUMNS, parts, carries_groups=True)


def _accounts(connection: Connection, selection: Selection) -> Iterator[_OfAccount]:
    """Yield the accounts in order, with their lines; what opens a year is no line."""
    lines = chosen_lines(
        connection,
        [*selection.of_entries(), not_(is_no_movement(selection.start))],
        posting.c.account,
        entry.c.effective_on,
    )
    by_code = groupby(lines, lambda line: line.account)
    waiting = next(by_code, None)
    for moved in by_account(connection, selection):
        if waiting is not None and waiting[0] == moved.account:
            yield _OfAccount(moved, waiting[1])
            waiting = next(by_code, None)
        elif not moved.is_idle:
            yield _OfAccount(moved, iter(()))


def _rows(
    accounts: Iterable[_OfAccount], opened: list[tuple[str, int, int]], part: str, name_of: NameOf
) -> Iterator[Row]:
    debit = credit = balance = 0
    for of_account in accounts:
        moved = of_account.moved
        yield from _rows_of(of_account, name_of)
        debit += moved.debit
        credit += moved.credit
        balance += moved.closing
    yield Row(RowKind.TOTAL, ("Total des mouvements",), (*_NO_ACCOUNT, debit, credit, *two_sided(balance)))
    yield from memo(opened, part, debit, credit, before=_NO_ACCOUNT, after=(None, None))


def _rows_of(of_account: _OfAccount, name_of: NameOf) -> Iterator[Row]:
    moved = of_account.moved
    account = (moved.account, moved.label)
    yield Row(RowKind.HEADING, (f"{moved.account}  {moved.label}",), (*account, *_NO_LINE, *(None,) * 4))
    yield Row(RowKind.OPENING, (REPORT_A_NOUVEAU,), (*account, *_NO_LINE, None, None, *two_sided(moved.opening)))
    balance = moved.opening
    for line in of_account.lines:
        balance += line.amount
        yield Row(
            RowKind.LINE,
            (),
            (
                *account, line.effective_on, line.number, line.journal, line.piece, printed_label(line, name_of),
                line.auxiliary, line.site, line.debit, line.credit, *two_sided(balance),
            ),
        )  # fmt: skip
    yield Row(
        RowKind.SUBTOTAL,
        (f"Total {moved.account}",),
        (*account, *_NO_LINE, moved.debit, moved.credit, *two_sided(moved.closing)),
    )
