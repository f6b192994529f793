"""A lease entered by mistake is removed before it is billed; a billed one is ended (findings B1)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from billing.check import check
from billing.cli import main
from billing.register.network_import import import_folder
from tests.support.api import NOW, Caller
from tests.support.networks import write_network
from tests.support.operations import is_problem

Invoke = Callable[..., Result]
LEASE = {
    "code": "L9", "tenant": "T2", "site": "TNG", "unit": "TNG-9", "area_m2": "20", "starts_on": "2026-09-01",
    "ends_on": None,
}  # fmt: skip


@pytest.fixture
def invoke(engine: Engine) -> Invoke:
    """Runs a command on the test's database, within this process."""
    environment = {"DATABASE_URL": engine.url.render_as_string(hide_password=False)}
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environment)


def test_a_lease_that_was_never_billed_is_removed_and_bills_no_day(ground: Caller, engine: Engine) -> None:
    assert ground.post("/v1/leases", LEASE).status_code == 201
    answer = ground.post("/v1/leases/L9/removal", {"reason": "mauvais locataire"})
    assert (answer.status_code, answer.json) == (200, LEASE | {"reason": "mauvais locataire"})
    assert is_problem(ground("GET", "/v1/leases/L9"), 404, "not-found")
    again = ground.post("/v1/leases/L9/removal", {"reason": "encore"})
    assert is_problem(again, 404, "not-found")
    assert "it was removed, and nothing is changed" in again.json["detail"]
    history = ground.get("/v1/changes?subject=leases&key=L9")["items"]
    assert [change["after"] is None for change in history] == [False, True]
    assert history[1]["before"]["unit"] == "TNG-9"
    (why,) = ground.get("/v1/changes?subject=lease_removals&key=L9")["items"]
    assert why["after"] == {"reason": "mauvais locataire"}
    run = ground.post("/v1/billing-runs", {"period": "2026-09"}).json
    assert run["invoices"]["count"] == 1
    assert ground.post("/v1/leases", LEASE).status_code == 201
    assert check(engine) == []


def test_it_gives_back_the_tenants_window_and_the_unit(ground: Caller) -> None:
    """R3: the earliest lease decides the admission day."""
    early = LEASE | {"tenant": "T1", "starts_on": "2024-02-01"}
    assert ground.post("/v1/leases", early).status_code == 201
    window = {"tenant": "T1", "starts_on": "2026-09-01", "months": 1}
    assert ground.post("/v1/quotes", window).json["window"]["first_day"] == "2024-02-01"
    assert ground.post("/v1/leases/L9/removal", {"reason": "2025 était voulu"}).status_code == 200
    assert ground.post("/v1/quotes", window).json["window"]["first_day"] == "2025-03-10"
    assert ground.post("/v1/leases", LEASE).status_code == 201


def test_a_lease_that_was_billed_or_has_a_deposit_is_refused_and_stays(ground: Caller, engine: Engine) -> None:
    assert ground.post("/v1/leases", LEASE).status_code == 201
    assert ground.post("/v1/deposits", {"lease": "L9"}).status_code == 201
    ground.post("/v1/billing-runs", {"period": "2026-09"})
    refused = ground.post("/v1/leases/L9/removal", {"reason": "x"})
    assert is_problem(refused, 422, "refused")
    assert [error["problem"] for error in refused.json["errors"]] == [
        "was billed by FA-2026-000002",
        "has a deposit that was asked for",
    ]
    assert is_problem(ground.post("/v1/leases/L7/removal", {"reason": "x"}), 404, "not-found")
    assert ground("GET", "/v1/leases/L9").status_code == 200
    assert check(engine) == []


def test_the_command_removes_a_lease_and_says_which(
    ground: Caller, engine: Engine, invoke: Invoke, tmp_path: Path
) -> None:
    folder = write_network(tmp_path / "more", leases=[LEASE])
    import_folder(engine, folder, now=NOW)
    without = invoke("leases", "remove", "L9")
    assert (without.exit_code, "needs a reason" in without.stderr) == (1, True)
    done = invoke("leases", "remove", "L9", "--reason", "saisi en double")
    assert (done.exit_code, done.stdout) == (
        0,
        "L9 is removed: T2, unit TNG-9 at TNG, 20 m², from 2026-09-01 without end\n",
    )
    assert check(engine) == []
