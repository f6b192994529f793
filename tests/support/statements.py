"""The statements that a database is asked, counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from tests.support.api import Caller


@contextmanager
def counted_statements(engine: Engine) -> Iterator[list[str]]:
    """The statements executed within the `with` block, in order, but for settings: they read nothing."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_further: Any) -> None:
        if not statement.startswith("SET LOCAL "):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def assert_no_statement_a_row(caller: Caller, engine: Engine, address: str) -> None:
    """Assert that a list of more than two rows takes as many statements for two of them as for all."""
    caller.get("/v1/acts?limit=1", "admin")
    counts = {}
    for limit in (2, 500):
        with counted_statements(engine) as statements:
            rows = len(caller.get(f"{address}?limit={limit}", "admin")["items"])
        counts[rows] = len(statements)
    assert min(counts) == 2, counts
    assert len(counts) == 2, counts
    assert len(set(counts.values())) == 1, counts
