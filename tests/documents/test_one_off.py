"""Invoices made by hand, asked for over HTTP and at the terminal."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from billing.check import check
from billing.frame.database import reading
from billing.frame.tables import audit_event
from invoices.models import document
from tests.support.api import Caller
from tests.support.statements import counted_statements

LINES = [
    {"service": "OFFICE", "text": "Badge perdu ; n° 117", "quantity": "1", "price": "150.00"},
    {"service": "MEAL", "text": "Repas du conseil", "quantity": "12", "price": "38.5"},
]
ORDER = {"tenant": "B1", "site": "TNG", "lines": LINES, "reason": "Badge perdu le 12 août"}


def documents_in(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(document)) or 0


def test_an_invoice_is_issued_once_under_one_key_and_can_be_read(park: Caller, engine: Engine) -> None:
    answer = park.post("/v1/one-off-invoices", ORDER, key="k1")
    assert answer.status_code == 201, answer.text
    issued = answer.json
    assert answer.headers["Location"] == f"/v1/one-off-invoices/{issued['number']}"
    assert (issued["issued_on"], issued["due_on"], issued["issued_by"]) == ("2026-09-02", "2026-11-01", "the-finance")
    assert (issued["net"], issued["tax"], issued["gross"], issued["warnings"]) == ("612.00", "76.20", "688.20", [])
    assert issued["lines"][1] == {
        "service": "MEAL", "text": "Repas du conseil", "quantity": "12", "price": "38.50", "amount": "462.00",
        "vat_rate": "0.10", "account": "71243",
    }  # fmt: skip
    assert park.post("/v1/one-off-invoices", ORDER, key="k1").json == issued
    assert park.post("/v1/one-off-invoices", {**ORDER, "reason": "autre"}, key="k1").status_code == 422
    assert park.get(f"/v1/one-off-invoices/{issued['number']}") == issued
    assert park.get("/v1/one-off-invoices?tenant=B1", scope="auditor")["items"] == [issued]
    assert park.get("/v1/one-off-invoices?tenant=NOBODY")["items"] == []
    of_run = park.get("/v1/documents?period=2026-08&kind=invoice")["items"][0]["number"]
    assert park("GET", f"/v1/one-off-invoices/{of_run}").status_code == 404
    assert park.get("/v1/credit-notes")["items"] == []
    told = park.get(f"/v1/documents/{issued['number']}")
    assert (told["period"], told["kind"], told["gross"]) == (None, "invoice", "688.20")
    line = told["lines"][0]
    assert [line[name] for name in ("tier", "lease", "first_day", "full_amount", "cost_amount")] == [
        "market", None, None, "150.00", "150.00",
    ]  # fmt: skip
    assert park("GET", f"/v1/documents/{issued['number']}/pdf").data.startswith(b"%PDF")
    xml = park("GET", f"/v1/documents/{issued['number']}/xml").data.decode()
    assert "Badge perdu ; n° 117" in xml
    assert "BillingSpecifiedPeriod" not in xml
    assert park.get(f"/v1/deliveries/{issued['number']}")["state"] == "queued"
    assert park.get(f"/v1/documents/{issued['number']}/trail")["number"] == issued["number"]
    with reading(engine) as connection:
        mine = audit_event.c.operation == "POST /v1/one-off-invoices"
        act = connection.execute(select(audit_event).where(mine)).one()
    assert (act.actor, act.first_document, act.last_document) == ("the-finance", 14, 14)
    assert check(engine) == []


def test_the_same_without_a_key_is_another_invoice_and_said_so(park: Caller, engine: Engine) -> None:
    first = park.post("/v1/one-off-invoices", ORDER).json["number"]
    second = park.post("/v1/one-off-invoices", ORDER).json
    assert second["warnings"] == [f"{first} of the same day bears the same lines"]
    assert check(engine) == []


def test_a_dry_run_answers_what_would_be_issued(park: Caller, engine: Engine) -> None:
    before = documents_in(engine)
    answer = park.post("/v1/one-off-invoices", {**ORDER, "dry_run": True}, key="k1")
    assert (answer.status_code, answer.json["number"], answer.json["gross"]) == (200, None, "688.20")
    assert documents_in(engine) == before
    issued = park.post("/v1/one-off-invoices", ORDER).json
    assert {**issued, "number": None} == answer.json


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"tenant": "T99"}, "tenant"),
        ({"site": "RBA"}, "site"),
        ({"reason": " "}, "reason"),
        ({"reason": None}, "reason"),
        ({"lines": []}, "lines"),
        ({"issue_date": "2062-09-02"}, "issue_date"),
        ({"lines": [LINES[0], {**LINES[1], "quantity": "0"}]}, "lines.1.quantity"),
        ({"lines": [{**LINES[0], "price": "-150.00"}]}, "lines.0.price"),
        ({"lines": [{**LINES[0], "price": "1000000.0001"}]}, "lines.0.price"),
        ({"lines": [{**LINES[0], "service": "GIFT"}]}, "lines.0.service"),
        ({"lines": [{**LINES[0], "text": "\U0001f98a"}]}, "lines.0.text"),
        ({"lines": [{**LINES[0], "amount": "1.00"}]}, "lines.0.amount"),
    ],
)
def test_what_is_wrong_is_refused_and_writes_nothing(
    park: Caller, engine: Engine, changed: dict[str, Any], field: str
) -> None:
    before = documents_in(engine)
    answer = park.post("/v1/one-off-invoices", {**ORDER, **changed})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field), answer.text
    assert documents_in(engine) == before


def test_only_finance_bills_and_no_day_goes_back(park: Caller) -> None:
    assert park.post("/v1/one-off-invoices", ORDER, scope="auditor").status_code == 403
    back = park.post("/v1/one-off-invoices", {**ORDER, "issue_date": "2026-07-31"})
    assert (back.status_code, back.json["type"]) == (409, "/problems/run-refused"), json.dumps(back.json)


def test_a_list_takes_the_same_statements_for_one_and_for_three(park: Caller, engine: Engine) -> None:
    for text in ("Clé", "Badge", "Serrure"):
        lines = [{**LINES[0], "text": text}]
        assert park.post("/v1/one-off-invoices", {**ORDER, "lines": lines}).status_code == 201
    counts = {}
    for limit in (1, 500):
        with counted_statements(engine) as statements:
            rows = len(park.get(f"/v1/one-off-invoices?limit={limit}")["items"])
        counts[rows] = len(statements)
    assert list(counts) == [1, 3]
    assert len(set(counts.values())) == 1, counts
