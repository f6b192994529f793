"""Dunning over HTTP: what is due, sending it once, what was sent; disputes, promises and interest clauses."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from billing.check import check
from tests.support.api import Caller

REASON = {"X-Reason": "appel du 2 septembre"}


def with_reason(caller: Caller, path: str, body: Any) -> Any:
    return caller("POST", path, json=body, headers=REASON)


def test_what_is_due_is_shown_for_any_day_and_sent_today_once(park: Caller, engine: Engine) -> None:
    """The park of the tests was billed on the first of June, July and August; today is 2 September."""
    due = park.get("/v1/dunning/due")
    assert due["on"] == "2026-09-02"
    assert due["reminders"]
    assert park.get("/v1/dunning/due?on=2026-07-27")["reminders"] == []
    first = due["reminders"][0]
    assert {step["days"] for step in first["invoices"]} <= {-3, 3, 15, 30}
    answer = park.post("/v1/dunning/reminders", {})
    assert answer.status_code == 201
    assert len(answer.json["messages"]) == len(due["reminders"])
    again = park.post("/v1/dunning/reminders", {})
    assert (again.status_code, again.json["messages"]) == (200, [])
    assert park.get("/v1/dunning/due")["reminders"] == []
    sent = park.get("/v1/dunning/reminders", scope="auditor")["items"]
    assert [one["message"] for one in sent] == answer.json["messages"]
    assert [(one["tenant"], one["total"]) for one in sent] == [
        (one["tenant"], one["total"]) for one in due["reminders"]
    ]
    assert sent[0]["state"] == "queued"
    number = sent[0]["invoices"][0]["invoice"]
    assert [one["message"] for one in park.get(f"/v1/dunning/reminders?invoice={number}")["items"]] == [
        sent[0]["message"]
    ]
    message = park.get(f"/v1/messages/{sent[0]['message']}")
    assert (message["kind"], message["tenant"]) == ("dunning", sent[0]["tenant"])
    assert park.post("/v1/dunning/reminders", {}, scope="auditor").status_code == 403
    assert check(engine) == []


def test_what_would_be_sent_is_shown_as_it_then_is_sent(park: Caller, engine: Engine) -> None:
    due = park.get("/v1/dunning/due")["reminders"][0]
    tenant = due["tenant"]
    shown = park.get(f"/v1/dunning/preview?tenant={tenant}", scope="auditor")
    letter = park("GET", f"/v1/dunning/preview/letter?tenant={tenant}")
    assert (letter.status_code, letter.content_type, letter.data[:8]) == (200, "application/pdf", b"%PDF-1.7")
    assert shown["copies"] == [each["invoice"] for each in due["invoices"]]
    [number] = park.post("/v1/dunning/reminders", {"tenant": tenant}).json["messages"]
    sent = park.get(f"/v1/messages/{number}")
    for name in ("subject", "paragraphs", "facts", "papers", "copies", "language"):
        assert sent[name] == shown[name]
    assert park("GET", f"/v1/messages/{number}/papers/1").data == letter.data
    again = park("GET", f"/v1/dunning/preview?tenant={tenant}")
    assert (again.status_code, again.json["type"]) == (409, "/problems/conflict")
    assert park("GET", "/v1/dunning/preview?tenant=T999").status_code == 404
    assert park("GET", "/v1/dunning/preview").status_code == 422


def test_what_is_not_due_is_announced_and_not_asked_for(park: Caller) -> None:
    """On 27 August the invoices of June are late, those of July fall due in three days (G1)."""
    [mixed, *_] = [
        each
        for each in park.get("/v1/dunning/due?on=2026-08-27")["reminders"]
        if {step["days"] for step in each["invoices"]} >= {-3, 15}
    ]
    overdue = sum(Decimal(step["open"]) for step in mixed["invoices"] if step["due_on"] < "2026-08-27")
    to_come = sum(Decimal(step["open"]) for step in mixed["invoices"] if step["due_on"] >= "2026-08-27")
    assert (Decimal(mixed["total"]), Decimal(mixed["announced"])) == (overdue, to_come)
    assert to_come > 0


def test_one_tenant_can_be_written_to_alone(park: Caller) -> None:
    tenants = [one["tenant"] for one in park.get("/v1/dunning/due")["reminders"]]
    answer = park.post("/v1/dunning/reminders", {"tenant": tenants[0]})
    assert len(answer.json["messages"]) == 1
    assert [one["tenant"] for one in park.get("/v1/dunning/due")["reminders"]] == tenants[1:]


def test_a_promise_holds_back_until_its_day_and_a_dispute_until_it_is_ended(park: Caller) -> None:
    tenant = park.get("/v1/dunning/due")["reminders"][0]["tenant"]
    promise = {"kind": "promise", "tenant": tenant, "until": "2026-09-10"}
    assert park.post("/v1/dunning/holds", promise).json["type"] == "/problems/reason-required"
    answer = with_reason(park, "/v1/dunning/holds", promise)
    assert (answer.status_code, answer.json["number"], answer.json["since"]) == (201, "SU-000001", "2026-09-02")
    assert (answer.json["recorded_by"], answer.json["reason"]) == ("the-finance", "appel du 2 septembre")
    assert tenant not in [one["tenant"] for one in park.get("/v1/dunning/due?on=2026-09-10")["reminders"]]
    assert tenant in [one["tenant"] for one in park.get("/v1/dunning/due?on=2026-09-11")["reminders"]]
    ended = with_reason(park, "/v1/dunning/holds/SU-000001/end", {})
    assert (ended.status_code, ended.json["ended_on"], ended.json["ended_by"]) == (200, "2026-09-02", "the-finance")
    assert tenant in [one["tenant"] for one in park.get("/v1/dunning/due")["reminders"]]
    assert with_reason(park, "/v1/dunning/holds/SU-000001/end", {}).status_code == 409
    assert with_reason(park, "/v1/dunning/holds/SU-000009/end", {}).status_code == 404
    wrong = with_reason(park, "/v1/dunning/holds", {"kind": "promise", "tenant": tenant})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "until")
    assert [one["number"] for one in park.get(f"/v1/dunning/holds?tenant={tenant}")["items"]] == ["SU-000001"]
    assert park.get("/v1/dunning/holds?on=2026-09-03")["items"] == []


def test_interest_is_shown_only_where_a_clause_says_so(park: Caller) -> None:
    first, second = park.get("/v1/dunning/due")["reminders"][:2]
    clause = {"tenant": first["tenant"], "rate": "0.10", "effective_from": "2020-01-01"}
    answer = with_reason(park, "/v1/dunning/interest-clauses", clause)
    assert (answer.status_code, answer.json["rate"], answer.json["lease"]) == (201, "0.10", None)
    park.post("/v1/dunning/reminders", {})
    sent = {one["tenant"]: one for one in park.get("/v1/dunning/reminders")["items"]}
    late = [one for one in sent[first["tenant"]]["invoices"] if one["days"] > 0]
    assert late
    assert all(one["interest"] != "0.00" for one in late)
    assert all(one["interest"] == "0.00" for one in sent[second["tenant"]]["invoices"])
    for wrong, status in (({"rate": "1.01"}, 422), ({"tenant": "T999"}, 404), ({"lease": "L999"}, 404)):
        assert with_reason(park, "/v1/dunning/interest-clauses", clause | wrong).status_code == status
    assert len(park.get("/v1/dunning/interest-clauses")["items"]) == 1
