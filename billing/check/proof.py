"""What all proofs share: how they report progress, and the few words the two databases spell differently."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, String, func

# Told how many units of its work a proof has done since it last told.
Step: TypeAlias = Callable[[int], None]
# Reads within the caller's snapshot, and gives a sentence for each thing wrong.
Proof: TypeAlias = Callable[[Connection, Step], Iterator[str]]

_ROWS_AT_A_TIME = 10_000


def streamed(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """The rows of a query, some thousands in memory at a time."""
    yield from connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))


def is_postgresql(connection: Connection) -> bool:
    """Whether the database is PostgreSQL; otherwise it is SQLite."""
    return connection.dialect.name == "postgresql"


def month_text(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The month of a date column as `2026-09`, in SQL."""
    if is_postgresql(connection):
        return func.to_char(column, "YYYY-MM", type_=String)
    return func.substr(column, 1, 7, type_=String)
