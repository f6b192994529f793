"""PostgreSQL's own programs dump and restore: those of the server's version, their password in a private file."""

import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, text

from billing.backup.manifest import BackupFault, Show
from billing.frame.database import maintenance_transaction
from invoices.private_files import private_file

# Debian keeps the programs of each version here; those on the path are of one of them.
_DEBIAN = "/usr/lib/postgresql"
_VERSION = re.compile(r"\(PostgreSQL\) ([0-9]+)")
# What the programs say of each table (--verbose).
_DUMPING, _RESTORING = "dumping contents of table", "processing data for table"
_SAID_MAX = 5


def server_version(connection: Connection) -> int | None:
    """Return PostgreSQL's major version; None on SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    return int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000


def dump(connection: Connection, file: Path, show: Show, tables: int) -> None:
    """Dump the database as this transaction (REPEATABLE READ) sees it, whatever is written meanwhile."""
    program = _program("pg_dump", server_version(connection) or 0)
    snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
    # pg_dump keeps the mode of a file that is there.
    private_file(file).close()
    arguments = [program, "--format=custom", f"--snapshot={snapshot}", f"--file={file}"]
    _run(arguments, connection.engine, _counting(_DUMPING, tables, show))


def restore(engine: Engine, file: Path, show: Show, tables: int) -> None:
    """Restore a dump into an empty database, whole or not at all; everything belongs to whom the settings name."""
    with engine.connect() as connection:
        program = _program("pg_restore", server_version(connection) or 0)
    arguments = [program, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(file)]
    _run(arguments, engine, _counting(_RESTORING, tables, show))
    with maintenance_transaction(engine) as connection:
        # A dump bears no statistics: without them queries of many rows are planned as if there were none.
        connection.exec_driver_sql("ANALYZE")


def _program(name: str, version: int) -> str:
    """Return the program of that version: an older one refuses the server, a newer one speaks beyond it."""
    for place in (f"{_DEBIAN}/{version}/bin/{name}", name):
        program = shutil.which(place)
        if program is not None:
            said = subprocess.run([program, "--version"], capture_output=True, encoding="utf-8", check=False)  # noqa: S603 (found as a shell would)
            found = _VERSION.search(said.stdout)
            if found is not None and int(found[1]) == version:
                return program
    raise BackupFault(
        f"{name} of PostgreSQL {version}, the server's version, is not installed here: "
        f"sudo apt-get install postgresql-client-{version}"
    )


def _counting(word: str, tables: int, show: Show) -> Callable[[str], None]:
    done = 0

    def count(line: str) -> None:
        nonlocal done
        if word in line:
            done += 1
            if show is not None:
                show(min(done, tables), tables)

    return count


def _run(arguments: list[str], engine: Engine, heard: Callable[[str], None]) -> None:
    """Run a program on the engine's database; raises BackupFault with what it says."""
    with _connection_string(engine) as (conninfo, without):
        # They speak the locale's language.
        command = ["/usr/bin/env", *without, "LC_ALL=C.UTF-8", *arguments, "--verbose", f"--dbname={conninfo}"]
        said: deque[str] = deque(maxlen=_SAID_MAX)
        with subprocess.Popen(  # noqa: S603 (as `_program` found it)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
        ) as process:
            for line in process.stderr or ():
                heard(line)
                said.append(line.strip())
        if process.returncode:
            faults = [line for line in said if "error:" in line] or list(said)
            raise BackupFault("; ".join(faults) or f"{Path(arguments[0]).name} ended with {process.returncode}")


@contextmanager
def _connection_string(engine: Engine) -> Iterator[tuple[str, list[str]]]:
    """Yield how libpq finds the database, and options of env that go with it; a password stands in a private file.

    Whoever lists processes reads their arguments.
    """
    _, options = engine.dialect.create_connect_args(engine.url)
    # SQLAlchemy's, for the driver alone.
    options.pop("context", None)
    password = options.pop("password", None)
    if password is None:
        # PGPASSWORD or ~/.pgpass, as for any client.
        yield make_conninfo(**options), []
        return
    with TemporaryDirectory() as folder:
        passwords = Path(folder) / "passwords"
        with private_file(passwords) as file:
            escaped = re.sub(r"([:\\])", r"\\\1", password)
            file.write(f"*:*:*:*:{escaped}\n".encode())
        yield make_conninfo(**options, passfile=str(passwords)), ["--unset=PGPASSWORD"]
