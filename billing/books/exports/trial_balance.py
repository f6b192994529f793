"""The trial balance, the totals of the general ledger and of class 9 apart (R21)."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection

from billing.frame.reports.spreadsheets import require_format, table
from ledger.balances import AccountBalance, last_day, totals, trial_balance
from ledger.exports.columns import Column, Kind
from pricing.money import format_amount

COLUMNS = (
    Column("account", Kind.TEXT),
    Column("label", Kind.TEXT),
    Column("debit", Kind.AMOUNT),
    Column("credit", Kind.AMOUNT),
    Column("balance", Kind.AMOUNT),
)


def _totals_json(balances: Iterable[AccountBalance]) -> dict[str, str]:
    debit, credit = totals(balances)
    return {"debit": format_amount(debit), "credit": format_amount(credit)}


def trial_balance_json(connection: Connection, until: date | None) -> dict[str, Any]:
    """The contract's shape, with totals. Without `until`, the books' latest day stands for it (null in empty books)."""
    balances = trial_balance(connection, until)
    day = until or last_day(connection)
    return {
        "until": None if day is None else day.isoformat(),
        "accounts": [
            {
                "account": found.account,
                "label": found.label,
                "debit": format_amount(found.debit),
                "credit": format_amount(found.credit),
                "balance": format_amount(found.balance),
            }
            for found in balances
        ],
        "totals": {
            "general": _totals_json(found for found in balances if not found.is_analytic),
            "analytic": _totals_json(found for found in balances if found.is_analytic),
        },
    }


def pieces(connection: Connection, until: date | None, file_format: str) -> Iterator[bytes]:
    """The trial balance as pieces of a file. Raises Unknown for an unknown format."""
    require_format(file_format)
    if file_format == "json":
        found = trial_balance_json(connection, until)
        return iter([orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)])
    rows = ((*found, found.balance) for found in trial_balance(connection, until))
    return table(file_format, "Balance", COLUMNS, rows)
