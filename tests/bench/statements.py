"""A statement of ten thousand lines taken in, matched with 120,000 open invoices, booked: against the bare insert."""

import gc
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, Table, create_engine, select
from sqlalchemy.engine import URL

import billing.bank.tables as kept
import billing.receivables.tables.receipts as receivables
from billing.bank.importing import ImportedFile, ImportOrder, import_file
from billing.frame.database import insert_rows, open_engine, writing
from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from billing.schema.migrating import migrate
from billing.schema.tables import all_metadata
from invoices.document import INVOICE, Party
from invoices.issuing import Draft, Issue, issue
from invoices.structured_reference import rf_of
from ledger.models import entry, posting
from tests.bench.run import database
from tests.bench.table import AT_MOST, Row, markdown
from tests.support.bank_files import camt
from tests.support.bank_files import entry as movement
from tests.support.documents import SELLER, STARTUP, w1
from tests.support.networks import write_network

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ISSUED, PAID = date(2026, 9, 1), date(2026, 11, 20)
TENANTS = 10_000
# What taking in a statement writes, in the order of its keys.
WRITTEN: tuple[Table, ...] = (
    kept.bank_statement, kept.bank_line, kept.line_decision, kept.line_entry, receivables.receipt,
    receivables.receipt_leg, receivables.placement, receivables.allocation, receivables.settlement, posting, entry,
)  # fmt: skip


def _buyer(n: int) -> Party:
    code = n % TENANTS
    return replace(STARTUP, code=f"T{code:05d}", legal_name=f"Société {code:05d} Conseil")


def _opened(url: URL, invoices: int, folder: Path) -> Engine:
    """A database with so many open invoices of ten thousand firms."""
    engine = open_engine(url)
    migrate(engine)
    tenants = [{"code": f"T{n:05d}", "legal_name": f"Société {n:05d} Conseil"} for n in range(TENANTS)]
    import_folder(engine, write_network(folder, tenants=tenants), now=NOW)
    lines, terms = w1().lines, Issue(None, ISSUED, ISSUED + timedelta(days=60), SELLER)
    for month in range(0, invoices, TENANTS):
        # One invoice a tenant and period.
        period = date(2020 + month // TENANTS // 12, 1 + month // TENANTS % 12, 1)
        drafts = [Draft(INVOICE, _buyer(n), lines, 0, 0, None) for n in range(min(TENANTS, invoices - month))]
        with writing(engine) as connection:
            issue(connection, drafts, replace(terms, period=period), insert=insert_rows)
    return engine


def _statement(lines: int) -> bytes:
    """Of ten payers eight quote the structured reference, one the number, one nothing but its name."""
    gross = w1().gross
    told = []
    for n in range(1, lines + 1):
        number = f"FA-2026-{n * 7:06d}"
        who = _buyer(n * 7 - 1).legal_name
        how = n % 10
        told.append(
            movement(
                gross,
                PAID,
                reference=f"VR{n:08d}",
                debtor=who,
                account=f"0117800000{n:014d}",
                structured=rf_of(number) if how < 8 else "",
                text=f"REGLEMENT FACTURE {number}" if how == 8 else "VIREMENT RECU",
            )
        )
    return camt(told, opening=0, closing=gross * lines, on=PAID)


def timed(engine: Engine, content: bytes) -> tuple[float, ImportedFile]:
    """Seconds to take a statement in, from its bytes to the commit."""
    settings = load_settings({})
    order = ImportOrder(settings.operator.party.rib, settings.terms, NOW)
    began = time.perf_counter()
    with writing(engine) as connection:
        taken = import_file(connection, content, "bench.xml", order)
    return time.perf_counter() - began, taken


def _written(engine: Engine) -> dict[Table, list[tuple[Any, ...]]]:
    """Every row that taking it in has written."""
    with engine.connect() as connection:
        return {table: [tuple(row) for row in connection.execute(select(table))] for table in WRITTEN}


def timed_bare_insert(url: URL, rows: dict[Table, list[tuple[Any, ...]]]) -> float:
    """Seconds to insert those rows, ready in memory, with the driver alone, into tables with keys and no trigger."""
    # Foreign keys are off there, and the parents are missing.
    engine = create_engine(url)
    for metadata in all_metadata():
        metadata.create_all(engine)
    with closing(engine.raw_connection()) as raw:
        driver: Any = raw.driver_connection
        cursor = driver.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            ready = {table: [tuple(map(_stored, row)) for row in listed] for table, listed in rows.items()}
        began = time.perf_counter()
        for table, listed in rows.items():
            names = ", ".join(column.name for column in table.columns)
            if engine.dialect.name == "sqlite":
                marks = ", ".join("?" * len(table.columns))
                cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", ready[table])
            else:
                with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                    for row in listed:
                        copy.write_row(row)
        driver.commit()
        took = time.perf_counter() - began
    engine.dispose()
    return took


def _stored(cell: Any) -> Any:
    return str(cell) if isinstance(cell, date | datetime) else cell


def against_bare_insert(
    server: str | None, invoices: int, lines: int, rounds: int
) -> tuple[float, float, float, int, ImportedFile]:
    """(ratio, seconds to take it in, seconds of the bare insert: medians, interleaved; rows, what became of it)."""
    content = _statement(lines)
    takings, bares = [], []
    for _ in range(rounds):
        with TemporaryDirectory() as folder, database(server) as url:
            engine = _opened(url, invoices, Path(folder))
            gc.collect()
            took, taken = timed(engine, content)
            takings.append(took)
            written = _written(engine)
            engine.dispose()
        gc.collect()
        with database(server) as url:
            bares.append(timed_bare_insert(url, written))
        count = sum(map(len, written.values()))
        del written
        gc.collect()
    ratio = statistics.median(took / bare for took, bare in zip(takings, bares, strict=True))
    return ratio, statistics.median(takings), statistics.median(bares), count, taken


def _servers() -> Iterator[tuple[str, str | None]]:
    yield "SQLite", None
    server = os.environ.get("TEST_POSTGRES_URL")
    if server is None:
        raise RuntimeError("TEST_POSTGRES_URL is not set: use `make bench`")
    yield "PostgreSQL", server


def rows(*, quick: bool = False) -> list[Row]:
    """Taking a statement in, against the bare insert of what it writes."""
    invoices, lines, rounds = (20_000, 2_000, 1) if quick else (120_000, 10_000, 5)
    found = []
    for name, server in _servers():
        ratio, took, bare, written, taken = against_bare_insert(server, invoices, lines, rounds)
        note = (
            f"{took:.2f} s and {bare:.2f} s: {lines / took:,.0f} lines/s, {written / took:,.0f} rows/s against "
            f"{written / bare:,.0f}; {taken.booked:,} of {taken.new:,} booked, {invoices:,} invoices open"
        )
        what = f"{name}: statement of {lines:,} lines taken in, matched and booked ÷ bare insert of its rows"
        found.append(Row(what, ratio, AT_MOST, 5.0, note))
    return found


if __name__ == "__main__":
    print(markdown(rows()))  # noqa: T201
