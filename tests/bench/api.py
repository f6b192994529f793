"""The HTTP API under load, against a bare Flask view and against Core and orjson alone, all served alike by granian."""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from flask import Flask, Response
from granian import Granian
from granian.constants import Interfaces
from sqlalchemy import Table, make_url, select
from sqlalchemy.engine import URL

from billing.api.app import body_bytes_max
from billing.api.front import Front
from billing.api.serve import serve
from billing.documents.lookup.queries import find_shown
from billing.frame.database import open_engine, reading, writing
from billing.frame.settings import load_settings
from billing.frame.shapes import encode
from billing.frame.tokens import create_token
from billing.register.network_import import import_folder
from billing.run.month import run_month
from billing.schema.migrating import migrate
from invoices.models import document, document_line, document_vat
from tests.bench.table import AT_LEAST, Row

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
PROCESSES = 2
CONNECTIONS = 8
# Counted as ever, and never reached.
_UNLIMITED = {"RATE_LIMIT_TOKEN": "999999999/second", "RATE_LIMIT_ADDRESS": "999999999/second"}
DOCUMENT = "FA-2026-000200"
BATCH = 100

# wrk's own language: one event, or a batch of them, with ids never used before.
_EVENTS = """
local n = 0
local function event()
  n = n + 1
  return string.format('{"event_id":"%%s-%%d","tenant":"T0001","site":"CAS","service":"MEAL","quantity":"1",' ..
    '"occurred_on":"2026-06-%%02d"}', "%(prefix)s", n, 1 + n %% 28)
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  if %(batch)d == 1 then return wrk.format(nil, nil, nil, event()) end
  local events = {}
  for i = 1, %(batch)d do events[i] = event() end
  return wrk.format(nil, nil, nil, '{"events":[' .. table.concat(events, ",") .. ']}')
end
"""


def seed(url: URL) -> str:
    """The sample network with June billed; gives a token's secret."""
    engine = open_engine(url)
    migrate(engine)
    import_folder(engine, SAMPLE, now=NOW)
    settings = load_settings({"DATABASE_URL": url.render_as_string(hide_password=False)})
    run_month(settings, engine, date(2026, 6, 1), clock=lambda: NOW, issued_on=date(2026, 6, 1))
    with writing(engine) as connection:
        secret = create_token(connection, "bench", "finance", now=NOW)
    engine.dispose()
    return secret


def _plain(table: Table, found: Iterable[Any]) -> list[dict[str, Any]]:
    names = [str(column.name) for column in table.c]
    return [dict(zip(names, row, strict=True)) for row in found]


def bare_app(url: URL) -> Flask:
    """What a Flask programmer writes in an hour: the query, the shape, nothing else."""
    app = Flask("bare", static_folder=None)
    engine = open_engine(url)

    @app.get("/v1/documents/<number>")
    def one(number: str) -> Response:
        with reading(engine) as connection:
            return Response(encode(find_shown(connection, number, date.today())), content_type="application/json")

    @app.get("/v1/documents")
    def fifty() -> Response:
        """Core and orjson alone: rows as they are, put under their documents."""
        with reading(engine) as connection:
            heads = _plain(document, connection.execute(select(document).order_by(document.c.number).limit(50)))
            ids = [head["id"] for head in heads]
            for name, table in (("lines", document_line), ("vat", document_vat)):
                of_document: dict[int, list[dict[str, Any]]] = {key: [] for key in ids}
                for row in _plain(table, connection.execute(select(table).where(table.c.document_id.in_(ids)))):
                    of_document[row["document_id"]].append(row)
                for head in heads:
                    head[name] = of_document[head["id"]]
        return Response(orjson.dumps({"items": heads}), content_type="application/json")

    return app


def serve_bare(url: URL, port: int) -> None:
    """The bare application, served as ours is."""
    server = Granian("bare", port=port, interface=Interfaces.RSGI, workers=PROCESSES, log_enabled=False)
    server.serve(target_loader=lambda: Front(bare_app(url), body_bytes_max).answer, wrap_loader=False)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(kind: str, url: URL, log: Path) -> Iterator[str]:
    """A server in a process of its own; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.api", kind, url.render_as_string(hide_password=False), str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), 1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not listen")


def requests_per_s(address: str, seconds: int, secret: str | None = None, script: Path | None = None) -> float:
    """What wrk measures; raises when an answer was not of the kind 2xx or 3xx."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    if secret is not None:
        command += ["-H", f"Authorization: Bearer {secret}"]
    if script is not None:
        command += ["-s", str(script)]
    found = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in found or "Socket errors" in found:
        raise RuntimeError(f"{address}: {found}")
    match = re.search(r"Requests/sec:\s*([0-9.]+)", found)
    if match is None:
        raise RuntimeError(found)
    return float(match[1])


def interleaved(measures: dict[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Each measure once a round, the order rotated."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    names = list(measures)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            found[name].append(measures[name](number))
    return found


def _ratio(found: dict[str, list[float]], name: str, of: str) -> float:
    """The median of the rounds' own ratios: what drifts, drifts for both."""
    return statistics.median(a / b for a, b in zip(found[name], found[of], strict=True))


def rows(*, quick: bool = False) -> list[Row]:
    """The API's bounds (issue: "How fast")."""
    rounds, seconds = (3, 1) if quick else (7, 3)
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = make_url(f"sqlite:///{folder / 'bench.sqlite'}")
        secret = seed(url)
        with served("ours", url, folder / "ours.log") as ours, served("bare", url, folder / "bare.log") as bare:

            def events(size: int, number: int) -> float:
                script = folder / f"events-{size}-{number}.lua"
                script.write_text(_EVENTS % {"prefix": f"{size}-{number}", "batch": size})
                path = "/v1/usage-events" if size == 1 else "/v1/usage-events/batch"
                return size * requests_per_s(ours + path, seconds, secret, script)

            found = interleaved(
                {
                    "one": lambda _: requests_per_s(f"{ours}/v1/documents/{DOCUMENT}", seconds, secret),
                    "bare one": lambda _: requests_per_s(f"{bare}/v1/documents/{DOCUMENT}", seconds),
                    "page": lambda _: requests_per_s(f"{ours}/v1/documents?limit=50", seconds, secret),
                    "bare page": lambda _: requests_per_s(f"{bare}/v1/documents", seconds),
                    "single events": partial(events, 1),
                    "batched events": partial(events, BATCH),
                },
                rounds,
            )
    median = {name: statistics.median(values) for name, values in found.items()}
    return [
        Row(
            "API: one document ÷ bare Flask view, requests/s", _ratio(found, "one", "bare one"), AT_LEAST, 0.9,
            f"{median['one']:.0f} ÷ {median['bare one']:.0f}",
        ),
        Row(
            "API: page of 50 documents ÷ Core + orjson, requests/s", _ratio(found, "page", "bare page"), AT_LEAST, 0.4,
            f"{median['page']:.0f} ÷ {median['bare page']:.0f}",
        ),
        Row(
            "API: events in batches of 100 ÷ single, events/s", _ratio(found, "batched events", "single events"),
            AT_LEAST, 20, f"{median['batched events']:.0f} ÷ {median['single events']:.0f}",
        ),
    ]  # fmt: skip


def main(kind: str, database: str, port: str) -> None:
    """Serve, for the process that measures."""
    if kind == "ours":
        settings = load_settings(
            {
                **os.environ,
                "DATABASE_URL": database,
                "JOBS_FOLDER": f"{database.partition(':///')[2]}.jobs",
                **_UNLIMITED,
            }
        )
        serve(settings, port=int(port), workers=PROCESSES)
    else:
        serve_bare(make_url(database), int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
