"""Applications: legal steps, waiting lists in order, admission by the import's rules, eight at once (R35)."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from billing.audit.feed.queries import BEGINNING, events
from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.register.network_import import import_folder
from billing.register.network_import.layout import APPLICATION_STATES, APPLICATION_STEPS
from billing.register.tables import application
from tests.oracle.service import NOW
from tests.support.api import Caller
from tests.support.networks import COLUMNS, Row, write_network
from tests.support.park import Park, open_park
from tests.support.people import Invoke, invoker, ok


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[{"code": "T1"}], leases=[{"code": "L1", "tenant": "T1", "unit": "TNG-1"}])
    return park


def command_of(engine: Engine) -> Invoke:
    return invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False)})


def waits(code: str, accepted_on: str, **values: Any) -> Row:
    return {"code": code, "state": "waiting", "decided_on": accepted_on, **values}


def listed(run: Invoke, site: str = "TNG") -> list[str]:
    said = json.loads(ok(run("sites", "waiting-list", site, "--format", "json")))
    assert [firm["place"] for firm in said["waiting"]] == list(range(1, len(said["waiting"]) + 1))
    return [firm["code"] for firm in said["waiting"]]


def test_r35_a_waiting_list_is_in_order_of_the_days_of_acceptance_then_of_application_then_of_codes(
    park: Park,
) -> None:
    run = command_of(park.engine)
    applications = [
        waits("A1", "2026-06-20"), waits("A2", "2026-06-10"), waits("A3", "2026-06-20", received_on="2026-05-02"),
        waits("A0", "2026-06-20"), waits("A4", "2026-06-01", site="CAS"), {"code": "A5"},
        waits("A6", "2026-06-11", state="accepted", area_m2="30.5"), waits("A7", "2026-06-05", state="declined"),
        waits("A8", "2026-06-05", state="admitted", tenant="T1"), {"code": "A9", "state": "withdrawn"},
        waits("B1", "2026-06-25", tenant="T1", legal_name="", kind=""),
    ]  # fmt: skip
    park.enters(applications=applications)
    assert listed(run) == ["A2", "A6", "A3", "A0", "A1", "B1"]
    # Whoever is accepted joins the list; whoever is told to wait, or is given a place, keeps its own.
    ok(run("applications", "accept", "A5", "A2", "--on", "2026-06-20"))
    assert listed(run) == ["A6", "A3", "A0", "A1", "A2", "A5", "B1"]
    ok(run("applications", "wait", "A6"))
    assert listed(run)[0] == "A6"
    rows = ok(run("sites", "waiting-list", "TNG", "--format", "csv")).splitlines()
    assert rows[-1] == "7,B1,T1,Atlas Logiciel,startup,20,2026-06-01,2026-06-25,waiting"
    occupied = json.loads(ok(run("sites", "occupancy", "--on", "2026-06-20", "--format", "json")))
    told = {code: (at["waiting"], at["coming"], at["coming_m2"]) for code, at in occupied["sites"].items()}
    assert told == {"CAS": (1, 0, "0"), "TNG": (6, 2, "40")}
    assert (occupied["network"]["waiting"], occupied["network"]["coming"]) == (7, 2)
    assert "nobody waits" not in ok(run("sites", "waiting-list", "CAS"))
    assert "there is no site XXX" in run("sites", "waiting-list", "XXX").stderr
    found = json.loads(ok(run("applications", "list", "--site", "TNG", "--search", "atlas", "--format", "json")))
    assert [row["code"] for row in found] == ["A8", "B1"]
    assert check(park.engine) == []


def in_state(code: str, state: str) -> Row:
    decided = {} if state == "received" else {"decided_on": "2026-06-02"}
    return {"code": code, "tenant": "T1", "state": state, **decided}


def test_r35_decisions_are_legal_steps(park: Park) -> None:
    run = command_of(park.engine)
    words = {"accepted": "accept", "waiting": "wait", "declined": "decline", "withdrawn": "withdraw"}
    asked = [(f"{was}-{becomes}", was, becomes) for was in APPLICATION_STEPS for becomes in words]
    park.enters(applications=[in_state(code, was) for code, was, _ in asked])
    for code, was, becomes in asked:
        said = run("applications", words[becomes], code, "--reason", "dossier vu en comité")
        assert (said.exit_code == 0) == (becomes in APPLICATION_STEPS[was] or becomes == was), code


def test_r35_a_file_says_what_became_of_applications_and_never_takes_a_decision_back(park: Park) -> None:
    ranks = {"received": 0, "accepted": 1, "waiting": 1, "admitted": 2, "declined": 2, "withdrawn": 2}
    asked = [(f"{was}-{becomes}", was, becomes) for was in APPLICATION_STATES for becomes in APPLICATION_STATES]
    illegal = [x for x in asked if x[1] != x[2] and ranks[x[1]] == ranks[x[2]] == 2]
    others = [x for x in asked if x not in illegal]
    park.enters(applications=[in_state(code, was) for code, was, _ in asked])
    # Any number of steps on; a row that is older than the decision is left as it stands.
    park.enters(applications=[in_state(code, becomes) for code, _, becomes in others])
    with reading(park.engine) as connection:
        stored = dict(connection.execute(select(application.c.code, application.c.state)).all())
    assert {code: stored[code] for code, *_ in others} == {
        code: was if ranks[becomes] < ranks[was] else becomes for code, was, becomes in others
    }
    with pytest.raises(Refused) as refused:
        park.enters(applications=[in_state(code, becomes) for code, _, becomes in illegal])
    assert [(fault.column, fault.problem) for fault in refused.value.faults] == [
        ("state", f"was {was} already, which can't become {becomes}") for _, was, becomes in illegal
    ]
    write_network(park.folder, **{**dict.fromkeys(COLUMNS), "applications": [in_state("waiting-waiting", "received")]})
    report = import_folder(park.engine, park.folder, now=NOW)
    assert (report.changed, [w.problem for w in report.warnings if w.column]) == (
        0, ["is older than what was decided, waiting: the row is left as it stands"]
    )  # fmt: skip
    assert check(park.engine) == []


def test_every_fault_of_an_application_is_named(park: Park) -> None:
    rows = [
        {"code": "A1", "site": "XXX"}, {"code": "A2", "area_m2": "0"}, {"code": "A3", "kind": "bank"},
        {"code": "A4", "state": "lost"}, {"code": "A5", "state": "accepted"},
        {"code": "A6", "decided_on": "2026-06-02"},
        {"code": "A7", "state": "declined", "decided_on": "2026-05-31"}, {"code": "A8", "legal_name": ""},
        {"code": "A9", "kind": "", "tenant": "T9"}, waits("B1", "2026-06-02", state="admitted", tenant="T9"),
        waits("B2", "2026-06-02", state="admitted"),
    ]  # fmt: skip
    with pytest.raises(Refused) as refused:
        park.enters(applications=rows)
    assert [(fault.line, fault.column, fault.problem) for fault in refused.value.faults] == [
        (2, "site", "is no known site"),
        (3, "area_m2", "is zero"),
        (4, "kind", "is not known"),
        (5, "state", "is not known"),
        (6, "decided_on", "is blank"),
        (7, "decided_on", "is a day of decision, and nothing is decided"),
        (8, "decided_on", "is before the application was received on 2026-06-01"),
        (9, "legal_name", "is blank"),
        (10, "kind", "is blank"),
        (11, "tenant", "is no known tenant, and the application is admitted"),
        (12, "tenant", "is no known tenant, and the application is admitted"),
    ]


def test_r35_admission_makes_tenant_and_lease_by_the_imports_rules(ground: Caller, engine: Engine) -> None:
    firm = {"legal_name": "Argan", "kind": "startup", "received_on": "2026-08-01", "incorporated_on": "2026-02-03"}
    asked = {"site": "TNG", "area_m2": "20", "state": "received", **firm}
    assert ground.post("/v1/applications", {"code": "A1", **asked}).status_code == 201
    terms = {"unit": "TNG-1", "starts_on": "2026-09-15", "tenant": "T77"}

    def admits(**more: Any) -> Any:
        return ground.post("/v1/applications/A1/admission", {**terms, **more})

    def fields(answer: Any) -> list[str]:
        assert answer.status_code == 422
        return [error["field"] for error in answer.json["errors"]]

    assert fields(admits()) == ["state"]
    decision = ground.post("/v1/applications/A1/decision", {"state": "accepted", "decided_on": "2026-08-20"})
    assert (decision.json["state"], decision.json["decided_on"]) == ("accepted", "2026-08-20")
    assert (
        ground.post("/v1/applications/A1/decision", {"state": "declined"}).json["type"] == "/problems/reason-required"
    )
    assert fields(ground.post("/v1/applications/A1/decision", {"state": "waiting", "decided_on": "2026-09-03"})) == [
        "decided_on"
    ]
    assert ground.get("/v1/sites/TNG/waiting-list")["waiting"][0]["code"] == "A1"
    # TNG-1 is let; nothing of a refused admission stays.
    assert fields(admits()) == ["unit"]
    assert ground("GET", "/v1/tenants/T77").status_code == 404
    assert fields(admits(unit="TNG-2", tenant=None)) == ["tenant"]
    assert fields(admits(unit="TNG-2", firm={"ice": "12"})) == ["ice"]
    made = admits(unit="TNG-2", firm={"email": "compta@argan.example", "ice": "001561191000066"})
    assert made.status_code == 201
    assert made.json["application"] == {
        **ground.get("/v1/applications/A1"), "state": "admitted", "tenant": "T77", "decided_on": "2026-09-02",
    }  # fmt: skip
    tenant = ground.get("/v1/tenants/T77")
    assert made.json["tenant"] == tenant
    assert (tenant["legal_name"], tenant["incorporated_on"], tenant["email"]) == (
        "Argan", "2026-02-03", "compta@argan.example"
    )  # fmt: skip
    assert made.json["lease"] == ground.get("/v1/leases/A1")
    assert (made.json["lease"]["area_m2"], made.json["lease"]["starts_on"]) == ("20", "2026-09-15")
    # A tenant's second office: its own row stands.
    second = {"code": "A2", **asked, "state": "waiting", "decided_on": "2026-08-20", "tenant": "T77"}
    ground.post("/v1/applications", second)
    again = {"unit": "TNG-3", "starts_on": "2026-10-01", "lease": "L-A2", "area_m2": "8"}
    known = ground.post("/v1/applications/A2/admission", {**again, "firm": {"city": "Tanger"}})
    assert fields(known) == ["tenant"]
    assert ground.post("/v1/applications/A2/admission", again).json["lease"]["code"] == "L-A2"
    with reading(engine) as connection:
        told = [x.type for x in events(connection, BEGINNING, 500).items if x.subject.kind == "application"]
    assert told == [
        "application.created", "application.accepted", "application.admitted", "application.created",
        "application.admitted",
    ]  # fmt: skip
    assert check(engine) == []


def test_no_unit_is_let_twice_by_eight_admissions_at_once(ground: Caller, engine: Engine) -> None:
    for n in range(1, 9):
        firm = {"legal_name": f"Firme {n}", "kind": "large", "received_on": "2026-08-01"}
        accepted = {"state": "accepted", "decided_on": "2026-08-02"}
        ground.post("/v1/applications", {"code": f"A{n}", "site": "TNG", "area_m2": "20", **firm, **accepted})

    def admits(n: int) -> int:
        terms = {"unit": "TNG-7", "starts_on": f"2026-10-0{n}", "tenant": f"N{n}"}
        code: int = ground.post(f"/v1/applications/A{n}/admission", terms).status_code
        return code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(admits, range(1, 9))) == [201, *[422] * 7]
    states = [row["state"] for row in ground.get("/v1/applications")["items"]]
    assert sorted(states) == [*["accepted"] * 7, "admitted"]
    assert check(engine) == []
