"""Receipts recorded and allocated against the bare insert of the same rows."""

import os
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL

from billing.frame.database import insert_rows, maintenance_transaction, open_engine, writing
from billing.frame.terms import load_terms
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from billing.receivables.tables.receipts import allocation, placement, receipt, receipt_leg, settlement
from billing.register.tables import tenant
from billing.schema.migrating import migrate
from invoices.models import document, document_vat, party
from ledger.models import entry, posting
from tests.bench.run import database
from tests.bench.table import AT_MOST, Row
from tests.support.spoiling import unguarded

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
BATCH = 5_000
INVOICES_A_TENANT = 12
GROSS, TAX = 348_000, 58_000
# What receipts write, in an order that foreign keys allow.
WRITTEN = (receipt, receipt_leg, placement, allocation, settlement, posting, entry)


def _number(n: int) -> str:
    return f"FA-2026-{n:06d}"


def _code(n: int) -> str:
    return f"T{n // INVOICES_A_TENANT:06d}"


def add_documents(connection: Connection, count: int) -> None:
    """So many invoices of 2,900.00 and VAT, twelve a tenant, and none of the entries: receipts read none."""
    unguarded(connection)
    codes = [(f"T{n:06d}",) for n in range((count + INVOICES_A_TENANT - 1) // INVOICES_A_TENANT)]
    texts = ("legal_name", "legal_form", "kind", "ice", "tax_id", "trade_register", "address", "city", "email")
    values = ("Atlas", "SARL", "sme", "", "", "", "", "", "a@b.ma")
    insert_rows(connection, tenant, ("code", *texts, "language"), [(*code, *values, "fr") for code in codes])
    insert_rows(connection, party, ("digest", "content"), [("p", "{}")])
    columns = (
        "id", "number", "kind", "period", "issued_on", "due_on", "tenant", "seller", "buyer", "net", "tax", "gross",
        "advantage", "contribution", "edition",
    )  # fmt: skip
    rows = []
    for n in range(count):
        month = n % INVOICES_A_TENANT
        issued = date(2025 + month // 12, month % 12 + 1, 1)
        rows.append(
            (n + 1, _number(n), "invoice", issued, issued, issued + timedelta(days=60), _code(n), "p", "p",
             GROSS - TAX, TAX, GROSS, 0, 0, 2)
        )  # fmt: skip
    insert_rows(connection, document, columns, rows)
    of_rate = [(n + 1, 2000, GROSS - TAX, TAX) for n in range(count)]
    insert_rows(connection, document_vat, ("document_id", "rate", "base", "amount"), of_rate)


def orders(count: int) -> list[ReceiptOrder]:
    """So many transfers: every other names its invoice, the others pay their tenant's oldest."""
    day = date(2026, 6, 1)
    return [
        ReceiptOrder(
            "transfer", f"VIR-{n:08d}", day + timedelta(days=n * 100 // count), _code(n), (Leg("money", GROSS),),
            payer_text=f"LOYER {_number(n)}" if n % 2 else "LOYER",
        )
        for n in range(count)
    ]  # fmt: skip


def timed_receipts(engine: Engine, wanted: Sequence[ReceiptOrder]) -> float:
    """Seconds to record, allocate and book them, in transactions of some thousands."""
    terms = load_terms(None)
    began = time.perf_counter()
    for start in range(0, len(wanted), BATCH):
        with writing(engine) as connection:
            receive(connection, wanted[start : start + BATCH], recorded_at=NOW, terms=terms)
    return time.perf_counter() - began


def written(engine: Engine) -> list[tuple[str, str, list[tuple[Any, ...]]]]:
    """All that the receipts wrote: table, columns, rows as the driver gives them."""
    found = []
    with engine.connect() as connection:
        cursor: Any = connection.connection.cursor()
        for table in WRITTEN:
            names = ", ".join(column.name for column in table.columns if column.computed is None)
            cursor.execute(f"SELECT {names} FROM {table.name}")
            found.append((table.name, names, [tuple(row) for row in cursor.fetchall()]))
    return found


def timed_bare_insert(url: URL, ready: Sequence[tuple[str, str, list[tuple[Any, ...]]]]) -> float:
    """Seconds to insert the same rows with the driver alone, in as many transactions, all guards away."""
    parts = -(-max(len(rows) for _, _, rows in ready) // (BATCH * 4))
    if url.get_backend_name() == "sqlite":
        raw = sqlite3.connect(str(url.database), isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = OFF", "cache_size = -65536"):
            raw.execute(f"PRAGMA {pragma}")
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        began = time.perf_counter()
        for part in range(parts):
            raw.execute("BEGIN IMMEDIATE")
            for table, names, rows in ready:
                marks = ", ".join("?" * len(names.split(", ")))
                raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", _slice(rows, part, parts))
            raw.execute("COMMIT")
        took = time.perf_counter() - began
        raw.close()
        return took
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        for table, _, _ in ready:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.commit()
        began = time.perf_counter()
        for part in range(parts):
            for table, names, rows in ready:
                with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in _slice(rows, part, parts):
                        copy.write_row(row)
            connection.commit()
        return time.perf_counter() - began


def _slice(rows: list[tuple[Any, ...]], part: int, parts: int) -> list[tuple[Any, ...]]:
    return rows[part * len(rows) // parts : (part + 1) * len(rows) // parts]


@contextmanager
def filled(server: str | None, documents: int) -> Any:
    """A database with so many invoices."""
    with database(server) as url:
        engine = open_engine(url)
        migrate(engine)
        with maintenance_transaction(engine) as connection:
            add_documents(connection, documents)
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE")
        yield engine
        engine.dispose()


def against_bare_insert(server: str | None, documents: int, count: int, rounds: int) -> tuple[float, float, float, int]:
    """Medians: (receipts ÷ bare insert, seconds, seconds of the bare insert), and how many rows were written."""
    took, bare, rows = [], [], 0
    for _ in range(rounds):
        with filled(server, documents) as engine:
            took.append(timed_receipts(engine, orders(count)))
            ready = written(engine)
        rows = sum(len(found) for _, _, found in ready)
        with database(server) as url:
            engine = open_engine(url)
            migrate(engine)
            engine.dispose()
            bare.append(timed_bare_insert(url, ready))
    ratio = statistics.median(a / b for a, b in zip(took, bare, strict=True))
    return ratio, statistics.median(took), statistics.median(bare), rows


def rows(*, quick: bool = False) -> list[Row]:
    """Receipts within 5 times the bare insert."""
    documents, count, rounds = (12_000, 10_000, 1) if quick else (120_000, 100_000, 3)
    found = []
    for name, server in (("SQLite", None), ("PostgreSQL", os.environ.get("TEST_POSTGRES_URL"))):
        if name == "PostgreSQL" and server is None:
            raise RuntimeError("TEST_POSTGRES_URL is not set: use `make bench`")
        ratio, took, bare, written_rows = against_bare_insert(server, documents, count, rounds)
        note = (
            f"{count:,} receipts to {documents:,} open invoices: {took:.1f} s ({count / took:,.0f} a second, "
            f"{written_rows / took:,.0f} rows), bare {bare:.1f} s"
        )
        found.append(Row(f"receipts ÷ bare insert, {name}", ratio, AT_MOST, 5.0, note))
    return found
