"""The edge opens the database, begins and ends transactions here, and nowhere below."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import chain, islice
from time import monotonic, sleep
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    String,
    Table,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.types import TypeEngine, UserDefinedType

from billing.frame.added_rows import CHANGES, Added, note_statements, noted_as_inserted
from billing.frame.audit_log import Change, seal
from billing.frame.searching import fold

# One writer at a time is SQLite's rule: others wait this long before they give up.
SQLITE_BUSY_TIMEOUT_S = 600
# They look again after this share of what they have waited, within these bounds in seconds.
_SQLITE_WAIT, _SQLITE_WAIT_LEAST_S, _SQLITE_WAIT_MOST_S = 0.01, 0.0002, 0.01
# Billing takes this lock shared, a change of facts takes it alone: no batch sees half an import.
_FACTS_LOCK = 0x7EC40001
_RUN_LOCK = 0x7EC40002
_RECEIVABLES_LOCK = 0x7EC40003
_DUNNING_LOCK = 0x7EC4000A
_LOG_LOCK = 0x7EC40004
_USERS_LOCK = 0x7EC4000B
_JOBS_LOCK = 0x7EC4000C
# Fewer rows than this are inserted faster than copied.
COPY_LEAST = 16
# Rows an INSERT writes at once on SQLite: many rows in one statement take half the time of as many
# statements, triggers above all; a few sizes only, so that the prepared statements are found again.
_SQLITE_BLOCKS = (200, 20, 1)
# So many values are looked up well by the plans that serve one.
_FEW = 100
_PLAN_BY_VALUES = text("SET LOCAL plan_cache_mode = force_custom_plan")
# Rows turned into text at a time.
_COPY_BLOCK = 400

Row: TypeAlias = Sequence[Any]
RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Row]], None]


def open_engine(url: URL) -> Engine:
    """Return an engine with this service's settings. Nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(url, pool_pre_ping=True)
    note_statements(engine)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions are begun by _begin_sqlite, explicitly: pysqlite's own would begin too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.close()
    connection.create_function("folded", 1, fold, deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read transaction later can't wait, only fail.
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
    elif not _took_its_turn(connection):
        # Once more, for the error that says why.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _took_its_turn(connection: Connection) -> bool:
    """Begin to write as soon as nobody else does; false if that can't be, or takes too long.

    SQLite's own waiting looks again after up to 100 ms. A process that writes one transaction after the other leaves
    the lock free for less than 1 ms in between, and would keep all others out.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        began = monotonic()
        while (waited := monotonic() - began) < SQLITE_BUSY_TIMEOUT_S:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False
                sleep(min(max(waited * _SQLITE_WAIT, _SQLITE_WAIT_LEAST_S), _SQLITE_WAIT_MOST_S))
            else:
                return True
        return False
    finally:
        driver.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_S * 1000}")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield one write transaction: committed when the block ends, rolled back when it raises.

    If it wrote anything an act is recorded with it: who, when, why (`billing.frame.audit_log`).
    """
    changes: list[Change | Added] = []
    with (
        engine.connect().execution_options(writes=True, **{CHANGES: changes}) as connection,
        connection.begin() as begun,
    ):
        before = _rows_written(connection)
        yield connection
        # A dry run rolls back what it did.
        if begun.is_active and (changes or _rows_written(connection) != before):
            seal(connection)


def _rows_written(connection: Connection) -> int | object:
    """Return the rows a SQLite connection has ever written; PostgreSQL looks for itself when the act is sealed."""
    if connection.dialect.name != "sqlite":
        return object()
    driver: Any = connection.connection.driver_connection
    return int(driver.total_changes)


@contextmanager
def maintenance_transaction(engine: Engine) -> Iterator[Connection]:
    """Yield one write transaction of which no act is recorded: claims, leases, keys of requests, the schema itself.

    Whatever anybody may ask about later is written by `writing`; `check` names entries and documents of no act.
    """
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


class Attempt:
    """A part of a transaction that is taken back at its end unless it is kept."""

    def __init__(self) -> None:
        self.is_kept = False

    def keep(self) -> None:
        """Let stand what the part has written."""
        self.is_kept = True


@contextmanager
def tried(connection: Connection) -> Iterator[Attempt]:
    """Yield a part of a write transaction of which nothing stays, not even in the audit log, unless it is kept."""
    changes: list[Change | Added] = connection.get_execution_options()[CHANGES]
    noted, attempt = len(changes), Attempt()
    savepoint = connection.begin_nested()
    try:
        yield attempt
    except BaseException:
        attempt.is_kept = False
        raise
    finally:
        if attempt.is_kept:
            savepoint.commit()
        else:
            savepoint.rollback()
            del changes[noted:]


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield one read-only snapshot: everything read within it is of the same instant."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


def _advisory(connection: Connection, key: int, shared: bool) -> None:
    # SQLite needs none: BEGIN IMMEDIATE already keeps every other writer out.
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {function}(:key)"), {"key": key})


def hold_facts(connection: Connection) -> None:
    """Keep the register as it is until this transaction ends; others may hold it too."""
    _advisory(connection, _FACTS_LOCK, shared=True)


def change_facts(connection: Connection) -> None:
    """Be the only one to change the register until this transaction ends; wait for its holder."""
    _advisory(connection, _FACTS_LOCK, shared=False)


def change_users(connection: Connection) -> None:
    """Be the only one to change users until this transaction ends."""
    _advisory(connection, _USERS_LOCK, shared=False)


def change_jobs(connection: Connection) -> None:
    """Be the only one to order or begin jobs until this transaction ends."""
    _advisory(connection, _JOBS_LOCK, shared=False)


def change_runs(connection: Connection) -> None:
    """Be the only one to begin or close a run until this transaction ends."""
    _advisory(connection, _RUN_LOCK, shared=False)


def change_receivables(connection: Connection) -> None:
    """Be the only one to say what settles what until this transaction ends; the register stays as it is meanwhile.

    Runs go on: they add documents and settle none. To change facts too, take `change_facts` first.
    """
    hold_facts(connection)
    _advisory(connection, _RECEIVABLES_LOCK, shared=False)


def change_dunning(connection: Connection) -> None:
    """Be the only one to remind tenants until this transaction ends; the register stays as it is meanwhile."""
    hold_facts(connection)
    _advisory(connection, _DUNNING_LOCK, shared=False)


def append_log(connection: Connection) -> None:
    """Be the only one to add to the log of the books' hashes until this transaction ends."""
    _advisory(connection, _LOG_LOCK, shared=False)


class _DayTexts(dict[date | None, str | None]):
    """ISO texts of days; a month has thirty of them, and millions of cells."""

    def __missing__(self, day: date | None) -> str | None:
        text_of_day = self[day] = None if day is None else day.isoformat()
        return text_of_day


class _InstantTexts(dict[datetime | None, str | None]):
    """Instants as SQLAlchemy's own type stores them on SQLite."""

    def __missing__(self, instant: datetime | None) -> str | None:
        stored = self[instant] = None if instant is None else instant.strftime("%Y-%m-%d %H:%M:%S.%f")
        return stored


def _sqlite_rows(table: Table, columns: Sequence[str], rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """Return the rows in the forms SQLAlchemy's own types store, so that they read back through them.

    By column, since that is several times faster than by cell.
    """
    cells: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for index, name in enumerate(columns[: len(cells)]):
        kind = table.c[name].type
        if isinstance(kind, Date):
            cells[index] = map(_DayTexts().__getitem__, cells[index])
        elif isinstance(kind, DateTime):
            cells[index] = map(_InstantTexts().__getitem__, cells[index])
    return list(zip(*cells, strict=True))


def _insert_into_sqlite(connection: Connection, insert: str, rows: Sequence[Row]) -> None:
    done = 0
    for size in _SQLITE_BLOCKS:
        if len(rows) - done >= size:
            marks = f"({', '.join('?' * len(rows[0]))})"
            statement = insert + ", ".join([marks] * size)
            while len(rows) - done >= size:
                block = rows[done : done + size]
                connection.exec_driver_sql(statement, tuple(chain.from_iterable(block)))
                done += size


# COPY's copy_text format gives these characters a meaning; the escapes stand for them.
_COPY_SPECIAL = re.compile(r"[\\\t\n\r]")
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_COPY_NULL = "\\N"


class _CopyTexts(dict[Any, str]):
    """Cells as COPY reads them, each value written once."""

    def __missing__(self, cell: Any) -> str:
        copy_text = self[cell] = _COPY_NULL if cell is None else str(cell).translate(_COPY_ESCAPES)
        return copy_text


def _copy_cells(column: Column[Any], cells: Sequence[Any]) -> Iterable[str]:
    """Return a column of a block in COPY's text format; by column is several times faster than by cell."""
    if isinstance(column.type, LargeBinary):
        return [_COPY_NULL if cell is None else f"\\\\x{cell.hex()}" for cell in cells]
    if column.nullable or not isinstance(column.type, Integer | String):
        # Codes and days: few values in many cells.
        return map(_CopyTexts().__getitem__, cells)
    if isinstance(column.type, Integer):
        return map(str, cells)
    if _COPY_SPECIAL.search("".join(cells)) is not None:
        return [cell.translate(_COPY_ESCAPES) for cell in cells]
    return cells


def copy_statement(table: Table, columns: Sequence[str]) -> str:
    """Return the COPY that takes what `copy_blocks` gives."""
    return f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"


def copy_blocks(table: Table, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield the rows in COPY's text format, some hundred at a time."""
    left = iter(rows)
    while block := list(islice(left, _COPY_BLOCK)):
        yield _copy_block(table, columns, block)


def _copy_block(table: Table, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the rows in COPY's text format."""
    by_column = zip(*rows, strict=True)
    cells = [_copy_cells(table.c[name], column) for name, column in zip(columns, by_column, strict=True)]
    return "\n".join(map("\t".join, zip(*cells, strict=True))) + "\n"


def among(connection: Connection, column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return the condition that a column is one of many values, which are bound as one parameter.

    With more than a few, PostgreSQL plans what follows in this transaction for the values it is given: a statement
    asked often gets one plan for all values, made for lists of ten, that takes seconds with five thousand.
    """
    value_list = list(values)
    if connection.dialect.name == "sqlite":
        held = func.json_each(json.dumps(value_list)).table_valued("value")
        return column.in_(select(held.c.value))
    if len(value_list) > _FEW:
        connection.execute(_PLAN_BY_VALUES)
    return column == any_(bindparam(None, _array_text(value_list), _ArrayText(column.type), unique=True))


class _ArrayText(UserDefinedType[Any]):
    """An array of PostgreSQL that is sent as its text: the driver writes it cell by cell, twenty times slower."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        self.item = item

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the array's type."""
        kind = "bigint" if isinstance(self.item, Integer) else "date" if isinstance(self.item, Date) else "text"
        return f"{kind}[]"


_ARRAY_SPECIAL = re.compile(r'[\\"]')
_ARRAY_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def _array_text(values: Iterable[Any]) -> str:
    """Return the text of an array of numbers, texts or days; nothing equals None."""
    cells = [str(value) for value in values if value is not None]
    if _ARRAY_SPECIAL.search("".join(cells)) is not None:
        cells = [cell.translate(_ARRAY_ESCAPES) for cell in cells]
    return '{"' + '","'.join(cells) + '"}' if cells else "{}"


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows set-wise, at the driver's own speed: COPY on PostgreSQL, many rows a statement on SQLite.

    Each row has a value per column, in that order; dates as `date`, instants as UTC `datetime`. The transaction's act
    names the rows (`billing.frame.added_rows`).
    """
    rows = noted_as_inserted(connection, table, columns, rows)
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        _insert_into_sqlite(
            connection,
            f"INSERT INTO {table.name} ({names}) VALUES ",  # noqa: S608 - our own names, values are bound
            _sqlite_rows(table, columns, rows),
        )
        return
    left = iter(rows)
    first_rows = list(islice(left, COPY_LEAST))
    if len(first_rows) == COPY_LEAST:
        cursor = connection.connection.cursor()
        with cursor.copy(copy_statement(table, columns)) as copy:
            # The server takes a block while the next is made.
            for block in copy_blocks(table, columns, chain(first_rows, left)):
                copy.write(block)
        cursor.close()
    elif first_rows:
        # One statement, not one a row: triggers check an entry's postings together.
        marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(first_rows))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES {marks}",  # noqa: S608 - our own names, values are bound
            tuple(cell for row in first_rows for cell in row),
        )
