"""How the database is opened, and how a transaction begins and ends: at the edge, here and nowhere below."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import Connection, Date, DateTime, Engine, Table, create_engine, event, text
from sqlalchemy.engine import URL

# One writer at a time is SQLite's rule: others wait this long before they give up.
SQLITE_BUSY_TIMEOUT_S = 600
# Taken shared by whoever bills, alone by whoever changes facts: no batch sees half an import.
_FACTS_LOCK = 0x7EC40001
_RUN_LOCK = 0x7EC40002
# Fewer rows than this are inserted faster than copied.
_COPY_LEAST = 16

Row: TypeAlias = Sequence[Any]
RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Row]], None]


def open_engine(url: URL) -> Engine:
    """An engine with this service's settings. Nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True)


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


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: upgrading a read transaction later can't wait, only fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: committed when the block ends, rolled back when it raises."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One read-only snapshot: everything read within it is of the same instant."""
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
    """Be the only one to change the register until this transaction ends; waits for whoever holds it."""
    _advisory(connection, _FACTS_LOCK, shared=False)


def change_runs(connection: Connection) -> None:
    """Be the only one to begin or close a run until this transaction ends."""
    _advisory(connection, _RUN_LOCK, shared=False)


def _sqlite_rows(table: Table, columns: Sequence[str], rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """The rows in the forms SQLAlchemy's own types store, so that they read back through them."""
    types = [table.c[name].type for name in columns]
    days = [i for i, kind in enumerate(types) if isinstance(kind, Date)]
    instants = [i for i, kind in enumerate(types) if isinstance(kind, DateTime)]
    if not days and not instants:
        return [tuple(row) for row in rows]
    texts: dict[date, str | None] = {}
    found = []
    for row in rows:
        cells = list(row)
        for i in days:
            day = cells[i]
            if day is not None:
                text_of_day = texts.get(day)
                if text_of_day is None:
                    text_of_day = texts[day] = day.isoformat()
                cells[i] = text_of_day
        for i in instants:
            if cells[i] is not None:
                cells[i] = cells[i].strftime("%Y-%m-%d %H:%M:%S.%f")
        found.append(tuple(cells))
    return found


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows set-wise, at the driver's own speed: COPY on PostgreSQL, executemany on SQLite.

    Each row has a value per column, in that order; dates as `date`, instants as UTC `datetime`.
    """
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        found = _sqlite_rows(table, columns, rows)
        if found:
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", found)
        return
    listed = list(rows)
    if len(listed) >= _COPY_LEAST:
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in listed:
                copy.write_row(row)
        cursor.close()
    elif listed:
        # One statement, not one a row: triggers check an entry's postings together.
        marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(listed))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES {marks}", tuple(cell for row in listed for cell in row)
        )
