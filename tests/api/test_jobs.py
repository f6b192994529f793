"""Requests that are done later: ordered, done by the same rights, answered for a day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import Engine, select

from billing.api.app import create_app
from billing.api.pool import conclude
from billing.api.work import perform
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.deferred import rows
from billing.frame.deferred.files import files_of
from billing.frame.http.deferring import Preference, recorded_entries
from billing.frame.settings import Settings, load_settings
from billing.frame.tables import audit_event, job
from billing.frame.tokens import create_token, revoke_token
from billing.users.administering import UserOrder, add_user
from tests.support.api import NOW, Caller
from tests.support.operations import is_problem

EXPORT = "/v1/ledger/exports?format=csv"
LATER = {"Prefer": "respond-async"}


class Later:
    """An app whose long work is done later: by the test itself, in place of the pool."""

    def __init__(self, engine: Engine, folder: Path, secrets: dict[str, str]) -> None:
        self.now = NOW
        url = engine.url.render_as_string(hide_password=False)
        self.settings: Settings = replace(
            load_settings({"DATABASE_URL": url, "DOCUMENTS_URL": f"file:{folder / 'documents'}", "JOBS_MAX": "8"}),
            jobs_folder=folder / "jobs",
        )
        self.engine = engine
        self.app: Flask = create_app(self.settings, engine, lambda: self.now, has_pool=True)
        self.caller = Caller(self.app, secrets)

    def order(self, path: str = EXPORT, scope: str = "finance", **options: Any) -> Any:
        """The job of a request that is to be done later."""
        headers = {**LATER, **options.pop("headers", {})}
        answer = self.caller(options.pop("method", "GET"), path, scope, headers=headers, **options)
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
        return answer.json

    def work_off(self) -> list[str]:
        """Do what is queued; the states of the jobs in the order they were done."""
        states: list[str] = []
        while True:
            with maintenance_transaction(self.engine) as connection:
                row = rows.claim(connection, self.now)
            if row is None:
                return states
            files = files_of(self.settings, row.name)
            if not files.is_cancelled():
                perform(self.app, row, files)
            with maintenance_transaction(self.engine) as connection:
                states.append(conclude(connection, row.name, row.attempts, files, is_stopping=False))

    def shown(self, ordered: Any, scope: str = "finance") -> Any:
        """The job as it is."""
        return self.caller.get(f"/v1/jobs/{ordered['id']}", scope)

    def result(self, ordered: Any, scope: str = "finance") -> Any:
        """The answer at the address of its result."""
        return self.caller("GET", f"/v1/jobs/{ordered['id']}/result", scope)


@pytest.fixture
def later(park: Caller, engine: Engine, tmp_path: Path) -> Later:
    """The app of the billed park, with a pool beside it."""
    return Later(engine, tmp_path, park.secrets)


def test_a_result_is_what_would_have_been_answered_at_once(later: Later, park: Caller) -> None:
    at_once = park("GET", EXPORT)
    asked = {"months": 2, "draws": 20}
    forecast = park("POST", "/v1/forecasts", json=asked)
    ordered = later.order(headers={"X-Request-ID": "from-the-start"})
    assert (ordered["state"], ordered["result"], ordered["request_id"]) == ("queued", None, "from-the-start")
    assert ordered["operation"] == f"GET {EXPORT}"
    assert is_problem(later.result(ordered), 409, "conflict")
    also = later.order("/v1/forecasts", method="POST", json=asked)
    assert later.work_off() == ["done", "done"]
    done, answer = later.shown(ordered), later.result(ordered)
    assert (answer.status_code, answer.data) == (200, at_once.data)
    assert later.caller("GET", done["result"]["href"], headers={"Accept": "text/csv"}).data == at_once.data
    for header in ("Content-Type", "Content-Disposition"):
        assert answer.headers[header] == at_once.headers[header]
    assert done["result"]["size"] == done["progress"]["written"] == len(at_once.data)
    assert done["result"]["href"] == f"/v1/jobs/{ordered['id']}/result"
    assert (later.result(also).data, later.result(also).content_type) == (forecast.data, "application/json")
    assert [one["id"] for one in later.caller.get("/v1/jobs?state=done")["items"]] == [ordered["id"], also["id"]]
    files = files_of(later.settings, ordered["id"])
    assert files.folder.stat().st_mode & 0o77 == files.result.stat().st_mode & 0o77 == 0


def test_a_job_is_its_owners_and_wants_the_scope_of_what_was_asked(later: Later, engine: Engine) -> None:
    with writing(engine) as connection:
        add_user(connection, UserOrder("amina", "amina@park.example", "finance", None), now=NOW)
        for name, scope in (("desk", "finance"), ("phone", "auditor"), ("till", "receipts")):
            later.caller.secrets[name] = create_token(connection, name, scope, now=NOW, user="amina")
    ordered = later.order(scope="desk")
    assert later.work_off() == ["done"]
    assert later.result(ordered, "phone").status_code == 200
    for scope in ("till", "finance", "admin"):
        assert is_problem(later.caller("GET", f"/v1/jobs/{ordered['id']}", scope), 404, "not-found")
        assert is_problem(later.result(ordered, scope), 404, "not-found")
        assert is_problem(later.caller("POST", f"/v1/jobs/{ordered['id']}/cancellation", scope), 404, "not-found")
        assert later.caller.get("/v1/jobs", scope)["items"] == []


def test_what_may_not_be_done_is_refused_when_it_is_ordered(later: Later) -> None:
    refused = later.caller("GET", "/v1/ledger/exports?format=odt", headers=LATER)
    assert is_problem(refused, 422, "validation")
    assert later.caller.get("/v1/jobs")["items"] == []


@pytest.mark.parametrize(
    ("prefer", "at_once_ms", "is_async", "wait_s"),
    [
        ("", 1000, False, None), ("wait=2", 2000, False, 2), ("WAIT = 1", 1000, False, 1), ("wait=99", 2000, False, 99),
        ("respond-async", None, True, None), ("respond-async, wait=1", 1000, True, 1),
        ("wait=soon", 1000, False, None), ("return=minimal, respond-async; x=1", None, True, None),
    ],
)  # fmt: skip
def test_a_preference_says_how_long_an_answer_may_take(
    later: Later, prefer: str, at_once_ms: int | None, is_async: bool, wait_s: int | None
) -> None:
    with later.app.test_request_context(headers={"Prefer": prefer}):
        assert Preference.asked() == (is_async, wait_s)
        assert Preference.asked().at_once_ms() == at_once_ms


def test_small_work_is_answered_at_once_and_says_that_it_was_preferred(later: Later) -> None:
    assert later.caller("GET", EXPORT).status_code == 200
    answer = later.caller("GET", EXPORT, headers={"Prefer": "respond-async, wait=2"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=2")
    assert later.caller("GET", EXPORT, headers={"Prefer": "wait=0"}).status_code == 202
    with reading(later.engine) as connection:
        within = [recorded_entries(connection, *days) for days in ((), (None, date(2026, 7, 1)), (date(2027, 1, 1),))]
    assert within[0] > within[1] > within[2] == 0


def test_a_key_stands_for_one_job(later: Later) -> None:
    order: Callable[[], Any] = lambda: later.order(  # noqa: E731 - the same, three times
        "/v1/forecasts", method="POST", json={"months": 1, "draws": 5}, headers={"Idempotency-Key": "k"}
    )
    first = order()
    assert order() == first
    assert later.work_off() == ["done"]
    assert order() == first
    assert len(list(later.settings.jobs_folder.iterdir())) == 1


def test_a_job_fails_with_the_problem_that_would_have_been_answered(later: Later, engine: Engine) -> None:
    with writing(engine) as connection:
        later.caller.secrets["brief"] = create_token(connection, "brief", "finance", now=NOW)
    too_far = {"period": "2027-05"}
    refused = later.order("/v1/billing-runs", method="POST", json=too_far, headers={"X-Request-ID": "r-7"})
    revoked = later.order(scope="brief")
    with writing(engine) as connection:
        revoke_token(connection, "brief", now=NOW)
    lost = later.order()
    files_of(later.settings, lost["id"]).clear(keep_result=False)
    assert later.work_off() == ["failed", "failed", "failed"]
    assert later.shown(lost)["problem"]["type"] == "/problems/gone"
    shown = later.shown(refused)
    assert (shown["state"], shown["result"]) == ("failed", None)
    assert (shown["problem"]["type"], shown["problem"]["instance"]) == ("/problems/refused", "urn:request:r-7")
    assert is_problem(later.result(refused), 409, "conflict")
    with reading(engine) as connection:
        text = connection.scalar(select(job.c.problem).where(job.c.name == revoked["id"]))
    assert orjson.loads(text or "")["type"] == "/problems/unauthenticated"


def test_a_job_ends_when_its_owner_cancels_it(later: Later) -> None:
    ordered, done = later.order(), later.order()
    cancelled = later.caller.post(f"/v1/jobs/{ordered['id']}/cancellation", None)
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert later.work_off() == ["cancelled", "done"]
    assert later.shown(ordered)["state"] == "cancelled"
    assert is_problem(later.result(ordered), 409, "conflict")
    assert later.caller.post(f"/v1/jobs/{done['id']}/cancellation", None).json["state"] == "done"


def test_the_queue_is_bounded_for_all_and_for_each_and_each_gets_a_turn(later: Later) -> None:
    first, second = later.order(), later.order()
    answer = later.caller("GET", EXPORT, headers=LATER)
    assert is_problem(answer, 503, "busy")
    assert answer.headers["Retry-After"].isdigit()
    other = later.order(scope="auditor")
    with maintenance_transaction(later.engine) as connection:
        begun = [rows.claim(connection, NOW) for _ in range(4)]
    assert [None if row is None else row.name for row in begun] == [first["id"], other["id"], second["id"], None]


def test_a_result_is_kept_for_a_day(later: Later) -> None:
    ordered = later.order()
    later.work_off()
    kept = later.shown(ordered)
    expires_at = datetime.fromisoformat(kept["expires_at"])
    assert expires_at - datetime.fromisoformat(kept["finished_at"]) == timedelta(days=1)
    later.now = expires_at - timedelta(seconds=1)
    assert later.result(ordered).status_code == 200
    later.now = expires_at + timedelta(seconds=1)
    assert is_problem(later.result(ordered), 410, "gone")
    assert (later.shown(ordered)["state"], later.shown(ordered)["result"]) == ("done", None)
    with maintenance_transaction(later.engine) as connection:
        assert rows.needed_and_expired(connection, later.now) == (set(), {ordered["id"]})
        rows.forget(connection, later.now + timedelta(days=30))
    assert later.caller("GET", f"/v1/jobs/{ordered['id']}").status_code == 404


def test_a_job_whose_process_dies_is_begun_again_three_times_at_most(later: Later) -> None:
    ordered = later.order()
    states = []
    for _ in range(rows.ATTEMPTS_MAX):
        with maintenance_transaction(later.engine) as connection:
            row = rows.claim(connection, NOW)
            assert row is not None
            files = files_of(later.settings, row.name)
            states.append(conclude(connection, row.name, row.attempts, files, is_stopping=False))
    assert states == ["queued", "queued", "failed"]
    assert "3 times" in later.shown(ordered)["problem"]["detail"]


def test_what_writes_writes_once_however_often_it_is_begun(later: Later, engine: Engine) -> None:
    order = {"period": "2026-09", "issue_date": "2026-09-02"}
    later.order("/v1/billing-runs", method="POST", json=order, headers={"X-Request-ID": "run-9"})
    with maintenance_transaction(engine) as connection:
        row = rows.claim(connection, NOW)
    assert row is not None
    files = files_of(later.settings, row.name)
    perform(later.app, row, files)
    first = files.result.read_bytes()
    with reading(engine) as connection:
        acts = connection.scalars(select(audit_event.c.actor).where(audit_event.c.request_id == "run-9")).all()
    assert set(acts) == {"the-finance"}
    perform(later.app, row, files)
    assert files.result.read_bytes() == first
    with reading(engine) as connection:
        again = connection.scalars(select(audit_event.c.actor).where(audit_event.c.request_id == "run-9")).all()
    assert again == acts


def test_work_says_how_far_it_has_come_and_takes_files_as_they_were_sent(later: Later) -> None:
    checked = later.order("/v1/checks", method="POST", json={"files": False})
    with maintenance_transaction(later.engine) as connection:
        row = rows.claim(connection, NOW)
    assert row is not None
    files = files_of(later.settings, row.name)
    perform(later.app, row, files)
    progress = later.shown(checked)["progress"]
    assert progress["done"] == progress["total"] > 0
    with maintenance_transaction(later.engine) as connection:
        conclude(connection, row.name, row.attempts, files, is_stopping=False)
    assert later.result(checked).json["proved"] is True
    sites = b"code,name,city,capacity,opened_on\nFES,F\xc3\xa8s,F\xc3\xa8s,20,2026-01-01\n"
    sent = {"file": (BytesIO(sites), "sites.csv")}
    imported = later.order("/v1/imports", method="POST", data=sent, content_type="multipart/form-data")
    assert later.work_off() == ["done"]
    assert later.shown(imported)["result"]["status"] == 201
    assert later.caller.get("/v1/sites/FES")["capacity"] == 20


def test_a_forecast_is_given_again_while_what_it_rests_on_stands(later: Later, engine: Engine) -> None:
    asked = "/v1/forecasts?months=2&draws=10"
    ordered = later.order(asked)
    later.work_off()
    kept = files_of(later.settings, ordered["id"]).result
    forecast = kept.read_bytes()
    # What is given again is known by this mark.
    kept.write_bytes(forecast.replace(b'"draws":10', b'"draws":77'))
    with writing(engine) as connection:
        create_token(connection, "nothing-to-do-with-it", "finance", now=NOW)
    assert later.caller("GET", asked).json["draws"] == 77
    assert later.caller("GET", asked + "&seed=2").json["draws"] == 10
    changed = later.caller("PATCH", "/v1/leases/L2", json={"ends_on": "2026-10-15"})
    assert changed.status_code == 200, changed.text
    fresh = later.caller("GET", asked)
    assert (fresh.json["draws"], fresh.data == forecast) == (10, False)
