"""Judges the rows of manual entries as a whole: each fault is noted with its row (R30).

Rows of one day, label and voucher are one entry, wherever they stand in the file.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from billing.books.manual_entries.files import LAYOUT
from billing.entries.accounts import CLIENTS_GROUP, CLIENTS_IN_CREDIT_GROUP, PROVED
from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.cells import BadCell
from billing.frame.database import among
from billing.frame.errors import Fault
from billing.register.network_import.faults import Faults
from billing.register.network_import.reading import NumberedRow
from billing.register.tables import site, tenant
from ledger.accounts import chart, label_of
from ledger.entry import Posting
from ledger.errors import UnknownAccount
from ledger.openings import AWAITING_APPROPRIATION
from ledger.periods import Limits, limits
from pricing.money import format_amount
from pricing.period import first_of_month, format_month

ROWS_MAX = 10_000
_NEAREST_MAX = 3


class WantedEntry(NamedTuple):
    """An entry as it is ordered; `line` is its first row, for messages."""

    line: int
    on: date
    label: str
    voucher: str
    postings: tuple[Posting, ...]


class _Row(NamedTuple):
    line: int
    cells: Sequence[str]
    values: dict[str, Any]


def account_problem(account: str) -> tuple[str, str] | None:
    """Return why nobody books to an account by hand, and what to do; None where anybody may."""
    proved = next((code for code in PROVED if account.startswith(code)), None)
    if proved is not None:
        return f"({_label(account)}) is proved by the service's own facts", PROVED[proved]
    if account.startswith("9"):
        return "is of class 9, which runs and grants alone move", "the cross-subsidy is no part of manual entries"
    if account.startswith(("8", *AWAITING_APPROPRIATION)):
        awaiting = " or ".join(AWAITING_APPROPRIATION.values())
        return "is moved by a year's end alone", f"book to classes 6 and 7, or appropriate a result from {awaiting}"
    if _label(account) is None:
        return "is not in the chart of accounts", f"the nearest: {', '.join(_nearest(account))}"
    return None


def _label(account: str) -> str | None:
    try:
        return label_of(account)
    except UnknownAccount:
        return None


def _nearest(account: str) -> list[str]:
    """Return the accounts of the chart that begin most like a code and lie nearest to it, with their names."""

    def distance(code: str) -> tuple[int, int]:
        alike = next((n for n in range(len(account), 0, -1) if code.startswith(account[:n])), 0)
        return -alike, abs(int(f"{code:0<16}") - int(f"{account:0<16}"))

    bookable = [code for code in chart() if not code.startswith(tuple(PROVED)) and code[0] in "1234567"]
    return [f"{code} ({label_of(code)})" for code in sorted(bookable, key=distance)[:_NEAREST_MAX]]


def judge(
    connection: Connection, rows: Sequence[NumberedRow], file: str, today: date
) -> tuple[list[WantedEntry], list[Fault]]:
    """Return the entries that the rows order, and everything wrong with them; `file` is what messages call them."""
    faults = Faults([file])
    if not 0 < len(rows) <= ROWS_MAX:
        faults.add(file, None, None, str(len(rows)), "is no number of rows", f"give 2 to {ROWS_MAX} in one file")
        return [], faults.in_order()
    parsed = [_parsed(file, line, row, faults) for line, row in rows]
    _note_codes(connection, file, parsed, faults)
    known = limits(connection)
    groups: dict[tuple[Any, ...], list[_Row]] = {}
    for row in parsed:
        _note_row(file, row, faults)
        key = tuple(row.values.get(name) for name in LAYOUT.key)
        if None not in key:
            groups.setdefault(key, []).append(row)
    for (day, *_), of_entry in groups.items():
        problem = _day_problem(day, known, today)
        if problem is not None:
            _note(file, of_entry[0], "date", faults, *problem)
    entries = list(_entries(file, groups, faults)) if not faults else []
    return entries, faults.in_order()


def _parsed(file: str, line: int, row: Sequence[str], faults: Faults) -> _Row:
    values: dict[str, Any] = {}
    for column, cell in zip(LAYOUT.columns, row, strict=True):
        try:
            values[column.field] = column.parse(cell)
        except BadCell as bad:
            faults.add(file, line, column.name, cell, bad.problem, bad.remedy)
    return _Row(line, row, values)


def _note(file: str, row: _Row, column: str, faults: Faults, problem: str, remedy: str) -> None:
    faults.add(file, row.line, column, row.cells[LAYOUT.names.index(column)], problem, remedy)


def _note_codes(connection: Connection, file: str, rows: Sequence[_Row], faults: Faults) -> None:
    """Note sites and tenants that the register does not know."""
    for column, table, name in (("site", site, "site"), ("auxiliary", tenant, "tenant")):
        given = sorted({row.values[column] for row in rows if row.values.get(column)})
        known = set(connection.scalars(select(table.c.code).where(among(connection, table.c.code, given))))
        for row in rows:
            if row.values.get(column) and row.values[column] not in known:
                _note(file, row, column, faults, f"is no {name} of the register", "correct the code, or leave it blank")


def _note_row(file: str, row: _Row, faults: Faults) -> None:
    """Note what is wrong with one row: its account, its subledger account, its sides."""
    account = row.values.get("account")
    problem = None if account is None else account_problem(account)
    if problem is not None:
        _note(file, row, "account", faults, *problem)
    elif row.values.get("auxiliary") and (account or "").startswith((CLIENTS_GROUP, CLIENTS_IN_CREDIT_GROUP)):
        remedy = "leave the auxiliary blank: a tenant's account is what documents and receipts make it"
        _note(file, row, "auxiliary", faults, f"would stand on the tenant's account by {account}", remedy)
    if {"debit", "credit"} <= row.values.keys() and bool(row.values["debit"]) == bool(row.values["credit"]):
        both = bool(row.values["debit"])
        problem = ("stands beside a debit" if both else "is blank or zero as the debit is"), "give one of the two"
        _note(file, row, "credit", faults, *problem)


def _day_problem(day: date, known: Limits, today: date) -> tuple[str, str] | None:
    """Return why nothing can be posted on a day, and what to do; None where it can."""
    if known.begun_on is not None and day < known.begun_on:
        return f"lies before the books began on {known.begun_on}", "the balances taken on hold it already"
    if known.closed_through is not None and day <= known.closed_through:
        month = format_month(first_of_month(day))
        return f"lies in {month}, which is closed", f"give {known.first_open(day)} or a later day"
    if known.open_through is not None and day > known.open_through:
        return f"lies beyond {known.open_through}, through which is posted", "close the months before it first"
    return too_far_ahead(day, today, PREPARED_DAYS_AHEAD_MAX)


def _entries(file: str, groups: dict[tuple[Any, ...], list[_Row]], faults: Faults) -> Iterator[WantedEntry]:
    for (on, label, voucher), rows in groups.items():
        postings = tuple(
            Posting(v["account"], (v["debit"] or 0) - (v["credit"] or 0), v["auxiliary"], v["site"])
            for v in (row.values for row in rows)
        )
        missing = -sum(p.amount for p in postings)
        lines = ", ".join(str(row.line) for row in rows[:20]) + (", …" if len(rows) > 20 else "")
        if missing:
            side = "debit" if missing > 0 else "credit"
            problem = f"does not balance: {format_amount(abs(missing))} is missing in {side} on lines {lines}"
            remedy = "rows of one date, label and voucher are one entry: its debits are its credits"
            faults.add(file, rows[0].line, side, None, problem, remedy)
        else:
            yield WantedEntry(rows[0].line, on, label, voucher, postings)
