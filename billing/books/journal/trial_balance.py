"""The trial balance, the totals of the general ledger and of class 9 apart (R21)."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection

from billing.books.journal.shapes import Balance, BalanceTotals, DebitAndCredit, TrialBalance
from billing.frame.reports.formats import require_format
from billing.frame.shapes import indented
from ledger.balances import last_day, trial_balance
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table

COLUMNS = (
    Column("account", Kind.TEXT),
    Column("label", Kind.TEXT),
    Column("debit", Kind.AMOUNT),
    Column("credit", Kind.AMOUNT),
    Column("balance", Kind.AMOUNT),
)


def trial_balance_shape(connection: Connection, until: date | None) -> TrialBalance:
    """Return the contract's shape. Without `until`, the books' latest day stands for it (null in empty books)."""
    balances = trial_balance(connection, until)
    return TrialBalance(
        until=until or last_day(connection),
        accounts=[Balance.of(balance) for balance in balances],
        totals=BalanceTotals(
            general=DebitAndCredit.of(balance for balance in balances if not balance.is_analytic),
            analytic=DebitAndCredit.of(balance for balance in balances if balance.is_analytic),
        ),
    )


def pieces(connection: Connection, until: date | None, file_format: str) -> Iterator[bytes]:
    """Yield the trial balance as pieces of a file. Raises Unknown for an unknown format."""
    require_format(file_format)
    if file_format == "json":
        return iter([indented(trial_balance_shape(connection, until))])
    rows = ((*balance, balance.balance) for balance in trial_balance(connection, until))
    return table(file_format, "Balance", COLUMNS, rows)
