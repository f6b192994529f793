"""Webhooks a second to a local sink, a process of its own that takes everything."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL

from billing.audit.webhooks.delivering import deliver_webhooks
from billing.audit.webhooks.endpoints import add_endpoint
from billing.frame.database import open_engine, writing
from billing.frame.settings import load_settings
from billing.schema.migrating import migrate
from tests.bench.table import AT_LEAST, Row
from tests.conftest import POSTGRES, postgres_database
from tests.support.tenants import add_tenant

_SINK = """
import asyncio, re
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            await reader.readexactly(int(re.search(rb"content-length: (\\d+)", head, re.I)[1]))
            writer.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    except asyncio.IncompleteReadError:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
EVENTS, ENDPOINTS = 1_000, 4


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@contextmanager
def sink() -> Iterator[int]:
    """The port of a receiver."""
    process = subprocess.Popen([sys.executable, "-c", _SINK], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def rates(engine: Engine, url: URL, port: int, *, quick: bool) -> Iterator[float]:
    """Webhooks a second: a few hundred events to one endpoint, then to several at once."""
    environment = {"DATABASE_URL": url.render_as_string(hide_password=False), "WEBHOOK_NETWORKS": "127.0.0.1"}
    settings = load_settings(environment)
    for count in (1, ENDPOINTS - 1):
        with writing(engine) as connection:
            for _ in range(count):
                networks = settings.webhook_networks
                add_endpoint(connection, f"http://127.0.0.1:{port}/", (), networks=networks, now=now())
        for n in range(EVENTS // 10 if quick else EVENTS):
            add_tenant(engine, f"T{count}-{n}")
        began = time.perf_counter()
        report = deliver_webhooks(settings, engine, clock=now)
        if report.failures:
            raise RuntimeError(report.failures)
        yield report.sent / (time.perf_counter() - began)


def rows(*, quick: bool = False) -> list[Row]:
    """Webhooks a second on both databases."""
    found = []
    with TemporaryDirectory() as name, sink() as port, _postgres() as postgresql:
        for database, url in (("SQLite", make_url(f"sqlite:///{Path(name)}/books.sqlite")), ("PostgreSQL", postgresql)):
            engine = open_engine(url)
            migrate(engine)
            one, several = rates(engine, url, port, quick=quick)
            engine.dispose()
            note = f"{ENDPOINTS} endpoints at once: {several:.0f}; load {os.getloadavg()[0]:.1f}"
            found.append(Row(f"webhooks a second to one endpoint, {database}", one, AT_LEAST, 200, note))
    return found


@contextmanager
def _postgres() -> Iterator[URL]:
    server = open_engine(make_url(os.environ[POSTGRES]))
    try:
        with postgres_database(server.execution_options(isolation_level="AUTOCOMMIT"), "template0") as url:
            yield url
    finally:
        server.dispose()
