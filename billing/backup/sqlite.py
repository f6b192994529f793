"""SQLite copies a database that is being written to, page by page, as one snapshot sees it (its backup API)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from billing.backup.manifest import Show
from invoices.private_files import private_file, private_folder, replacing

# Pages copied between two signs of progress: 4 MiB.
_PAGES = 1_024
_BLOCK = 4 * 1024 * 1024


def dump(connection: Connection, file: Path, show: Show) -> None:
    """Copy the database as this transaction, which has read already, sees it; the copy is one file, without WAL."""
    source: Any = connection.connection.driver_connection
    private_file(file).close()

    def progress(_status: int, remaining: int, total: int) -> None:
        if show is not None:
            show(total - remaining, total)

    with closing(sqlite3.connect(file)) as copy:
        source.backup(copy, pages=_PAGES, progress=progress)
        copy.execute("PRAGMA journal_mode = DELETE")


def restore(engine: Engine, file: Path, show: Show) -> None:
    """Put a copy into the place of the engine's file, whole or not at all."""
    target = Path(str(engine.url.database)).absolute()
    private_folder(target.parent)
    size, done = file.stat().st_size, 0
    with file.open("rb") as source, replacing(target) as written:
        while block := source.read(_BLOCK):
            written.write(block)
            done += len(block)
            if show is not None:
                show(done, size)
