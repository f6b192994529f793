"""Health, readiness, metrics, failures."""

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, make_url, text, update

from billing.api.app import create_app
from billing.frame.database import maintenance_transaction, open_engine, writing
from billing.frame.logs import configure_logging
from billing.frame.settings import load_settings
from billing.schema.migrating import migrate
from invoices.models import delivery
from tests.support.api import NOW, Caller


def samples(caller: Caller) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The metrics by name and labels, as Prometheus' own library reads them."""
    answer = caller("GET", "/metrics", "auditor")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_alive_asks_nothing_of_the_database(tmp_path: Path) -> None:
    caller = on(tmp_path / "none" / "none.sqlite")
    assert caller.get("/healthz", None) == {"status": "alive"}


def on(path: Path) -> Caller:
    """A caller of an app on an SQLite file, whatever is there."""
    url = f"sqlite:///{path}"
    return Caller(create_app(load_settings({"DATABASE_URL": url}), open_engine(make_url(url)), lambda: NOW), {})


def test_ready_means_that_the_database_answers_and_is_migrated(tmp_path: Path) -> None:
    unreachable = on(tmp_path / "none" / "none.sqlite")("GET", "/readyz", None)
    assert (unreachable.status_code, unreachable.json["type"]) == (503, "/problems/unavailable")
    assert unreachable.headers["Retry-After"] == "5"
    empty = on(tmp_path / "empty.sqlite")
    not_migrated = empty("GET", "/readyz", None)
    assert (not_migrated.status_code, not_migrated.json["type"]) == (503, "/problems/schema-not-ready")
    engine = open_engine(make_url(f"sqlite:///{tmp_path / 'empty.sqlite'}"))
    migrate(engine)
    engine.dispose()
    assert empty.get("/readyz", None) == {"status": "ready"}


def test_a_database_that_does_not_answer_is_503_not_500(tmp_path: Path) -> None:
    answer = on(tmp_path / "none" / "none.sqlite")("GET", "/v1/sites", None, headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/unavailable")


def test_postgresql_going_away_is_503_and_its_return_is_noticed(
    postgres: Engine, postgres_template: str, fresh_engine: Any, caller_of: Any, request: pytest.FixtureRequest
) -> None:
    with fresh_engine() as engine:
        if engine.dialect.name != "postgresql":
            pytest.skip("PostgreSQL alone has connections to lose")
        caller = caller_of(engine)
        caller.get("/v1/sites")
        with postgres.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                               {"name": engine.url.database})  # fmt: skip
        # A connection found dead before use is replaced unseen.
        assert caller.get("/v1/sites") == {"items": [], "next": None}


def test_our_own_failure_is_500_tells_nothing_and_is_logged_with_its_trace(
    ground: Caller, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    # No act of anybody's: the act's own statement reads that table.
    with maintenance_transaction(engine) as connection:
        connection.execute(text("ALTER TABLE import_log RENAME TO mislaid"))
    with caplog.at_level(logging.ERROR):
        answer = ground("GET", "/v1/imports", headers={"X-Request-ID": "report-me"})
    assert (answer.status_code, answer.json["type"]) == (500, "/problems/internal")
    assert answer.content_type == "application/problem+json"
    assert "report-me" in answer.json["detail"]
    assert "import_log" not in answer.text
    assert "SELECT" not in answer.text
    assert any(record.exc_info for record in caplog.records)


def test_requests_are_counted_by_group_and_status_not_by_address(ground: Caller) -> None:
    for code in ("TNG", "CAS", "NOWHERE"):
        ground("GET", f"/v1/sites/{code}")
    for path in ("/a", "/b", "/c?d"):
        ground("GET", path)
    ground("MADEUP", "/v1/sites")
    found = samples(ground)

    def counted(method: str, route: str, status: str) -> float | None:
        return found.get(("http_requests_total", (("method", method), ("route", route), ("status", status))))

    assert counted("GET", "/v1/sites", "200") == 2
    assert counted("GET", "/v1/sites", "404") == 1
    assert found["http_request_duration_seconds_count", (("method", "GET"), ("route", "/v1/sites"))] == 3
    assert counted("GET", "", "404") == 3
    assert counted("other", "", "405") == 1
    assert not any("MADEUP" in str(labels) or "/a" in str(labels) for _, labels in found)


def test_runs_errors_deliveries_and_the_queue_are_measured(park: Caller, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(update(delivery).values(next_attempt_at=NOW + timedelta(hours=1)))
        first = connection.execute(delivery.select().limit(1)).one()
        connection.execute(
            update(delivery).where(delivery.c.document_id == first.document_id).values(next_attempt_at=NOW)
        )
    found = samples(park)
    queued = len(park.get("/v1/deliveries?state=queued&limit=500")["items"])
    assert found["deliveries", (("state", "queued"),)] == queued > 1
    assert found["deliveries", (("state", "sent"),)] == 0
    assert found["delivery_queue_size", ()] == 1
    assert found["billing_runs", (("status", "complete"),)] == 3
    assert found["billing_runs", (("status", "running"),)] == 0
    assert found["billing_tenants_in_error", ()] == 0


@contextmanager
def logged(log_format: str, stream: TextIO) -> Iterator[logging.Handler]:
    """Logging as a server has it, into a stream, for the length of a block."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_logging(log_format, stream)
        yield root.handlers[0]
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


def test_a_line_a_request_as_json_refused_ones_as_well(ground: Caller) -> None:
    stream = io.StringIO()
    with logged("json", stream):
        ground("GET", "/v1/sites", headers={"X-Request-ID": "one"})
        ground("GET", "/v1/sites", None, headers={"X-Request-ID": "two"})
        ground("GET", "/v1/tenants/NOBODY", headers={"X-Request-ID": "three"})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["request_id"], line["route"], line["status"], line["token"]) for line in lines] == [
        ("one", "/v1/sites", 200, "the-finance"),
        ("two", "/v1/sites", 401, None),
        ("three", "/v1/tenants/<code:code>", 404, "the-finance"),
    ]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_the_line_of_a_request_is_what_the_formatter_would_write(ground: Caller, log_format: str) -> None:
    stream, records = io.StringIO(), Records()
    with logged(log_format, stream) as handler:
        ground("GET", "/v1/sites", headers={"X-Request-ID": "one"})
        ground("GET", "/é\n'%22", None, headers={"X-Request-ID": "two"})
        # With a second handler beside it, a record is made, and formatted.
        logging.getLogger().addHandler(records)
        ground("GET", "/v1/sites", headers={"X-Request-ID": "one"})
        ground("GET", "/é\n'%22", None, headers={"X-Request-ID": "two"})
        assert [record.__dict__["request_id"] for record in records.found] == ["one", "two"]
        assert stream.getvalue().splitlines()[2:] == [handler.format(record) for record in records.found]
    lines = [WHEN.sub("", line) for line in stream.getvalue().splitlines()]
    assert lines[:2] == lines[2:]
    assert len(set(lines)) == 2


class Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record)


# The moment and the milliseconds, which differ from request to request.
WHEN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z|[0-9.]+ ms|\"ms\":[0-9.]+")


class FullDisk(io.StringIO):
    """Takes nothing."""

    def write(self, _text: str) -> int:
        raise OSError("No space left on device")


def test_a_log_that_cannot_be_written_fails_no_request(ground: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    with logged("json", FullDisk()):
        assert ground("GET", "/v1/sites").status_code == 200
    assert "No space left on device" in capsys.readouterr().err
