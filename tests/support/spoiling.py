"""Databases spoilt behind the service's back, and the billed parks that are spoilt."""

import re
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import Column, Connection, Date, DateTime, Engine, make_url, text

from billing.frame.database import open_engine
from billing.schema.migrating import migrate
from tests.support.billed_park import bill_park

OpenPark: TypeAlias = Callable[[], AbstractContextManager[Engine]]


@pytest.fixture(scope="module")
def sqlite_park(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the billed park."""
    folder = tmp_path_factory.mktemp("park")
    engine = open_engine(make_url(f"sqlite:///{folder / 'park.sqlite'}"))
    migrate(engine)
    bill_park(engine, folder / "network")
    with engine.connect() as connection:
        # Into the file itself, so that copying it copies everything.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return folder / "park.sqlite"


@pytest.fixture(scope="module")
def postgres_park(postgres: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a PostgreSQL database with the billed park."""
    name = f"park_{uuid.uuid4().hex}"
    with postgres.connect() as server:
        server.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine = open_engine(postgres.url.set(database=name))
    migrate(engine)
    bill_park(engine, tmp_path_factory.mktemp("park"))
    engine.dispose()
    with postgres.connect() as server:
        # The run keeps an engine a process; a database is only copied when nobody is connected to it.
        others = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name")
        server.execute(others, {"name": name}).all()
    yield name
    with postgres.connect() as server:
        server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def open_park(request: pytest.FixtureRequest, tmp_path: Path) -> OpenPark:
    """Opens a copy of the billed park at each call."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_park")

        @contextmanager
        def sqlite() -> Iterator[Engine]:
            path = tmp_path / f"{uuid.uuid4().hex}.sqlite"
            shutil.copyfile(template, path)
            engine = open_engine(make_url(f"sqlite:///{path}"))
            yield engine
            engine.dispose()

        return sqlite
    server: Engine = request.getfixturevalue("postgres")
    original: str = request.getfixturevalue("postgres_park")

    @contextmanager
    def postgresql() -> Iterator[Engine]:
        name = f"test_{uuid.uuid4().hex}"
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {original}"))
        engine = open_engine(server.url.set(database=name))
        yield engine
        engine.dispose()
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

    return postgresql


def unguarded(connection: Connection) -> None:
    """Let this transaction write rows of the register that no act names, by a superuser; SQLite does anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))


def behind_its_back(engine: Engine, *statements: str) -> None:
    """Run SQL with every guard of the database out of the way, and put the guards back."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            unguarded(connection)
            for statement in statements:
                connection.execute(text(statement))
        return
    engine.dispose()
    raw = sqlite3.connect(str(engine.url.database))
    # The guards of the tables that are named, and no others: each that is dropped has SQLite read its schema again.
    named = set(re.findall(r"\w+", " ".join(statements)))
    guards = raw.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    triggers = [(name, sql) for name, table, sql in guards if table in named]
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute("PRAGMA ignore_check_constraints = 1")
    try:
        for statement in statements:
            raw.execute(statement)
    finally:
        for _, sql in triggers:
            raw.execute(sql)
        raw.commit()
        raw.close()


def other_value(column: Column[Any], value: Any) -> Any:
    """Return a value of the same kind that no product rounds away."""
    if isinstance(column.type, Date):
        return value + timedelta(days=45)
    if isinstance(column.type, DateTime):
        return value + timedelta(seconds=1)
    # Enough to be seen through the rounding of any product.
    return value + 1_000_000 if isinstance(value, int) else f"{value[:-1]}{'y' if value.endswith('x') else 'x'}"


def literal(value: Any) -> str:
    """Return a value as SQL writes it."""
    return str(value) if isinstance(value, int) else f"""'{str(value).replace("'", "''")}'"""
