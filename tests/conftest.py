"""What every test can ask for: a migrated, empty database, on SQLite and on PostgreSQL."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.engine import URL

from billing.db import open_engine
from billing.schema import migrate

POSTGRES = "TEST_POSTGRES_URL"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The address of a database of this test's own, without tables."""
    if request.param == "sqlite":
        yield make_url(f"sqlite:///{tmp_path / 'books.sqlite'}")
        return
    if POSTGRES not in os.environ:
        pytest.skip(f"{POSTGRES} is not set: run `make test`, which starts a throw-away PostgreSQL")
    server = make_url(os.environ[POSTGRES])
    name = f"test_{uuid.uuid4().hex}"
    admin = open_engine(server).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def engine(database_url: URL) -> Iterator[Engine]:
    """An engine on a migrated, empty database."""
    engine = open_engine(database_url)
    migrate(engine)
    yield engine
    engine.dispose()
