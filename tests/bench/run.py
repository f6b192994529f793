"""The month without PDFs: priced, issued, numbered, posted, against the bare insert of the very same rows."""

import gc
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, Table, make_url, text
from sqlalchemy.engine import URL

from billing.frame.database import insert_rows, open_engine, reading, writing
from billing.frame.settings import load_settings
from billing.frame.undisturbed import undisturbed
from billing.register.catalogue import load_catalogue
from billing.register.tables import lease, rate, service, site, tenant, usage_event, vat_rate
from billing.run.batch import price_batch
from billing.run.month import run_month
from billing.run.plan import Final, MonthOrder, plan_of
from billing.run.review.reviewing import review_month
from billing.run.tables import run_outcome, run_position, usage_billing
from billing.run.tenant_bill import drafts_of
from billing.schema.migrating import migrate
from billing.schema.tables import all_metadata
from invoices.issuing import vat_of_drafts
from invoices.models import delivery, document, document_line, document_vat, party
from ledger.models import account_day, entry, posting
from pricing.period import next_month
from tests.bench.table import AT_MOST, Row
from tests.support.spoiling import unguarded

FIRST_MONTH = date(2026, 1, 1)
SITES = ("AAA", "BBB", "CCC")
WRITTEN: tuple[Table, ...] = (
    party, document, document_line, document_vat, entry, posting, account_day, run_outcome, run_position,
    usage_billing, delivery,
)  # fmt: skip


@contextmanager
def database(server: str | None) -> Iterator[URL]:
    """An empty database of its own: on that PostgreSQL server, or an SQLite file."""
    if server is None:
        with TemporaryDirectory() as folder:
            yield make_url(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        return
    name = f"bench_{uuid.uuid4().hex}"
    admin = open_engine(make_url(server)).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def register(engine: Engine, tenants: int) -> None:
    """A park of so many firms, one office each, with subsidised and mature ones on three sites."""
    began = date(2015, 1, 1)
    services = (
        ("OFFICE", "Bureau équipé", "m2_month", "advance", "71243", 2000, (1450000, 483300, 1300000)),
        ("MEAL", "Repas", "each", "arrears", "71243", 1000, (340000, 175000, 315000)),
        ("MEETING", "Salle de réunion", "hour", "arrears", "71271", 2000, (1800000, 600000, 1500000)),
    )
    with writing(engine) as connection:
        unguarded(connection)
        insert_rows(connection, site, ("code", "name", "city"), [(s, f"Technopark {s}", "Ville") for s in SITES])
        for code, label, unit, billing, account, vat, (market, subsidised, cost) in services:
            insert_rows(
                connection,
                service,
                ("code", "label", "unit", "billing", "revenue_account"),
                [(code, label, unit, billing, account)],
            )
            insert_rows(connection, vat_rate, ("service", "effective_from", "rate"), [(code, began, vat)])
            insert_rows(
                connection,
                rate,
                ("site", "service", "tenant_kind", "effective_from", "market", "subsidised", "subsidised_price",
                 "full_cost", "source"),
                [(s, code, "", began, market, "1/3", subsidised, cost, "bench") for s in SITES],
            )  # fmt: skip
        kinds = ("startup", "sme", "large")
        insert_rows(
            connection,
            tenant,
            ("code", "legal_name", "legal_form", "kind", "incorporated_on", "ice", "tax_id", "trade_register",
             "address", "city", "email", "language"),
            [
                (f"T{i:06d}", f"Société {i}", "SARL", kinds[i % 3], date(2024, 6, 1 + i % 28), "000380478000073",
                 f"{i:08d}", f"{i} Casablanca", f"{i} avenue", "Casablanca", f"facturation@t{i}.example", "fr")
                for i in range(tenants)
            ],
        )  # fmt: skip
        insert_rows(
            connection,
            lease,
            ("code", "tenant", "site", "unit", "area", "starts_on"),
            [
                (f"L{i:06d}", f"T{i:06d}", SITES[i % 3], f"B-{i}", 20_000_000 + i % 50 * 500_000,
                 date(2025, 1 + i % 12, 1 + i % 28))
                for i in range(tenants)
            ],
        )  # fmt: skip


def month_of_usage(engine: Engine, tenants: int, month: date) -> None:
    """Two events a firm in that month, so that the next run gives each three lines."""
    with writing(engine) as connection:
        insert_rows(
            connection,
            usage_event,
            ("event_id", "tenant", "site", "service", "quantity", "occurred_on"),
            [
                (f"{month}-{code}-{i}", f"T{i:06d}", SITES[i % 3], code, 2_000_000, month.replace(day=1 + i % 28))
                for i in range(tenants)
                for code in ("MEAL", "MEETING")
            ],
        )
    if engine.dialect.name == "postgresql":
        # As autovacuum would have by the time of the run.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))


def timed_run(engine: Engine, period: date) -> float:
    """Seconds to run a month as `technopark-billing run` does."""
    began = time.perf_counter()
    on_its_day = datetime(period.year, period.month, 1, 9, tzinfo=UTC)
    report = run_month(load_settings({}), engine, period, issued_on=period, clock=lambda: on_its_day)
    took = time.perf_counter() - began
    if report.errors or not report.invoices.count:
        raise RuntimeError(f"the bench's own park was not billed: {report.lines()}")
    return took


def review_against_pricing(server: str | None, tenants: int, rounds: int) -> tuple[float, float, float]:
    """Medians: (review ÷ pricing and totals of the run, seconds of either), interleaved, of a second month."""
    second = next_month(FIRST_MONTH)
    on_its_day = datetime(second.year, second.month, 1, 9, tzinfo=UTC)
    priced: list[float] = []
    reviewed: list[float] = []
    with database(server) as url:
        engine = open_engine(url)
        migrate(engine)
        register(engine, tenants)
        for month in (date(2025, 12, 1), FIRST_MONTH):
            month_of_usage(engine, tenants, month)
        timed_run(engine, FIRST_MONTH)
        for _ in range(rounds):
            for taken, act in ((priced, price_month), (reviewed, review_month)):
                gc.collect()
                began = time.perf_counter()
                act(engine, second, clock=lambda: on_its_day, issued_on=second)
                taken.append(time.perf_counter() - began)
        engine.dispose()
    review, pricing = statistics.median(reviewed), statistics.median(priced)
    return review / pricing, review, pricing


def price_month(engine: Engine, period: date, *, clock: Callable[[], datetime], issued_on: date) -> None:
    """Price a month as its run does, fingerprints included, and sum its totals; write nothing."""
    with undisturbed(), reading(engine) as connection:
        plan = plan_of(connection, MonthOrder(period, issued_on), clock().date())
        if isinstance(plan, Final):
            raise RuntimeError(f"{period} has been run")
        catalogue, totals = load_catalogue(connection), [0, 0]
        for scope in plan.batches:
            drafts = drafts_of(price_batch(connection, scope, catalogue).bills)
            for vat in vat_of_drafts(connection, drafts):
                totals[0] += sum(v.base for v in vat)
                totals[1] += sum(v.amount for v in vat)


def rows_written(engine: Engine) -> list[tuple[Table, list[str], list[tuple[Any, ...]]]]:
    """Every row a first run wrote, as the driver takes it."""
    with engine.connect() as connection:
        found = []
        for table in WRITTEN:
            columns = [column.name for column in table.columns]
            statement = text(f"SELECT {', '.join(columns)} FROM {table.name}")
            found.append((table, columns, [tuple(row) for row in connection.execute(statement)]))
        return found


def timed_bare_insert(url: URL, written: list[tuple[Table, list[str], list[tuple[Any, ...]]]]) -> float:
    """Seconds to insert the rows with the driver alone, into the same tables without trigger or foreign key."""
    engine = open_engine(url)
    with writing(engine) as connection:
        for metadata in all_metadata():
            metadata.create_all(connection)
        if engine.dialect.name == "postgresql":
            for table in WRITTEN:
                for name in connection.scalars(
                    text("SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = CAST(:t AS regclass)"),
                    {"t": table.name},
                ).all():
                    connection.execute(text(f"ALTER TABLE {table.name} DROP CONSTRAINT {name}"))
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "sqlite":
            driver.execute("PRAGMA foreign_keys = OFF")
        began = time.perf_counter()
        cursor = driver.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        for table, columns, rows in written:
            names = ", ".join(columns)
            if engine.dialect.name == "sqlite":
                marks = ", ".join("?" * len(columns))
                cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
            else:
                with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
        if engine.dialect.name == "sqlite":
            cursor.execute("COMMIT")
        else:
            driver.commit()
        took = time.perf_counter() - began
    engine.dispose()
    return took


def against_bare_insert(server: str | None, tenants: int, rounds: int) -> tuple[float, float, float]:
    """Medians: (run ÷ bare insert, seconds of the run, seconds of the bare insert), interleaved."""
    runs, bares = [], []
    for _ in range(rounds):
        with database(server) as url:
            engine = open_engine(url)
            migrate(engine)
            register(engine, tenants)
            month_of_usage(engine, tenants, date(2025, 12, 1))
            runs.append(timed_run(engine, FIRST_MONTH))
            written = rows_written(engine)
            engine.dispose()
        gc.collect()
        with database(server) as url:
            bares.append(timed_bare_insert(url, written))
        del written
        gc.collect()
    ratio = statistics.median(run / bare for run, bare in zip(runs, bares, strict=True))
    return ratio, statistics.median(runs), statistics.median(bares)


def first_month(server: str | None, tenants: int) -> float:
    """Seconds of a first run."""
    with database(server) as url:
        history = _History(url, tenants)
        gc.collect()
        took = history.month()
        history.engine.dispose()
        return took


def months_early_and_late(server: str | None, tenants: int, months: int, turns: int) -> list[tuple[float, float]]:
    """Seconds of early months of one database and of the last of `months` of another, two of each a turn.

    In turn, since the machine drifts, and early, late, late, early within one, since whoever comes second finds
    the server busy with what the first has left.
    """
    with database(server) as young, database(server) as old:
        fresh, worn = _History(young, tenants), _History(old, tenants)
        fresh.month()
        for _ in range(months - 2 * turns):
            worn.month()
        found = []
        for _ in range(turns):
            taken = {fresh: 0.0, worn: 0.0}
            for history in (fresh, worn, worn, fresh):
                gc.collect()
                taken[history] += history.month()
            found.append((taken[fresh], taken[worn]))
        for history in (fresh, worn):
            history.engine.dispose()
        return found


class _History:
    """A database and the month it will be billed for next."""

    def __init__(self, url: URL, tenants: int) -> None:
        self.engine, self._tenants, self._period, self._used = open_engine(url), tenants, FIRST_MONTH, date(2025, 12, 1)
        migrate(self.engine)
        register(self.engine, tenants)

    def month(self) -> float:
        """Seconds of one more month."""
        month_of_usage(self.engine, self._tenants, self._used)
        took = timed_run(self.engine, self._period)
        self._used, self._period = self._period, next_month(self._period)
        return took


# Runs in this very process, so that all it takes is seen; the register was entered by another.
_RUN_IN_A_PROCESS_OF_ITS_OWN = """
import sys
from pathlib import Path
from sqlalchemy import make_url
from billing.frame.settings import load_settings
from billing.frame.database import open_engine
from billing.run.month import run_month
from tests.bench.run import FIRST_MONTH, now
from tests.support.spoiling import unguarded
engine, settings = open_engine(make_url(sys.argv[1])), load_settings({})
def status(name):
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith(name)))
before = status("VmRSS")
run_month(settings, engine, FIRST_MONTH, issued_on=FIRST_MONTH, clock=now, workers=1)
print(status("VmHWM") - before)
"""


def now() -> datetime:
    """The instant."""
    return datetime.now(UTC)


def peak_memory(server: str | None, tenants: int) -> int:
    """The most memory, in KiB, that a first run took beside what the process had, which does it all by itself."""
    with database(server) as url:
        engine = open_engine(url)
        migrate(engine)
        register(engine, tenants)
        month_of_usage(engine, tenants, date(2025, 12, 1))
        engine.dispose()
        command = [sys.executable, "-c", _RUN_IN_A_PROCESS_OF_ITS_OWN, url.render_as_string(hide_password=False)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout)


def rows(*, quick: bool = False) -> list[Row]:
    """The bounds of the run: against bare inserts, flat in tenants, flat in months."""
    tenants, rounds = (1_000, 1) if quick else (10_000, 5)
    found = []
    for name, server in (("SQLite", None), ("PostgreSQL", os.environ.get("TEST_POSTGRES_URL"))):
        if name == "PostgreSQL" and server is None:
            raise RuntimeError("TEST_POSTGRES_URL is not set: use `make bench`")
        ratio, took, bare = against_bare_insert(server, tenants, rounds)
        note = f"{tenants} tenants: {took:.2f} s, bare {bare:.2f} s"
        found.append(Row(f"run without PDFs ÷ bare insert, {name}", ratio, AT_MOST, 3.0, note))
        few, many = (500, 2_000) if quick else (1_000, 100_000)
        small = statistics.median(first_month(server, few) for _ in range(5)) / few
        large = first_month(server, many) / many
        note = f"{small * 1e6:.0f} and {large * 1e6:.0f} µs a tenant"
        found.append(Row(f"time a tenant, {many} ÷ {few} tenants, {name}", large / small, AT_MOST, 1.2, note))
        months, turns = (6, 1) if quick else (24, 5)
        taken = months_early_and_late(server, tenants // 5, months, turns)
        ratio = statistics.median(late / early for early, late in taken)
        early, late = (statistics.median(found) / 2 * 1e3 for found in zip(*taken, strict=True))
        note = f"{early:.0f} and {late:.0f} ms, {turns} turns of two months each"
        found.append(Row(f"months up to the {months}th ÷ from the 2nd, {name}", ratio, AT_MOST, 1.2, note))
        ratio, took, pricing = review_against_pricing(server, tenants, rounds)
        note = f"{tenants} tenants: {took:.2f} s, pricing {pricing:.2f} s"
        found.append(Row(f"review ÷ pricing and totals of the run, {name}", ratio, AT_MOST, 1.5, note))
        few, many = (2_000, 6_000) if quick else (10_000, 100_000)
        less, more = peak_memory(server, few), peak_memory(server, many)
        note = f"{less / few:.2f} and {more / many:.2f} KiB a tenant, {more / 1024:.0f} MiB in all"
        ratio = more / many / (less / few)
        found.append(Row(f"peak memory a tenant, {many} ÷ {few} tenants, {name}", ratio, AT_MOST, 1.2, note))
    return found
