"""Single statements that spoil a database, made from its catalogue: cells changed, a row lost, added, exchanged."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Column, Connection, Date, DateTime, Integer, LargeBinary, Table, UniqueConstraint, select

from invoices.models import document

Rows: TypeAlias = Sequence[Mapping[str, Any]]
CELL_KINDS, ROW_KINDS = ("change", "blank", "swap", "pair"), ("delete", "insert")


class Target(NamedTuple):
    """What is attacked, and how: a column, or a whole row (None)."""

    table: Table
    column: Column[Any] | None
    kind: str


class Attack(NamedTuple):
    """A statement, the columns it changes, and how the rows it is about may be called: by the cells of their keys."""

    table: str
    columns: frozenset[str]
    sql: str
    called: frozenset[str]


def targets(tables: Iterable[Table]) -> Iterator[Target]:
    """Every kind of attack on every column of every table."""
    for table in tables:
        yield from (Target(table, None, kind) for kind in ROW_KINDS)
        for column in table.columns:
            if column.computed is None:
                yield from (Target(table, column, kind) for kind in CELL_KINDS)


def attack(connection: Connection, target: Target, seed: int) -> Attack | None:
    """Return an attack on some row, a seed's always the same; None where there is no row that it could be done to."""
    made = _attack(connection, target, seed)
    if made is not None and "document_id" in target.table.columns:
        # Documents are called by their numbers.
        keys = [int(part) for part in made.called if part.isdecimal()]
        numbers = connection.scalars(select(document.c.number).where(document.c.id.in_(keys)))
        made = made._replace(called=made.called.union(numbers))
    if made is None or connection.dialect.name == "sqlite":
        return made
    return made._replace(sql=re.sub(r"\bX'([0-9a-f]*)'", r"'\\x\1'", made.sql))


def _attack(connection: Connection, target: Target, seed: int) -> Attack | None:
    table, column, kind = target
    keys = list(table.primary_key.columns)
    rows = [dict(row._mapping) for row in connection.execute(select(table).order_by(*keys))]
    if not rows:
        return None
    chance = random.Random(f"{seed} {table.name} {column} {kind}")
    row = chance.choice(rows)
    at = _where(keys, row)
    if column is None:
        if kind == "delete":
            return Attack(table.name, frozenset(), f"DELETE FROM {table.name} WHERE {at}", _called(keys, row))
        return _copy(table, rows, row)
    if kind == "swap":
        return None if column in keys else _swap(table, column, row, rows, chance)
    if kind == "blank" and (not column.nullable or row[column.name] is None):
        return None
    changed = [column]
    if kind == "pair":
        others = [each for each in table.columns if each is not column and each.computed is None]
        changed += others and [chance.choice(others)]
    to = {
        each.name: None if kind == "blank" else _other(each, row[each.name], {other[each.name] for other in rows})
        for each in changed
    }
    cells = ", ".join(f"{name} = {_literal(value)}" for name, value in to.items())
    sql = f"UPDATE {table.name} SET {cells} WHERE {at}"
    return Attack(table.name, frozenset(to), sql, _called(keys, row) | _called(keys, {**row, **to}))


def _swap(
    table: Table, column: Column[Any], row: Mapping[str, Any], rows: Rows, chance: random.Random
) -> Attack | None:
    keys = list(table.primary_key.columns)
    others = [other for other in rows if other[column.name] != row[column.name]]
    if not others:
        return None
    other = chance.choice(others)
    at = _where(keys, row)
    sql = (
        f"UPDATE {table.name} SET {column.name} = CASE WHEN {at} THEN {_literal(other[column.name])} "
        f"ELSE {_literal(row[column.name])} END WHERE ({at}) OR ({_where(keys, other)})"
    )
    return Attack(table.name, frozenset((column.name,)), sql, _called(keys, row) | _called(keys, other))


def _copy(table: Table, rows: Rows, row: Mapping[str, Any]) -> Attack:
    """A row like another, but for what must be its own."""
    keys = list(table.primary_key.columns)
    unique = {list(key.columns)[-1].name for key in table.constraints if isinstance(key, UniqueConstraint)}
    own = {*unique, keys[-1].name} | {column.name for column in table.columns if column.unique}
    cells = {
        column.name: _other(column, row[column.name], {each[column.name] for each in rows})
        if column.name in own
        else row[column.name]
        for column in table.columns
        if column.computed is None
    }
    sql = f"INSERT INTO {table.name} ({', '.join(cells)}) VALUES ({', '.join(map(_literal, cells.values()))})"
    return Attack(table.name, frozenset(), sql, _called(keys, cells))


def _other(column: Column[Any], value: Any, taken: set[Any]) -> Any:
    """Return a value of a column's kind that no row has; the nearest, where there is a nearest."""
    kind = column.type
    while True:
        if isinstance(kind, Integer):
            value = (value or 0) + 1
        elif isinstance(kind, DateTime):
            value = (value or datetime(2026, 1, 1)) + timedelta(seconds=1)
        elif isinstance(kind, Date):
            value = (value or date(2026, 1, 1)) + timedelta(days=1)
        elif isinstance(kind, LargeBinary):
            value = bytes([value[0] ^ 1]) + value[1:]
        elif value and len(value) >= (getattr(kind, "length", None) or 1_000_000):
            value = value[:-1] + ("y" if value[-1] == "x" else "x")
        else:
            value = (value or "") + "x"
        if value not in taken:
            return value


def _called(keys: Sequence[Column[Any]], row: Mapping[str, Any]) -> frozenset[str]:
    cells = [row[key.name] for key in keys]
    months = {f"{cell:%Y-%m}" for cell in cells if isinstance(cell, date)}
    return frozenset({*map(str, cells), *months})


def _where(keys: Sequence[Column[Any]], row: Mapping[str, Any]) -> str:
    return " AND ".join(f"{key.name} = {_literal(row[key.name])}" for key in keys)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, datetime):
        return f"'{value:%Y-%m-%d %H:%M:%S.%f}{'+00' if value.tzinfo else ''}'"
    return str(value) if isinstance(value, int) else f"""'{str(value).replace("'", "''")}'"""
