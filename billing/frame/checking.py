"""All proofs share how they report progress, and the few words the two databases spell differently."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, String, func, text

# A proof calls it with the units of work done since its last call.
Step: TypeAlias = Callable[[int], None]
# Reads within the caller's snapshot, and gives a sentence for each thing wrong.
Proof: TypeAlias = Callable[[Connection, Step], Iterator[str]]

_ROWS_AT_A_TIME = 10_000


def streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Yield the rows of a query, some thousands in memory at a time."""
    yield from connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))


@contextmanager
def by_index(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL go by indexes within the block, whatever it knows of the tables.

    After a large import or run its statistics lag behind, and it would read whole tables for each few tenants.
    """
    if not is_postgresql(connection):
        yield
        return
    settings = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit", "max_parallel_workers_per_gather")
    for setting in settings:
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    yield
    for setting in settings:
        connection.execute(text(f"SET LOCAL {setting} = DEFAULT"))


def is_postgresql(connection: Connection) -> bool:
    """Return whether the database is PostgreSQL; otherwise it is SQLite."""
    return connection.dialect.name == "postgresql"


def month_text(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the month of a date column as `2026-09`, in SQL."""
    if is_postgresql(connection):
        return func.to_char(column, "YYYY-MM", type_=String)
    return func.substr(column, 1, 7, type_=String)
