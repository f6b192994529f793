"""Idempotency keys: the same request twice has one effect and one answer, whoever dies or hurries."""

import multiprocessing
import os
import signal
import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, make_url, select

from billing.api.app import create_app
from billing.frame.database import open_engine, reading, writing
from billing.frame.settings import load_settings
from billing.frame.tables import idempotency_key
from billing.frame.tokens import create_token
from billing.register.tables import billing_run, site, usage_event
from invoices.models import document
from tests.support.api import NOW, Caller

SITE = {"code": "RAB", "name": "Rabat", "capacity": 40}
EVENTS = {
    "events": [
        {
            "event_id": f"E{n}", "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "1",
            "occurred_on": "2026-08-01",
        }
        for n in range(500)
    ]
}  # fmt: skip


def count(engine: Engine, table: Any) -> int:
    with reading(engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def test_the_same_key_and_body_gives_the_stored_answer_again(ground: Caller, engine: Engine) -> None:
    first = ground.post("/v1/sites", SITE, "k1")
    again = ground.post("/v1/sites", SITE, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.headers["Location"] == again.headers["Location"] == "/v1/sites/RAB"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_answer_is_the_first_one_even_when_the_thing_has_changed_since(ground: Caller) -> None:
    first = ground.post("/v1/sites", SITE, "k1")
    assert ground("PATCH", "/v1/sites/RAB", json={"name": "Rabat Agdal"}).status_code == 200
    assert ground.post("/v1/sites", SITE, "k1").data == first.data


def test_the_order_of_fields_does_not_make_another_body(ground: Caller) -> None:
    ground.post("/v1/sites", SITE, "k1")
    again = ground.post("/v1/sites", dict(reversed(SITE.items())), "k1")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_with_another_body_is_refused(ground: Caller, engine: Engine) -> None:
    ground.post("/v1/sites", SITE, "k1")
    for path, body in (("/v1/sites", SITE | {"code": "FES"}), ("/v1/grants", {"code": "G", "amount": "1.00"})):
        other = ground.post(path, body | ({"granted_on": "2026-01-01"} if "amount" in body else {}), "k1")
        assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert count(engine, site) == 3


def test_a_key_belongs_to_its_token(ground: Caller) -> None:
    assert ground.post("/v1/sites", SITE, "k1").status_code == 201
    other = ground.post("/v1/sites", SITE | {"code": "FES"}, "k1", scope="admin")
    assert other.status_code == 201


def test_a_refused_request_did_nothing_and_leaves_its_key_free(ground: Caller, engine: Engine) -> None:
    assert ground.post("/v1/sites", SITE | {"capacity": -1}, "k1").status_code == 422
    assert count(engine, idempotency_key) == 0
    assert ground.post("/v1/sites", SITE, "k1").status_code == 201
    assert ground.post("/v1/billing-runs", {"period": "2026-06", "issue_date": "2026-06-01"}, "r1").status_code == 201
    assert ground.post("/v1/billing-runs", {"period": "2026-05"}, "r2").status_code == 409
    assert ground.post("/v1/billing-runs", {"period": "2026-07"}, "r2").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\tb"])
def test_a_key_that_can_not_be_kept_is_refused(ground: Caller, key: str) -> None:
    refused = ground.post("/v1/sites", SITE, key)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["Idempotency-Key"]


def test_every_post_takes_a_key(park: Caller) -> None:
    """Whatever a POST does, its second answer is the first one's bytes."""
    bodies: dict[str, Any] = {
        "/v1/sites": SITE,
        "/v1/billing-runs": {"period": "2026-09"},
        "/v1/billing-runs/preview": {"period": "2026-09"},
        "/v1/billing-runs/review": {"period": "2026-09"},
        "/v1/quotes": {"tenant": "A1", "starts_on": "2026-09-01", "months": 1},
        "/v1/deliveries/FA-2026-000001/retry": {},
        "/v1/tokens/the-auditor/revoke": None,
        "/v1/usage-events/batch": {
            "events": [{"event_id": "N1", "tenant": "A1", "site": "TNG", "service": "MEAL", "quantity": "1",
                        "occurred_on": "2026-08-20"}]
        },
    }  # fmt: skip
    for path, body in bodies.items():
        first, again = park.post(path, body, f"key:{path}", "admin"), park.post(path, body, f"key:{path}", "admin")
        assert first.status_code in (200, 201), (path, first.text)
        assert again.headers.get("Idempotent-Replayed") == "true", path
        assert (first.status_code, first.data) == (again.status_code, again.data), path


def test_eight_at_once_have_one_effect_and_one_answer(ground: Caller, engine: Engine) -> None:
    barrier = threading.Barrier(8)
    answers = []

    def ask() -> None:
        barrier.wait()
        answers.append(ground.post("/v1/usage-events/batch", EVENTS, "k1"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert {answer.data for answer in answers} == {b'{"added":500,"known":0,"warnings":[]}'}
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    assert count(engine, usage_event) == 500


def _die_at(moment: str, commits: int) -> None:
    """Kill this process just before, or just after, its n-th commit from now on, by whichever engine."""
    seen = 0

    def die(_connection: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == commits:
            if moment == "after":
                _connection.connection.dbapi_connection.commit()
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", die)


def _post_and_die(url: str, secret: str, path: str, body: Any, moment: str, commits: int) -> None:
    engine = open_engine(make_url(url))
    caller = Caller(create_app(load_settings({"DATABASE_URL": url}), engine, lambda: NOW), {"finance": secret})
    caller.get("/v1/sites")
    _die_at(moment, commits)
    caller.post(path, body, "k1")


def killed_post(engine: Engine, path: str, body: Any, moment: str, commits: int) -> str:
    """Post in a process that is killed at that moment; gives the token's secret."""
    with writing(engine) as connection:
        secret = create_token(connection, f"killed-{moment}-{commits}", "finance", now=NOW)
    url = engine.url.render_as_string(hide_password=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_post_and_die, args=(url, secret, path, body, moment, commits)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    return secret


@pytest.mark.parametrize(("moment", "survives"), [("before", 0), ("after", 500)])
def test_killed_at_the_commit_a_repeated_request_has_its_effect_once(
    ground: Caller, engine: Engine, moment: str, survives: int
) -> None:
    """One commit writes effect, key and answer together."""
    ground.secrets["finance"] = killed_post(engine, "/v1/usage-events/batch", EVENTS, moment, 1)
    assert count(engine, usage_event) == count(engine, idempotency_key) * 500 == survives
    again = ground.post("/v1/usage-events/batch", EVENTS, "k1")
    assert again.json == {"added": 500, "known": 0, "warnings": []}
    assert ("Idempotent-Replayed" in again.headers) is (survives > 0)
    assert count(engine, usage_event) == 500


@pytest.mark.parametrize("commits", [1, 2, 3, 4, 5, 6])
def test_a_run_killed_at_any_commit_is_finished_by_the_same_request(
    ground: Caller, engine: Engine, commits: int
) -> None:
    """They end the key's claim, the run's beginning, the look at its batches, its batch, its end, the kept answer."""
    order = {"period": "2026-06", "issue_date": "2026-06-01"}
    ground.secrets["finance"] = killed_post(engine, "/v1/billing-runs", order, "before", commits)
    again = ground.post("/v1/billing-runs", order, "k1")
    assert again.status_code == (200 if commits == 6 else 201)
    assert again.json["invoices"]["count"] == 1
    assert ground.post("/v1/billing-runs", order, "k1").headers["Idempotent-Replayed"] == "true"
    with reading(engine) as connection:
        assert connection.scalars(select(document.c.number)).all() == ["FA-2026-000001"]
        assert connection.execute(select(billing_run.c.period, billing_run.c.status)).all() == [
            (date(2026, 6, 1), "complete")
        ]
