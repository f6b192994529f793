"""COPY beside what is computed: on PostgreSQL the rows of a table go to the server while the next are laid out."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, event

from billing.frame.added_rows import noted_as_inserted
from billing.frame.database import COPY_LEAST, Row, RowWriter, copy_blocks, copy_statement, insert_rows


class _Copies:
    """The copies of one transaction, done in order by a thread that does nothing but wait for the server."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        self._thread = thread
        self._begun: list[Future[None]] = []

    def insert(self, connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert rows as `insert_rows` does, but many may still be on their way when it returns."""
        if connection is not self._connection:
            raise ValueError("rows are copied beside the connection of their own transaction")
        row_list = list(rows)
        if len(row_list) < COPY_LEAST:
            insert_rows(connection, table, columns, row_list)
            return
        noted_as_inserted(connection, table, columns, row_list)
        blocks = list(copy_blocks(table, columns, row_list))
        self._begun.append(self._thread.submit(self._copy, copy_statement(table, columns), blocks))

    def _copy(self, statement: str, blocks: Sequence[str]) -> None:
        with self._driver.cursor() as cursor, cursor.copy(statement) as copy:
            for block in blocks:
                copy.write(block)

    def wait(self, *_statement: object) -> None:
        """Wait until the server has taken everything; raise the first error."""
        begun, self._begun = self._begun, []
        for copy in begun:
            copy.result()

    def abandon(self) -> None:
        """Leave out what has not begun and wait for what has: the transaction is about to be rolled back."""
        begun, self._begun = self._begun, []
        for copy in begun:
            if not copy.cancel():
                copy.exception()


@contextmanager
def copying_beside(connection: Connection) -> Iterator[RowWriter]:
    """Yield a writer of rows for the rest of a transaction; on SQLite, which has no server, `insert_rows` itself.

    Every other statement waits until all is written, and so does the end of the block: the transaction is the
    same as without a thread, and what goes wrong with a copy is raised there.
    """
    if connection.dialect.name != "postgresql":
        yield insert_rows
        return
    with ThreadPoolExecutor(1, "copying") as thread:
        copies = _Copies(connection, thread)
        event.listen(connection, "before_cursor_execute", copies.wait)
        try:
            yield copies.insert
            copies.wait()
        finally:
            copies.abandon()
            event.remove(connection, "before_cursor_execute", copies.wait)
