"""A proved park on each database, billed once, copied for each test that spoils it."""

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from billing.frame.database import open_engine
from billing.frame.settings import Settings
from billing.schema.migrating import migrate
from tests.support.proved_park import prove_park, signing_settings


@dataclass(frozen=True)
class Proved:
    """A copy of the proved park: its database, and the settings that name its files and its key."""

    engine: Engine
    settings: Settings
    folder: Path


@pytest.fixture(scope="module")
def sqlite_proved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the park in an SQLite file."""
    folder = tmp_path_factory.mktemp("proved")
    engine = open_engine(make_url(f"sqlite:///{folder / 'park.sqlite'}"))
    migrate(engine)
    prove_park(engine, folder)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return folder


@pytest.fixture(scope="module")
def postgres_proved(postgres: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The name of a PostgreSQL database with the park, and the folder with its files."""
    name, folder = f"proved_{uuid.uuid4().hex}", tmp_path_factory.mktemp("proved")
    with postgres.connect() as server:
        server.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine = open_engine(postgres.url.set(database=name))
    migrate(engine)
    prove_park(engine, folder)
    engine.dispose()
    with postgres.connect() as server:
        others = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name")
        server.execute(others, {"name": name}).all()
    yield name, folder
    with postgres.connect() as server:
        server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def proved(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proved]:
    """A copy of the proved park, to be spoilt."""
    if request.param == "sqlite":
        original: Path = request.getfixturevalue("sqlite_proved")
        shutil.copytree(original, tmp_path, dirs_exist_ok=True)
        engine = open_engine(make_url(f"sqlite:///{tmp_path / 'park.sqlite'}"))
        yield Proved(engine, signing_settings(engine, tmp_path), tmp_path)
        engine.dispose()
        return
    server: Engine = request.getfixturevalue("postgres")
    template, folder = request.getfixturevalue("postgres_proved")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    name = f"test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine = open_engine(server.url.set(database=name))
    yield Proved(engine, signing_settings(engine, tmp_path), tmp_path)
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
