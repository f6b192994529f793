"""Usage imported from a file, against the bare insert of the same rows; and the memory it takes."""

import gc
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy.engine import URL

from billing.frame.database import open_engine
from billing.register.network_import import import_folder
from billing.schema.migrating import migrate
from tests.bench.run import database
from tests.bench.table import AT_MOST, Row, markdown
from tests.support.networks import write_network

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TENANTS = 1_000
COLUMNS = "event_id, tenant, site, service, quantity, occurred_on"

# Event id, tenant, site, service, quantity in whole units, day: what a badge reader or a till sends.
Event = tuple[str, str, str, str, int, str]


def events(count: int) -> list[Event]:
    """So many uses by a thousand firms on two sites."""
    first = date(2026, 1, 1)
    days = [(first + timedelta(days=n)).isoformat() for n in range(150)]
    return [
        (f"E{n:010d}", f"T{n * 7919 % TENANTS:05d}", ("CAS", "TNG")[n % 2], ("MEAL", "MEETING")[n % 3 % 2], 1 + n % 9,
         days[n * 150 // count])
        for n in range(count)
    ]  # fmt: skip


def write_events(folder: Path, count: int) -> Path:
    """A network folder with so many usage events."""
    return write_network(folder, tenants=[{"code": f"T{n:05d}"} for n in range(TENANTS)], usage=events(count))


def timed_import(url: URL, folder: Path) -> float:
    """Seconds to import the folder into an empty database."""
    engine = open_engine(url)
    migrate(engine)
    began = time.perf_counter()
    import_folder(engine, folder, now=NOW)
    took = time.perf_counter() - began
    engine.dispose()
    return took


def timed_bare_insert(url: URL, ready: list[Event]) -> float:
    """Seconds to insert the same rows, ready in memory, with the driver alone, into the same table."""
    engine = open_engine(url)
    migrate(engine)
    with engine.connect() as connection:
        cursor: Any = connection.connection.cursor()
        began = time.perf_counter()
        if engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(f"INSERT INTO usage_event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", ready)
        else:
            with cursor.copy(f"COPY usage_event ({COLUMNS}) FROM STDIN") as copy:
                for row in ready:
                    copy.write_row(row)
        connection.connection.commit()
        took = time.perf_counter() - began
    engine.dispose()
    return took


def against_bare_insert(server: str | None, count: int, rounds: int) -> tuple[float, float, float]:
    """Medians: (import ÷ bare insert, seconds of the import, seconds of the bare insert), interleaved."""
    imports, bares = [], []
    with TemporaryDirectory() as folder:
        network = write_events(Path(folder), count)
        for _ in range(rounds):
            with database(server) as url:
                imports.append(timed_import(url, network))
            gc.collect()
            ready = [(e, t, s, v, quantity * 1_000_000, d) for e, t, s, v, quantity, d in events(count)]
            with database(server) as url:
                bares.append(timed_bare_insert(url, ready))
            del ready
            gc.collect()
    ratio = statistics.median(took / bare for took, bare in zip(imports, bares, strict=True))
    return ratio, statistics.median(imports), statistics.median(bares)


# The kernel's own mark: what getrusage gives would be inherited from the parent.
_IN_A_PROCESS_OF_ITS_OWN = (
    "import sys; from pathlib import Path; from sqlalchemy import make_url; "
    "from tests.bench.imports import timed_import; timed_import(make_url(sys.argv[1]), Path(sys.argv[2])); "
    "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
)


def peak_memory(server: str | None, count: int) -> int:
    """The most memory, in KiB, that a process importing so many events ever held."""
    with TemporaryDirectory() as folder, database(server) as url:
        network = write_events(Path(folder), count)
        address = url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", _IN_A_PROCESS_OF_ITS_OWN, address, str(network)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(done.stdout)


def rows(*, quick: bool = False) -> list[Row]:
    """Speed against the bare insert, and memory of five times as many events."""
    count, rounds = (100_000, 1) if quick else (500_000, 5)
    found = []
    for name, server in (("SQLite", None), ("PostgreSQL", os.environ.get("TEST_POSTGRES_URL"))):
        if name == "PostgreSQL" and server is None:
            raise RuntimeError("TEST_POSTGRES_URL is not set: use `make bench`")
        ratio, took, bare = against_bare_insert(server, count, rounds)
        note = f"{count:,} events: {took:.1f} s ({count / took:,.0f} a second), bare {bare:.1f} s"
        found.append(Row(f"usage import ÷ bare insert, {name}", ratio, note=note))
        # SQLite's page cache fills up, once, over the first million events.
        few, many = (count, 5 * count) if quick else (1_000_000, 5_000_000)
        less, more = peak_memory(server, few), peak_memory(server, many)
        note = f"{less / 1024:.0f} and {more / 1024:.0f} MiB"
        bound = None if quick else 1.2
        found.append(Row(f"peak memory, {many:,} ÷ {few:,} events, {name}", more / less, AT_MOST, bound, note))
    return found


if __name__ == "__main__":
    print(markdown(rows(quick="--quick" in sys.argv)))  # noqa: T201
