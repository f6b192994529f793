"""The aged balance of a million documents, against the bare sum of the same rows."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.engine import URL

from billing.frame.database import insert_rows, open_engine, reading
from billing.receivables.reports.aged_balance import aged_accounts
from billing.receivables.tables.receipts import settlement
from billing.schema.migrating import migrate
from invoices.models import document
from tests.bench.run import database
from tests.bench.table import AT_MOST, Row, markdown

TENANTS = 10_000
FIRST, TODAY = date(2026, 1, 1), date(2026, 12, 31)
_BLOCK = 50_000
_DOCUMENT = (
    "id", "number", "kind", "period", "issued_on", "due_on", "tenant", "seller", "buyer", "net", "tax", "gross",
    "advantage", "contribution",
)  # fmt: skip
_SETTLEMENT = (
    "document_id", "act", "act_id", "rate", "settled_on", "base", "vat", "vat_released", "base_due", "vat_due",
)  # fmt: skip


def documents(count: int) -> Iterator[tuple[Any, ...]]:
    """So many invoices of ten thousand tenants over a year; one in fifty is a credit note."""
    for n in range(1, count + 1):
        issued_on = FIRST + timedelta(n * 364 // count)
        kind = "credit_note" if n % 50 == 0 else "invoice"
        net = 10_000 + n % 90_000
        series = "AV" if kind == "credit_note" else "FA"
        yield (
            n, f"{series}-2026-{n:07d}", kind, FIRST + timedelta(n // TENANTS), issued_on, issued_on + timedelta(60),
            f"T{n * 7919 % TENANTS:05d}", "s", "b", net, net // 5, net + net // 5, 0, 0,
        )  # fmt: skip


def settlements(count: int) -> Iterator[tuple[Any, ...]]:
    """Three invoices in four are paid, every tenth of them in part."""
    for n in range(1, count + 1):
        if n % 4 and n % 50:
            net = 10_000 + n % 90_000
            part = 2 if n % 10 == 0 else 1
            base, vat = net // part, net // 5 // part
            paid_on = FIRST + timedelta(n * 364 // count)
            yield (n, "allocated", n, 2000, paid_on, base, vat, vat, base, vat)


def filled(engine: Engine, count: int) -> None:
    """Write the rows as they would stand, without asking for what they refer to."""
    migrate(engine)
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for table, columns, rows in (
            (document, _DOCUMENT, documents(count)),
            (settlement, _SETTLEMENT, settlements(count)),
        ):
            gathered: list[tuple[Any, ...]] = []
            for row in rows:
                gathered.append(row)
                if len(gathered) == _BLOCK:
                    insert_rows(connection, table, columns, gathered)
                    gathered.clear()
            insert_rows(connection, table, columns, gathered)
        connection.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def bare_sum(connection: Connection) -> None:
    """The sum of what documents say, and of what settled them."""
    s = settlement.c
    connection.scalar(select(func.sum(document.c.gross)))
    connection.scalar(select(func.sum(s.base + s.vat)))


def aged(connection: Connection) -> None:
    """The aged balance of today, every tenant's line of it."""
    for _ in aged_accounts(connection, TODAY):
        pass


def seconds(engine: Engine, what: Callable[[Connection], None]) -> float:
    """How long it takes in a transaction of its own."""
    with reading(engine) as connection:
        began = time.perf_counter()
        what(connection)
        return time.perf_counter() - began


def against_bare_sum(url: URL, count: int, rounds: int) -> tuple[float, float, float]:
    """Medians: (aged balance ÷ bare sum, seconds of each), interleaved, warm."""
    engine = open_engine(url)
    filled(engine, count)
    pairs = []
    for turn in range(rounds + 1):
        pair = (seconds(engine, aged), seconds(engine, bare_sum))
        if turn:
            pairs.append(pair)
    engine.dispose()
    return (
        statistics.median(a / b for a, b in pairs),
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
    )


def rows(*, quick: bool = False) -> list[Row]:
    """The aged balance of both databases."""
    count, rounds = (100_000, 3) if quick else (1_000_000, 5)
    found = []
    for name, server in (("SQLite", None), ("PostgreSQL", os.environ.get("TEST_POSTGRES_URL"))):
        if name == "PostgreSQL" and server is None:
            raise RuntimeError("TEST_POSTGRES_URL is not set: use `make bench`")
        with database(server) as url:
            ratio, took, bare = against_bare_sum(url, count, rounds)
        note = f"{count:,} documents of {TENANTS:,} tenants: {took:.2f} s ÷ {bare:.3f} s"
        found.append(Row(f"aged balance ÷ bare sum of the same rows, {name}", ratio, AT_MOST, 20, note))
    return found


if __name__ == "__main__":
    print(markdown(rows(quick="--quick" in sys.argv)))  # noqa: T201
