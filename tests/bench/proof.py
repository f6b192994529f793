"""What the proof costs: one record's proof among a million, and posting with guards and log against without.

Posting is measured as the service does it: one process posts, another appends to the log what was committed (the
scheduler's job), and the time counts until both are done.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from billing.frame.database import insert_rows, maintenance_transaction, open_engine, reading
from billing.proof import log
from billing.proof.tables import proof_leaf, proof_node
from billing.schema.migrating import migrate
from ledger.entry import Entry
from ledger.proof.merkle import perfect_root
from tests.bench.ledger import BATCH, _post, entries
from tests.bench.run import database
from tests.bench.table import AT_LEAST, AT_MOST, Row

# Appends what is new until its standard input ends, then says that all of it is logged.
_APPENDER = """
import sys, threading
from sqlalchemy import make_url
from billing.frame.database import open_engine
from billing.proof.log import append
engine = open_engine(make_url(sys.argv[1]))
append(engine)
print("ready", flush=True)
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.wait(0.2):
    append(engine)
append(engine)
print("logged", flush=True)
"""


def _fill(engine: Engine, leaves: int) -> None:
    """A log of so many leaves, as if entries had been logged; one entry stands, to be proved."""
    _post(engine, entries(1, 1))
    log.append(engine)
    with maintenance_transaction(engine) as connection:
        start, hashes = log.size_of(connection), []
        first = [leaf.hash for leaf in log.leaves(connection, 0, start)]
        rows = []
        for position in range(start, leaves):
            found = sha256(position.to_bytes(8, "big")).digest()
            hashes.append(found)
            rows.append((position, "entry", position, 1, found))
            if len(rows) == 50_000:
                insert_rows(connection, proof_leaf, ("position", "kind", "key", "form", "hash"), rows)
                rows = []
        insert_rows(connection, proof_leaf, ("position", "kind", "key", "form", "hash"), rows)
        of_level, level = first + hashes, 0
        while len(of_level) >= log.WIDTH:
            level += log.LEVELS
            whole = range(0, len(of_level) - log.WIDTH + 1, log.WIDTH)
            of_level = [perfect_root(of_level[i : i + log.WIDTH]) for i in whole]
            nodes = [(level, position, found) for position, found in enumerate(of_level)]
            for begin in range(0, len(nodes), 50_000):
                insert_rows(connection, proof_node, ("level", "position", "hash"), nodes[begin : begin + 50_000])


def proofs(server: str | None, leaves: int, questions: int) -> Row:
    """CPU of this process for the proof of one entry: its record read and hashed, its path, the root."""
    from billing.proof.proving import prove_inclusion

    name = "SQLite" if server is None else "PostgreSQL"
    with database(server) as url:
        engine = open_engine(url)
        migrate(engine)
        _fill(engine, leaves)
        took = []
        with reading(engine) as connection:
            for _ in range(questions):
                began = time.process_time()
                found = prove_inclusion(connection, log.Name("entry", 1))
                took.append((time.process_time() - began) * 1000)
                assert len(found.path) >= 10
        engine.dispose()
    return Row(
        f"proof of one entry among {leaves / 1e6:g} million, CPU ms, {name}", statistics.median(took), AT_MOST, 5.0,
        f"{len(found.path)} hashes",
    )  # fmt: skip


@contextmanager
def _appender(url: URL) -> Iterator[subprocess.Popen[str]]:
    address = url.render_as_string(hide_password=False)
    started = subprocess.Popen(
        [sys.executable, "-c", _APPENDER, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def _without_guards(engine: Engine) -> None:
    """Every trigger of the tables that posting writes, off."""
    with maintenance_transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            for table in ("entry", "posting", "entry_counter", "account_day", "audit_event", "audit_counter"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            return
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))


def _post_all(engine: Engine, batches: Sequence[Sequence[Entry]]) -> None:
    for batch in batches:
        _post(engine, batch)


def posting(server: str | None, rounds: int, size: int, count: int) -> tuple[float, float, float]:
    """Medians: (rate with guards and log ÷ without, both rates), `count` transactions of `size` entries a round."""
    ratios, withs, withouts = [], [], []
    with database(server) as mine, database(server) as bare:
        engine, other = open_engine(mine), open_engine(bare)
        migrate(engine)
        migrate(other)
        _without_guards(other)
        for turn in range(rounds + 1):
            first = 1 + turn * size * count
            batches = [entries(first + k * size, size) for k in range(count)]
            with _appender(mine) as appender:
                assert appender.stdin is not None
                assert appender.stdout is not None
                appender.stdout.readline()
                began = time.perf_counter()
                _post_all(engine, batches)
                appender.stdin.close()
                # Not until the process has ended: that takes an interpreter some 50 ms, and logs nothing.
                assert appender.stdout.readline() == "logged\n"
                took = time.perf_counter() - began
                appender.wait()
            began = time.perf_counter()
            _post_all(other, batches)
            bare_took = time.perf_counter() - began
            ratios.append(bare_took / took)
            withs.append(size * count / took)
            withouts.append(size * count / bare_took)
        with reading(engine) as connection:
            logged = log.size_of(connection)
        assert logged == (rounds + 1) * count * (size + 1), logged
        engine.dispose()
        other.dispose()
    return statistics.median(ratios[1:]), statistics.median(withs[1:]), statistics.median(withouts[1:])


def rows(*, quick: bool = False) -> list[Row]:
    """Every ratio of the proof; PostgreSQL when TEST_POSTGRES_URL names a server."""
    server = os.environ.get("TEST_POSTGRES_URL")
    found = []
    for where in (None,) if server is None else (None, server):
        name = "SQLite" if where is None else "PostgreSQL"
        found.append(proofs(where, 100_000 if quick else 1_000_000, 50 if quick else 500))
        for size, count in ((BATCH, 20 if quick else 50), (1, 400 if quick else 2_000)):
            ratio, rate, bare = posting(where, 2 if quick else 7, size, count)
            found.append(
                Row(
                    f"posting {size:,} entries a transaction, guards and log ÷ without (rate), {name}", ratio,
                    AT_LEAST, 0.5, f"{rate:,.0f} against {bare:,.0f} entries/s, all of them logged",
                )
            )  # fmt: skip
    return found
