"""What every test can ask for: a database of its own, on SQLite and on PostgreSQL; and no way to other hosts."""

import ipaddress
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import hypothesis
import pytest
from hypothesis import HealthCheck
from sqlalchemy import Engine, make_url, text
from sqlalchemy.engine import URL

from billing.frame.database import open_engine
from billing.schema.migrating import migrate
from tests.support.compiled_once import compile_once
from tests.support.examples import EXPLORES

POSTGRES = "TEST_POSTGRES_URL"
# Fixtures that tests of several rooms ask for.
pytest_plugins = ["tests.support.api", "tests.support.dask_cluster", "tests.support.proofs", "tests.support.spoiling"]

FreshEngine: TypeAlias = Callable[[], AbstractContextManager[Engine]]


def pytest_configure() -> None:
    """Draw the same examples on every run, and let none fail for being slow; compile things once a process.

    So a machine's first `make test` says what every other says. `make explore` draws new ones (EXPLORE=1), ten times as
    many, and prints what fails as code that makes it an explicit example.
    """
    hypothesis.settings.register_profile(
        "project",
        hypothesis.settings(
            deadline=None, derandomize=not EXPLORES, database=None, print_blob=EXPLORES,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )  # fmt: skip
    hypothesis.settings.load_profile("project")
    compile_once()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that explore all the time they take."""
    if EXPLORES:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


def _is_near(host: Any) -> bool:
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return host in ("localhost", b"localhost", "", None)


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Fail the test that would reach another host, by its address or by looking up its name."""

    def require_near(host: Any) -> None:
        if not _is_near(host):
            pytest.fail(f"a test must not reach another host: {host!r}")

    def guarded(act: Callable[..., Any]) -> Callable[..., Any]:
        def act_nearby(sock: socket.socket, *arguments: Any) -> Any:
            # The address comes last; a Unix socket's is a path, no tuple.
            if isinstance(arguments[-1], tuple):
                require_near(arguments[-1][0])
            return act(sock, *arguments)

        return act_nearby

    look_up = socket.getaddrinfo

    def look_up_nearby(host: Any, *arguments: Any, **options: Any) -> Any:
        require_near(host)
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up_nearby)
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


@contextmanager
def postgres_database(server: Engine, template: str) -> Iterator[URL]:
    """A database of its own, copied from another, dropped at the end."""
    name = f"test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        # Files are copied in half the time that records of the write-ahead log take; before 15 there was no choice.
        strategy = "STRATEGY FILE_COPY" if (connection.dialect.server_version_info or ()) >= (15,) else ""
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}"))
    try:
        yield server.url.set(database=name)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def opened(url: URL) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied: copying is cheaper than migrating."""
    path = tmp_path_factory.mktemp("template") / "books.sqlite"
    with opened(make_url(f"sqlite:///{path}")) as engine:
        migrate(engine)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """The PostgreSQL server of the tests, by a role that may create databases."""
    if POSTGRES not in os.environ:
        pytest.skip(f"{POSTGRES} is not set: run `make test`, which starts a throw-away PostgreSQL")
    with opened(make_url(os.environ[POSTGRES])) as engine:
        yield engine.execution_options(isolation_level="AUTOCOMMIT")


@pytest.fixture(scope="session")
def postgres_template(postgres: Engine) -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database, to be copied."""
    with postgres_database(postgres, "template0") as url:
        with opened(url) as engine:
            migrate(engine)
        yield str(url.database)


@pytest.fixture(scope="session")
def postgres_copies(postgres: Engine, postgres_template: str) -> Iterator[Callable[[], AbstractContextManager[URL]]]:
    """Hands out copies of the migrated database; the next is made, and the last dropped, while a test runs."""
    with ThreadPoolExecutor(1) as aside:

        def make() -> tuple[ExitStack, URL]:
            stack = ExitStack()
            return stack, stack.enter_context(postgres_database(postgres, postgres_template))

        ahead = [aside.submit(make)]
        dropping: list[Future[None]] = []

        @contextmanager
        def copy() -> Iterator[URL]:
            stack, url = ahead.pop().result()
            ahead.append(aside.submit(make))
            try:
                yield url
            finally:
                dropping.append(aside.submit(stack.close))

        yield copy
        dropping.append(aside.submit(ahead.pop().result()[0].close))
        for dropped in dropping:
            dropped.result()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The address of a database of this test's own, without tables."""
    if request.param == "sqlite":
        yield make_url(f"sqlite:///{tmp_path / 'books.sqlite'}")
        return
    with postgres_database(request.getfixturevalue("postgres"), "template0") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_engine(request: pytest.FixtureRequest, tmp_path: Path) -> FreshEngine:
    """Opens a migrated, empty database at each call, for as long as its `with` block: one an example."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")

        @contextmanager
        def sqlite() -> Iterator[Engine]:
            path = tmp_path / f"{uuid.uuid4().hex}.sqlite"
            shutil.copyfile(template, path)
            with opened(make_url(f"sqlite:///{path}")) as engine:
                yield engine

        return sqlite

    copies: Callable[[], AbstractContextManager[URL]] = request.getfixturevalue("postgres_copies")

    @contextmanager
    def postgresql() -> Iterator[Engine]:
        with copies() as url, opened(url) as engine:
            yield engine

    return postgresql


@pytest.fixture
def engine(fresh_engine: FreshEngine) -> Iterator[Engine]:
    """An engine on a migrated, empty database."""
    with fresh_engine() as engine:
        yield engine
