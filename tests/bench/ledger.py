"""Posting against the drivers alone and against django-hordak; balances over five million postings.

django-hordak is measured when HORDAK_PYTHON names an interpreter that can import it (with psycopg):
it is a peer, not a dependency.
"""

import os
import random
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL

from billing.frame.database import insert_rows, open_engine, reading, writing
from billing.schema.migrating import migrate
from ledger.balances import account_balance, auxiliary_balance, trial_balance
from ledger.entry import Entry, Posting
from ledger.journal import post
from ledger.periods import close_month
from pricing.period import add_months
from tests.bench.run import database
from tests.bench.table import AT_LEAST, AT_MOST, Row

RECORDED_AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
BATCH = 1_000
FIRST_DAY, DAYS, TENANTS = date(2022, 1, 1), 1_826, 10_000
_ENTRY = "entry (id, reference, journal, effective_on, recorded_at, label, piece, posting_count)"
_POSTING = "posting (entry_id, line_no, account, auxiliary, site, effective_on, amount)"
_HORDAK = Path(__file__).with_name("hordak_peer.py")


def entries(first: int, count: int) -> list[Entry]:
    """Invoices of four postings each, numbered from `first`."""
    found = []
    for number in range(first, first + count):
        tenant, piece = f"T{number % 1000:04d}", f"FA-2026-{number:06d}"
        postings = (
            Posting("3421", 12_000, tenant),
            Posting("71243", -6_000, None, "TNG"),
            Posting("71271", -4_000, None, "TNG"),
            Posting("44551", -2_000),
        )
        on = date(2026, 1, 1) + timedelta(number // BATCH % 300)
        found.append(Entry(f"VTE/{piece}", "VTE", on, f"Facture {piece} - {tenant}", piece, postings))
    return found


def bare_rows(posted: Sequence[Entry], first: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows that posting these writes into `entry` and `posting`."""
    heads = [
        (first + i, e.reference, e.journal, e.effective_on, RECORDED_AT, e.label, e.piece, len(e.postings))
        for i, e in enumerate(posted)
    ]
    lines = [
        (first + i, line_no, p.account, p.auxiliary, p.site, e.effective_on, p.amount)
        for i, e in enumerate(posted)
        for line_no, p in enumerate(e.postings, 1)
    ]
    return heads, lines


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _post(engine: Engine, posted: Sequence[Entry]) -> None:
    with writing(engine) as connection:
        post(connection, posted, recorded_at=RECORDED_AT, insert=insert_rows)


@contextmanager
def _bare_sqlite(url: URL) -> Iterator[Callable[[Sequence[Entry], int], float]]:
    """Insert with `executemany` into the same tables and indexes, without triggers and foreign keys."""
    assert url.database is not None
    connection = sqlite3.connect(url.database, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")

    def insert(posted: Sequence[Entry], first: int) -> float:
        heads, lines = bare_rows(posted, first)
        heads = [(*row[:3], row[3].isoformat(), "2026-09-01 06:00:00.000000", *row[5:]) for row in heads]
        lines = [(*row[:5], row[5].isoformat(), row[6]) for row in lines]

        def act() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO {_ENTRY} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", heads)
            connection.executemany(f"INSERT INTO {_POSTING} VALUES (?, ?, ?, ?, ?, ?, ?)", lines)
            connection.execute("COMMIT")

        return _timed(act)

    yield insert
    connection.close()


def _driver_url(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def _bare_postgresql(url: URL) -> Iterator[Callable[[Sequence[Entry], int], float]]:
    """COPY into the same tables and indexes, with the triggers off."""
    with psycopg.connect(_driver_url(url)) as connection:
        for table in ("entry", "posting"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.commit()

        def insert(posted: Sequence[Entry], first: int) -> float:
            tables = zip((_ENTRY, _POSTING), bare_rows(posted, first), strict=True)

            def act() -> None:
                with connection.cursor() as cursor:
                    for table, rows in tables:
                        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                            for row in rows:
                                copy.write_row(row)
                connection.commit()

            return _timed(act)

        yield insert


def batches(server: str | None, rounds: int) -> tuple[float, float, float]:
    """Medians: (posting ÷ bare insert, seconds of a batch posted, seconds of it inserted bare), interleaved."""
    bare = _bare_sqlite if server is None else _bare_postgresql
    with database(server) as ours, database(server) as theirs:
        engine = open_engine(ours)
        migrate(engine)
        other = open_engine(theirs)
        migrate(other)
        other.dispose()
        took: list[tuple[float, float]] = []
        with bare(theirs) as insert:
            for turn in range(rounds + 2):
                first = 1 + turn * BATCH
                posted = entries(first, BATCH)
                if turn % 2:
                    bare_took = insert(posted, first)
                    took.append((_timed(lambda p=posted: _post(engine, p)), bare_took))  # type: ignore[misc]
                else:
                    posting_took = _timed(lambda p=posted: _post(engine, p))  # type: ignore[misc]
                    took.append((posting_took, insert(posted, first)))
        engine.dispose()
    # The first two warm the caches.
    posts, bares = zip(*took[2:], strict=True)
    ratio = statistics.median(p / b for p, b in took[2:])
    return ratio, statistics.median(posts), statistics.median(bares)


def one_by_one(server: str, python: str, rounds: int, count: int) -> tuple[float, float, float]:
    """Medians: (our rate ÷ hordak's, entries a second of ours, of hordak's), a transaction each, interleaved."""
    with database(server) as ours, database(server) as theirs:
        engine = open_engine(ours)
        migrate(engine)
        peer = subprocess.Popen(
            [python, str(_HORDAK), _driver_url(theirs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert peer.stdin is not None
        assert peer.stdout is not None
        rates: list[tuple[float, float]] = []
        for turn in range(rounds + 1):
            posted = entries(1 + turn * count, count)

            def post_each(posted: list[Entry] = posted) -> None:
                for found in posted:
                    _post(engine, [found])

            ours_took = _timed(post_each)
            print(count, file=peer.stdin, flush=True)
            rates.append((count / ours_took, count / float(peer.stdout.readline())))
        peer.stdin.close()
        peer.wait()
        engine.dispose()
    rates = rates[1:]
    return (
        statistics.median(a / b for a, b in rates),
        statistics.median(a for a, _ in rates),
        statistics.median(b for _, b in rates),
    )


def _fill(engine: Engine, postings: int, days: int = DAYS) -> None:
    """Five years, or so many days, of invoices and receipts of 10,000 tenants: a quarter on each of four accounts.

    Written by the database itself, past its guards: only balances are read here.
    """
    numbers = (
        f"SELECT generate_series(1, CAST({postings // 4} AS bigint)) AS n"
        if engine.dialect.name == "postgresql"
        else f"WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {postings // 4}) "
        "SELECT n FROM s"
    )
    day = (
        f"DATE '{FIRST_DAY}' + CAST(n * 7919 % {days} AS integer)"
        if engine.dialect.name == "postgresql"
        else f"date('{FIRST_DAY}', '+' || (n * 7919 % {days}) || ' days')"
    )
    tenant = "'T' || (100000 + n % 10000)"
    lines = (
        (1, "3421", tenant, 12000),
        (2, "71243", "NULL", -10000),
        (3, "44551", "NULL", -2000),
        (4, "5141", "NULL", 0),
    )
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE posting DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER posting_unsealed"))
        for line_no, account, auxiliary, amount in lines:
            connection.execute(
                text(
                    f"INSERT INTO {_POSTING} SELECT n, {line_no}, '{account}', {auxiliary}, 'TNG', {day}, {amount} "
                    f"FROM ({numbers}) AS numbers"
                )
            )
        connection.execute(
            text(
                "INSERT INTO account_day (account, day, debit, credit) SELECT account, effective_on, "
                "sum(CASE WHEN amount > 0 THEN amount ELSE 0 END), sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) "
                "FROM posting GROUP BY account, effective_on"
            )
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"))


_IN_SQL = {
    "tenant": "SELECT sum(amount) FROM posting WHERE auxiliary = {0} AND account = {0} AND effective_on <= {0}",
    "busy": "SELECT sum(debit - credit) FROM account_day WHERE account = {0} AND day <= {0}",
}


def _milliseconds(connection: Connection, kind: str, asked: Sequence[tuple[Any, ...]]) -> tuple[float, float]:
    """Medians: (the statement by the driver, the ledger's own function), in ms."""
    is_sqlite = connection.dialect.name == "sqlite"
    statement = _IN_SQL[kind].format("?" if is_sqlite else "%s")
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor()
    in_sql, in_python = [], []
    for values in asked:
        bound = tuple(v.isoformat() if is_sqlite and isinstance(v, date) else v for v in values)
        in_sql.append(_timed(lambda b=bound: cursor.execute(statement, b).fetchone()))  # type: ignore[misc]
        if kind == "tenant":
            auxiliary, account, on = values
            in_python.append(
                _timed(lambda a=account, x=auxiliary, o=on: auxiliary_balance(connection, a, x, o))  # type: ignore[misc]
            )
        else:
            in_python.append(_timed(lambda v=values: account_balance(connection, *v)))  # type: ignore[misc]
    return statistics.median(in_sql) * 1000, statistics.median(in_python) * 1000


def balances(server: str | None, postings: int, questions: int) -> Iterator[Row]:
    """A tenant's account and a busy account at any day."""
    chance = random.Random(20260901)
    days = [FIRST_DAY + timedelta(chance.randrange(DAYS)) for _ in range(questions)]
    asked: dict[str, list[tuple[Any, ...]]] = {
        "tenant": [(f"T{100_000 + chance.randrange(TENANTS)}", "3421", on) for on in days],
        "busy": [(chance.choice(("5141", "44551", "71243")), on) for on in days],
    }
    name = "SQLite" if server is None else "PostgreSQL"
    with database(server) as url:
        engine = open_engine(url)
        migrate(engine)
        _fill(engine, postings)
        with reading(engine) as connection:
            for kind, what, bound in (("tenant", "a tenant's account", 0.2), ("busy", "a busy account", 1.0)):
                in_sql, in_python = _milliseconds(connection, kind, asked[kind])
                yield Row(
                    f"balance of {what} at any day, ms, {name}", in_sql, AT_MOST, bound,
                    f"{postings / 1e6:g} million postings; through the ledger's function {in_python:.2f} ms",
                )  # fmt: skip
        engine.dispose()


def any_past_day(server: str | None, questions: int) -> Row:
    """Balances of all accounts at any past day: ten times the postings, over ten times the months, two open in each."""
    name = "SQLite" if server is None else "PostgreSQL"
    took = [_trial_balance_ms(server, 100_000 * times, 6 * times, questions) for times in (1, 10)]
    return Row(
        f"balances of all accounts at any past day, 1 million postings ÷ 100,000, {name}",
        took[1] / took[0], AT_MOST, 3.0,
        f"{took[1]:.2f} against {took[0]:.2f} ms; 60 and 6 months, all but two of them closed",
    )  # fmt: skip


def _trial_balance_ms(server: str | None, postings: int, months: int, questions: int) -> float:
    chance = random.Random(20261124)
    end = add_months(FIRST_DAY, months)
    days = (end - FIRST_DAY).days
    with database(server) as url:
        engine = open_engine(url)
        migrate(engine)
        _fill(engine, postings, days)
        for count in range(months - 2):
            with writing(engine) as connection:
                close_month(connection, add_months(FIRST_DAY, count), recorded_at=RECORDED_AT, open_months_max=2)
        with reading(engine) as connection:
            asked = [FIRST_DAY + timedelta(chance.randrange(days)) for _ in range(questions)]
            took = [_timed(lambda on=on: trial_balance(connection, on)) for on in asked]  # type: ignore[misc]
        engine.dispose()
    return statistics.median(took) * 1000


def rows(*, quick: bool = False) -> list[Row]:
    """Every ratio of the ledger; PostgreSQL when TEST_POSTGRES_URL names a server."""
    server = os.environ.get("TEST_POSTGRES_URL")
    rounds = 7 if quick else 31
    found = []
    for where, name, limit, bound in ((None, "SQLite", "executemany", 2.0), (server, "PostgreSQL", "COPY", 1.4)):
        if where is None and name == "PostgreSQL":
            continue
        ratio, posting, bare = batches(where, rounds)
        found.append(
            Row(
                f"posting {BATCH:,} entries × 4, guards on ÷ {limit} without, {name}", ratio, AT_MOST, bound,
                f"{BATCH / posting:,.0f} against {BATCH / bare:,.0f} entries/s",
            )
        )  # fmt: skip
    python = os.environ.get("HORDAK_PYTHON")
    peer = "one entry a transaction, rate ÷ django-hordak save(), PostgreSQL"
    if server is not None and python:
        ratio, ours, theirs = one_by_one(server, python, 5 if quick else 11, 50 if quick else 200)
        found.append(Row(peer, ratio, AT_LEAST, 2.0, f"{ours:,.0f} against {theirs:,.0f} entries/s"))
    else:
        found.append(Row(peer, float("nan"), note="not run: needs TEST_POSTGRES_URL and HORDAK_PYTHON"))
    for where in (None,) if server is None else (None, server):
        found += balances(where, 200_000 if quick else 5_000_000, 50 if quick else 500)
        found.append(any_past_day(where, 50 if quick else 500))
    return found
