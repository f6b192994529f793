"""Usage events voided by a request or a command: what they answer, and that eight at once void once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, func, select

from billing.check import check
from billing.cli import main
from billing.frame.database import reading
from billing.frame.tables import audit_change
from billing.register.tables import usage_void
from tests.support.api import Caller
from tests.support.operations import is_problem

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(engine: Engine) -> Invoke:
    """Runs a command on the test's database, within this process."""
    environment = {"DATABASE_URL": engine.url.render_as_string(hide_password=False)}
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environment)


def sends(caller: Caller, event_id: str, day: str = "2026-08-03") -> None:
    event = {
        "event_id": event_id, "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "100000",
        "occurred_on": day,
    }  # fmt: skip
    assert caller.post("/v1/usage-events", event).status_code == 201


def test_a_request_voids_an_event_and_says_that_it_was_void_already(ground: Caller, engine: Engine) -> None:
    sends(ground, "X2")
    address = "/v1/usage-events/X2/void"
    assert is_problem(ground("GET", address), 404, "not-found")
    first = ground.post(address, {"reason": "cent mille repas"})
    assert (first.status_code, first.json) == (
        201,
        {
            "event_id": "X2", "tenant": "T1", "reason": "cent mille repas", "voided_at": "2026-09-02T08:00:00Z",
            "invoice": None, "line_no": None, "credit_note": None,
        },
    )  # fmt: skip
    again = ground.post(address, {"reason": "autre"})
    assert (again.status_code, again.json) == (200, first.json)
    assert ground.get(address) == first.json
    assert is_problem(ground.post("/v1/usage-events/X9/void", {"reason": "x"}), 404, "not-found")
    assert ground.post(address, {}).status_code == 422
    assert is_problem(ground.post(address, {"reason": " "}), 422, "refused")
    (change,) = ground.get("/v1/changes?subject=usage_voids&key=X2")["items"]
    assert change["after"] == {"reason": "cent mille repas"}
    # A corrected event is a new one: the void one may not come back with other values.
    assert ground.get("/v1/usage-events/X2")["void_reason"] == "cent mille repas"
    assert [event["void_reason"] for event in ground.get("/v1/usage-events")["items"]] == ["cent mille repas"]
    assert check(engine) == []


def test_a_billed_event_names_its_line_then_the_credit_note(ground: Caller, engine: Engine) -> None:
    sends(ground, "X2")
    for period in ("2026-09", "2026-10"):
        assert ground.post("/v1/billing-runs", {"period": period}).status_code == 201
        answer = ground.post("/v1/usage-events/X2/void", {"reason": "faux"}).json
    assert (answer["invoice"], answer["line_no"], answer["credit_note"]) == ("FA-2026-000001", 3, "AV-2026-000001")
    trail = ground.get("/v1/usage-events/X2/trail")
    assert (trail["document"], trail["line_no"]) == ("FA-2026-000001", 3)
    assert check(engine) == []


def test_the_trail_goes_to_the_line_that_billed_an_event_last(ground: Caller, engine: Engine) -> None:
    sends(ground, "X1")
    sends(ground, "X2")
    ground.post("/v1/billing-runs", {"period": "2026-09"})
    ground.post("/v1/usage-events/X2/void", {"reason": "faux"})
    ground.post("/v1/billing-runs", {"period": "2026-10"})
    assert ground.get("/v1/usage-events/X1/trail")["document"] == "FA-2026-000002"
    lines = ground.get("/v1/documents/FA-2026-000002/trail")["lines"]
    assert [line["usage_events"] for line in lines] == [[], ["X1"]]
    assert check(engine) == []


def test_eight_at_once_void_an_event_once(ground: Caller, engine: Engine) -> None:
    sends(ground, "X2")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ground.post("/v1/usage-events/X2/void", {"reason": f"client {n}"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["reason"] for answer in answers}) == 1
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(usage_void)) == 1
        voided = audit_change.c.subject == "usage_voids"
        assert connection.scalar(select(func.count()).select_from(audit_change).where(voided)) == 1
    assert check(engine) == []


def test_the_command_voids_all_or_none_and_says_what_becomes_of_each(ground: Caller, invoke: Invoke) -> None:
    for event_id in ("X1", "X2"):
        sends(ground, event_id)
    ground.post("/v1/billing-runs", {"period": "2026-09"})
    sends(ground, "X3")
    without = invoke("usage", "void", "X1")
    assert (without.exit_code, "needs a reason" in without.stderr) == (1, True)
    refused = invoke("usage", "void", "X1", "X8", "X9", "--reason", "faux")
    assert refused.exit_code == 1
    assert "event_id 'X8' is no known usage event" in refused.stderr
    assert "event_id 'X9' is no known usage event" in refused.stderr
    done = invoke("usage", "void", "X1", "X3", "--reason", "faux")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        [
            "X1 is void: the next run credits line 3 of FA-2026-000001 and bills what is left of it",
            "X3 is void: it was not billed, and no run will bill it",
        ],
    )
    again = invoke("usage", "void", "X1", "--reason", "encore")
    assert again.exit_code == 0
    assert "X1 was void already since" in again.stdout
    assert "nothing changed: faux" in again.stdout
