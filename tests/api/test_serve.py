"""The server itself: several processes, one account of them, and an orderly end."""

import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.api.serve import serve
from billing.frame.errors import SchemaNotReady
from billing.frame.settings import load_settings
from tests.support.api import Caller
from tests.support.served import environment, serving


def requests_counted(text: str, route: str) -> int:
    """How many requests to a route the metrics tell of."""
    found = re.findall(
        rf'http_request_duration_seconds_count{{[^}}]*route="{re.escape(route)}"[^}}]*}} ([0-9.]+)', text
    )
    return sum(int(float(number)) for number in found)


def test_all_processes_are_counted_together_and_each_request_is_logged_once(
    ground: Caller, engine: Engine, tmp_path: Path
) -> None:
    secret = ground.secrets["auditor"]
    with serving(environment(engine, tmp_path), tmp_path) as served:
        for _ in range(40):
            assert served.open("/v1/sites", secret)[0] == 200
        status, text = served.open("/metrics", secret)
        assert status == 200
        assert requests_counted(text, "/v1/sites") == 40
        assert served.stop() == 0
    logged = [line for line in served.lines() if line.get("route") == "/v1/sites"]
    assert len(logged) == 40
    line = logged[0]
    assert (line["level"], line["method"], line["status"], line["token"]) == ("INFO", "GET", 200, "the-auditor")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])
    assert len({line["request_id"] for line in logged}) == 40
    assert all(line["ms"] > 0 for line in logged)
    assert secret not in served.log.read_text(encoding="utf-8")


def test_a_request_under_way_is_answered_before_the_server_stops(
    ground: Caller, engine: Engine, tmp_path: Path
) -> None:
    events = [
        {"event_id": f"E{n}", "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "1",
         "occurred_on": "2026-08-01"}
        for n in range(10_000)
    ]  # fmt: skip
    answers: list[Any] = []
    with serving(environment(engine, tmp_path), tmp_path) as served:

        def post() -> None:
            answers.append(served.open("/v1/usage-events/batch", ground.secrets["finance"], {"events": events}))

        asking = threading.Thread(target=post)
        asking.start()
        time.sleep(0.05)
        assert served.stop() == 0
        asking.join()
    # Either it was under way, or the door was closed already: never half an answer.
    assert answers == [(201, {"added": 10_000, "known": 0, "warnings": []})] or answers == []
    counted = len(ground.get("/v1/usage-events?limit=500")["items"])
    assert counted == (500 if answers else 0)


def workers_of(server: int) -> list[int]:
    """The processes that answer requests: they are forked from the server, so that their command is its own."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
    command = Path(f"/proc/{server}/cmdline").read_bytes()
    return [int(child) for child in children if Path(f"/proc/{child}/cmdline").read_bytes() == command]


def test_a_process_that_dies_is_replaced(ground: Caller, engine: Engine, tmp_path: Path) -> None:
    with serving(environment(engine, tmp_path), tmp_path, workers=1) as served:
        [worker] = workers_of(served.process.pid)
        os.kill(worker, signal.SIGKILL)
        for _ in range(600):
            time.sleep(0.1)
            try:
                if served.open("/v1/sites", ground.secrets["finance"])[0] == 200:
                    break
            except OSError:
                continue
        assert workers_of(served.process.pid) != [worker]
        assert served.open("/v1/sites", ground.secrets["finance"])[0] == 200


def test_for_people_the_log_is_text(ground: Caller, engine: Engine, tmp_path: Path) -> None:
    with serving(environment(engine, tmp_path, LOG_FORMAT="text"), tmp_path, workers=1) as served:
        served.open("/v1/sites", ground.secrets["finance"])
        served.open("/no%0Aforged%20line", ground.secrets["finance"])
        served.stop()
    text = served.log.read_text(encoding="utf-8")
    assert re.search(r"^20\S+Z INFO    GET /v1/sites 200 [0-9.]+ ms token=the-finance id=\S+$", text, re.MULTILINE)
    assert "GET /no%0Aforged%20line 404" in text


def test_it_does_not_start_on_a_database_that_is_not_migrated(tmp_path: Path) -> None:
    settings = load_settings({"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite'}"})
    with pytest.raises(SchemaNotReady, match="migrate"):
        serve(settings, port=1)
