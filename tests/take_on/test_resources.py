"""A take-on over HTTP (R29): at once, in vain, and by two people (R23)."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.register.network_import import import_folder
from tests.support.api import NOW, Caller, CallerOf
from tests.support.networks import write_network
from tests.support.people import add, token
from tests.support.spoiling import behind_its_back
from tests.support.take_on import FIRST, GRANTS, LEASES, ON, SECOND, TENANTS, records


@pytest.fixture
def opened(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> Caller:
    folder = write_network(tmp_path / "network", tenants=TENANTS, leases=LEASES, grants=GRANTS)
    import_folder(engine, folder, now=NOW)
    return caller_of(engine)


def order(**more: Any) -> dict[str, Any]:
    return {"date": ON, **records(), **more}


def test_a_park_is_taken_on_once_and_looked_at_before(opened: Caller, engine: Engine) -> None:
    assert opened("GET", "/v1/take-on").status_code == 404
    dry = opened.post("/v1/take-on", order(dry_run=True))
    assert dry.status_code == 200
    assert opened("GET", "/v1/take-on").status_code == 404
    made = opened.post("/v1/take-on", order())
    assert (made.status_code, made.json) == (201, dry.json)
    assert opened.get("/v1/take-on", scope="auditor") == made.json
    figures = ("invoices", "open", "vat_not_due", "credit", "deposited", "balances", "used")
    assert [made.json[name] for name in figures] == [2, "4800.00", "769.69", "250.00", "5000.00", 4, "4900.00"]
    assert opened.post("/v1/take-on", order()).status_code == 409
    shown = opened.get(f"/v1/documents/{FIRST}")
    assert (shown["number"], shown["gross"], shown["paid"], shown["open"]) == (FIRST, "3480.00", "1000.00", "2480.00")
    assert opened("GET", f"/v1/documents/{SECOND}").status_code == 200
    assert opened.get(f"/v1/debts/{FIRST}")["unpaid"] == "2480.00"
    assert check(engine) == []


def test_faults_name_the_row_and_what_is_missing(opened: Caller) -> None:
    wrong = order(credits=[{"tenant": "T9", "amount": "250.00", "since": "2026-08-12"}], grants=[])
    answer = opened.post("/v1/take-on", wrong)
    assert answer.status_code == 422
    assert [(fault["field"], fault["row"], fault["code"]) for fault in answer.json["errors"]] == [
        ("credits.0.tenant", 0, "unknown"),
    ]  # fmt: skip


def test_a_number_that_an_address_says_already_is_refused(opened: Caller) -> None:
    behind = {
        rule.rule.partition(":number>/")[2].replace("<serial:decision>", "1")
        for rule in opened.app.url_map.iter_rules()
        if ":number>/" in rule.rule and rule.rule.startswith(("/v1/documents/", "/v1/debts/"))
    }
    assert {"pdf", "explanation", "recoveries/1/cancellation"} <= behind
    for end in (*behind, "..", "./7"):
        invoice = records()["open_invoices"][0] | {"number": f"2026/{end}"}
        answer = opened.post("/v1/take-on", order(open_invoices=[invoice]))
        said = {fault["field"]: fault["problem"] for fault in answer.json["errors"]}
        assert said["open_invoices.0.number"].startswith("would be another address of the service"), end


def test_eight_at_once_take_a_park_on_once(opened: Caller, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda _: opened.post("/v1/take-on", order()).status_code, range(8)))
    assert codes == [201, *[409] * 7]
    assert check(engine) == []


def test_a_take_on_waits_for_a_second_person(opened: Caller, engine: Engine) -> None:
    for name, role in (("amina", "finance"), ("karim", "approver"), ("salma", "admin")):
        add(engine, name, role)
    opened.secrets["amina"] = token(engine, "amina-1", "finance", "amina")
    opened.secrets["karim"] = token(engine, "karim-1", "approvals", "karim")
    waiting = opened.post("/v1/take-on", order(), scope="amina")
    assert (waiting.status_code, waiting.json["kind"], waiting.json["effect"]["open"]) == (202, "take_on", "4800.00")
    assert len(waiting.json["entries"]) == 6
    assert opened("GET", "/v1/take-on").status_code == 404
    assert opened.post("/v1/approvals/1/approve", {}, scope="karim").json["state"] == "approved"
    assert opened.get("/v1/take-on")["open"] == "4800.00"
    assert check(engine) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("UPDATE opening_balance SET amount = 5999999 WHERE line_no = 1", "entry AN/reprise/soldes: account 5141"),
        ("UPDATE opening_grant SET used = 1", "entry AN/reprise/subventions: account 9208"),
        ("DELETE FROM take_on", "takes on what no take-on brought"),
        ("DELETE FROM brought_invoice WHERE document_id = 1", "entry AN/reprise/factures"),
        ("UPDATE settlement SET base = base - 1, vat = vat + 1 WHERE act = 'brought' AND document_id = 1", "2026/0117"),
        ("UPDATE document_line SET amount = amount + 1 WHERE document_id = 1", "2026/0117, brought, says 2900.00"),
        ("UPDATE receipt_leg SET amount = amount + 1", "RG-000001"),
        ("UPDATE deposit_movement SET amount = amount + 1", "entry AN/reprise/depots"),
    ],
)
def test_check_finds_a_take_on_that_was_tampered_with(opened: Caller, engine: Engine, spoil: str, problem: str) -> None:
    assert opened.post("/v1/take-on", order()).status_code == 201
    behind_its_back(engine, spoil)
    assert any(problem in fault for fault in check(engine)), check(engine)
