"""The queries on bank statements, their lines, what was decided about them, and the entries that book them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
)

from billing.bank.formats.statement import BankLine
from billing.bank.matching.values import UNDONE
from billing.bank.naming import LineKey, line_name, statement_name
from billing.bank.tables import bank_line, bank_statement, bank_statement_withdrawal, line_decision, line_entry
from billing.entries.accounts import BANK_ACCOUNT
from billing.frame.errors import Unknown
from billing.receivables.receipts.queries import is_cancelled
from billing.receivables.tables.receipts import receipt
from ledger.entry import OPENING, REVERSED
from ledger.models import entry, posting

STATEMENT_KEY = (bank_statement.c.id,)
LINE_KEY = (bank_line.c.statement_id, bank_line.c.line_no)
_later = line_decision.alias("later")
_back = entry.alias("back")


class LineRow(NamedTuple):
    """A bank line with its key."""

    key: LineKey
    line: BankLine


# --- conditions --------------------------------------------------------------------------------------


def is_latest() -> ColumnElement[bool]:
    """Return the condition that a decision is the latest about its line, and so the one that counts."""
    d, x = line_decision.c, _later.c
    return not_(exists().where(x.statement_id == d.statement_id, x.line_no == d.line_no, x.decision_no > d.decision_no))


def is_of_decision() -> ColumnElement[bool]:
    """Return the condition that an entry is named by a decision."""
    d, x = line_decision.c, line_entry.c
    return and_(x.statement_id == d.statement_id, x.line_no == d.line_no, x.decision_no == d.decision_no)


def moves_bank_account() -> ColumnElement[bool]:
    """Return the condition that a posting moves the bank's account, said so that the money accounts' index is used."""
    return and_(
        posting.c.account == literal_column(f"'{BANK_ACCOUNT}'"),
        posting.c.account.between(literal_column("'5'"), literal_column("'5Z'")),
    )


def is_unlinked() -> ColumnElement[bool]:
    """Return the condition that an entry stands for no bank line, and may.

    Opening entries are no movements, and what was taken back is none any more.
    """
    x = line_entry.c
    linked = select(x.entry).join(line_decision, is_of_decision()).where(x.entry == entry.c.reference, is_latest())
    taken_back = exists().where(_back.c.reference == entry.c.reference.concat(REVERSED))
    return and_(entry.c.journal != OPENING, not_(exists(linked)), not_(taken_back))


def is_of_line() -> ColumnElement[bool]:
    """Return the condition that a decision about a line made an entry, even one that was taken back since.

    Money received stays the line's own: decided anew, it is placed again.
    """
    x = line_entry.c
    made = select(x.entry).join(line_decision, is_of_decision())
    return exists(made.where(x.entry == entry.c.reference, line_decision.c.kind.in_(("received", "booked"))))


def is_reversed() -> ColumnElement[bool]:
    """Return the condition that an entry was reversed, or reverses another."""
    reversing = entry.alias("reversing")
    return or_(
        entry.c.reference.like(f"%{REVERSED}"),
        exists(select(reversing.c.id).where(reversing.c.reference == entry.c.reference + REVERSED)),
    )


def is_withdrawn() -> ColumnElement[bool]:
    """Return the condition that a statement was withdrawn."""
    x = bank_statement_withdrawal.c
    return exists(select(x.statement_id).where(x.statement_id == bank_statement.c.id))


def is_of_withdrawn() -> ColumnElement[bool]:
    """Return the condition that a line is of a statement that was withdrawn."""
    x = bank_statement_withdrawal.c
    return exists(select(x.statement_id).where(x.statement_id == bank_line.c.statement_id))


def _is_decided() -> ColumnElement[bool]:
    d, x = line_decision.c, bank_line.c
    return exists(
        select(d.line_no).where(d.statement_id == x.statement_id, d.line_no == x.line_no, d.kind != UNDONE, is_latest())
    )


# --- statements --------------------------------------------------------------------------------------


def statements() -> Select[Any]:
    """Return all statements, each with whether it was withdrawn, to be put in order."""
    return select(bank_statement, is_withdrawn().label("is_withdrawn"))


def require_statement(connection: Connection, key: int) -> Row[Any]:
    """Return the row of a statement; raises Unknown."""
    row = connection.execute(statements().where(bank_statement.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no statement {statement_name(key)}")
    return row


def withdrawn_statements(connection: Connection, keys: Collection[int]) -> set[int]:
    """Return those of these statements that were withdrawn."""
    x = bank_statement_withdrawal.c
    return set(connection.scalars(select(x.statement_id).where(x.statement_id.in_(sorted(keys)))))


def statements_with_waiting(connection: Connection) -> list[tuple[Row[Any], int]]:
    """Return the statements in the order of their accounts, each with the number of its lines that wait."""
    x, c = bank_line.c, bank_statement.c
    waits = and_(not_(_is_decided()), not_(is_of_withdrawn()))
    of_statements = select(x.statement_id, func.count()).where(waits).group_by(x.statement_id)
    waiting: dict[int, int] = dict(connection.execute(of_statements).all())
    rows = connection.execute(statements().order_by(c.account, c.place))
    return [(row, waiting.get(row.id, 0)) for row in rows]


# --- lines -------------------------------------------------------------------------------------------


def lines(
    *,
    statement: int | None = None,
    waiting: bool | None = None,
    booked_from: date | None = None,
    booked_until: date | None = None,
) -> Select[Any]:
    """Return the lines of a statement (None: of all that were not withdrawn) that wait or are decided (None: both).

    In order; lines of a statement that was withdrawn do not wait.
    """
    x = bank_line.c
    selected = select(bank_line).order_by(*LINE_KEY)
    if statement is not None:
        selected = selected.where(x.statement_id == statement)
    if statement is None or waiting:
        selected = selected.where(not_(is_of_withdrawn()))
    if waiting is not None:
        selected = selected.where(not_(_is_decided()) if waiting else _is_decided())
    if booked_from is not None:
        selected = selected.where(x.booked_on >= booked_from)
    if booked_until is not None:
        selected = selected.where(x.booked_on <= booked_until)
    return selected


def line_row(row: Row[Any]) -> LineRow:
    """Return a row of `bank_line` as a value with its key."""
    fields = {name: getattr(row, name) for name in BankLine._fields if name in bank_line.c}
    return LineRow((row.statement_id, row.line_no), BankLine(**{**fields, "is_reversal": bool(row.is_reversal)}))


def lines_of_statements(connection: Connection, keys: Sequence[int]) -> list[LineRow]:
    """Return every line of statements, in order."""
    return [line_row(row) for row in connection.execute(lines().where(bank_line.c.statement_id.in_(keys)))]


def require_line_row(connection: Connection, key: LineKey) -> Row[Any]:
    """Return the row of a line; raises Unknown."""
    row = connection.execute(lines(statement=key[0]).where(bank_line.c.line_no == key[1])).one_or_none()
    if row is None:
        raise Unknown(f"there is no line {line_name(*key)} of a statement")
    return row


def require_line(connection: Connection, key: LineKey) -> LineRow:
    """Return a line; raises Unknown."""
    return line_row(require_line_row(connection, key))


# --- decisions ---------------------------------------------------------------------------------------


def latest_decision(connection: Connection, key: LineKey) -> Row[Any] | None:
    """Return the decision about a line that counts; None where none was taken."""
    d = line_decision.c
    return connection.execute(
        select(line_decision).where(d.statement_id == key[0], d.line_no == key[1], is_latest())
    ).one_or_none()


def receipt_of_line(connection: Connection, key: LineKey) -> int | None:
    """Return the receipt that a line was found to be, even if that was undone since; None where it never was."""
    d, x = line_decision.c, line_entry.c
    received = (
        select(func.min(x.receipt_id))
        .join(line_decision, is_of_decision())
        .join(receipt, receipt.c.id == x.receipt_id)
        .where(x.statement_id == key[0], x.line_no == key[1], d.kind == "received", not_(is_cancelled()))
    )
    receipt_id: int | None = connection.scalar(received)
    return receipt_id


def decisions(connection: Connection, keys: Sequence[LineKey]) -> Mapping[LineKey, list[Row[Any]]]:
    """Return every decision about lines, in order."""
    if not keys:
        return {}
    d = line_decision.c
    of_lines = select(line_decision).where(tuple_(d.statement_id, d.line_no).in_(keys)).order_by(d.decision_no)
    by_line: dict[LineKey, list[Row[Any]]] = {}
    for row in connection.execute(of_lines):
        by_line.setdefault((row.statement_id, row.line_no), []).append(row)
    return by_line


def entries_named(connection: Connection, keys: Sequence[LineKey]) -> Mapping[tuple[int, int, int], list[Row[Any]]]:
    """Return the entries that decisions about lines name, by statement, line and decision, in their order."""
    if not keys:
        return {}
    x = line_entry.c
    by_decision: dict[tuple[int, int, int], list[Row[Any]]] = {}
    of_lines = select(line_entry).where(tuple_(x.statement_id, x.line_no).in_(keys)).order_by(x.entry)
    for row in connection.execute(of_lines):
        by_decision.setdefault((row.statement_id, row.line_no, row.decision_no), []).append(row)
    return by_decision
