"""No day that books or binds for good lies further ahead than its kind may: a year mistyped is refused (R14)."""

from typing import Any

import pytest

from tests.support.api import NOW, Caller

# The clock of the app stands at 2 September 2026.
TODAY, TOMORROW, IN_31_DAYS, IN_32_DAYS = "2026-09-02", "2026-09-03", "2026-10-03", "2026-10-04"
FAR = "2062-09-02"
EVENT = {"event_id": "N1", "tenant": "A1", "site": "TNG", "service": "MEAL", "quantity": "1"}


def ordered(caller: Caller, path: str, body: dict[str, Any]) -> tuple[int, list[str]]:
    """The status of an order, and the fields it is refused for."""
    headers = {"X-Reason": "bail du 2 janvier"}
    answer = caller("POST", path, json=body, headers=headers)
    return answer.status_code, [fault["field"] for fault in answer.json.get("errors", ())]


def unpaid(caller: Caller) -> str:
    number: str = caller.get("/v1/documents?kind=invoice")["items"][0]["number"]
    return number


@pytest.mark.parametrize("day", [TOMORROW, FAR])
def test_a_deposit_moves_when_the_money_does(park: Caller, day: str) -> None:
    assert NOW.date().isoformat() == TODAY
    assert park.post("/v1/deposits", {"lease": "L2"}).status_code == 201
    movement = {"kind": "received", "amount": "10.00", "reference": "V1"}
    assert ordered(park, "/v1/deposits/L2/movements", movement | {"moved_on": day}) == (422, ["moved_on"])
    assert ordered(park, "/v1/deposits/L2/movements", movement | {"moved_on": TODAY}) == (201, [])


@pytest.mark.parametrize("day", [TOMORROW, FAR])
def test_a_debt_is_decided_on_the_day_of_the_decision(park: Caller, day: str) -> None:
    order = {"invoice": unpaid(park), "kind": "doubtful", "reason": "litige"}
    assert ordered(park, "/v1/debts", order | {"decided_on": day}) == (422, ["decided_on"])
    assert ordered(park, "/v1/debts", order | {"decided_on": TODAY}) == (201, [])


@pytest.mark.parametrize("day", [IN_32_DAYS, FAR])
def test_a_grant_is_entered_at_most_31_days_ahead(park: Caller, day: str) -> None:
    grant = {"code": "G9", "funder": "Région", "amount": "1.00"}
    assert ordered(park, "/v1/grants", grant | {"granted_on": day}) == (422, ["granted_on"])
    assert ordered(park, "/v1/grants", grant | {"granted_on": IN_31_DAYS}) == (201, [])
    moved = park("PATCH", "/v1/grants/G9", json={"granted_on": day})
    assert (moved.status_code, moved.json["errors"][0]["field"]) == (422, "granted_on")


def test_usage_is_at_most_a_year_ahead_in_a_batch_too(park: Caller) -> None:
    assert ordered(park, "/v1/usage-events", EVENT | {"occurred_on": FAR}) == (422, ["occurred_on"])
    assert ordered(park, "/v1/usage-events", EVENT | {"occurred_on": "2027-09-04"}) == (422, ["occurred_on"])
    batch = {"events": [EVENT | {"occurred_on": TODAY}, EVENT | {"event_id": "N2", "occurred_on": FAR}]}
    assert ordered(park, "/v1/usage-events/batch", batch) == (422, ["events.1.occurred_on"])
    assert ordered(park, "/v1/usage-events", EVENT | {"occurred_on": "2027-09-03"}) == (201, [])


def test_a_clause_of_interest_begins_within_a_year(park: Caller) -> None:
    clause = {"tenant": "B1", "rate": "0.10"}
    assert ordered(park, "/v1/dunning/interest-clauses", clause | {"effective_from": FAR}) == (422, ["effective_from"])
    assert ordered(park, "/v1/dunning/interest-clauses", clause | {"effective_from": "2027-01-01"}) == (201, [])


def test_an_account_is_closed_by_today(park: Caller) -> None:
    assert ordered(park, "/v1/leases/L5/final-statement", {"on": TOMORROW}) == (422, ["on"])
    assert ordered(park, "/v1/leases/L5/final-statement", {"on": TODAY}) == (201, [])


def test_a_certificate_bears_a_day_that_has_come(park: Caller) -> None:
    receipt = {"means": "transfer", "reference": "V1", "value_date": TODAY, "tenant": "B1"}
    money = {"amount": "100.00", "rent_withholding": "5.00"}
    assert park.post("/v1/receipts", receipt | money).status_code == 201
    order = {"kind": "rent_withholding", "number": "A-1"}
    path = "/v1/receipts/RG-000001/certificates"
    assert ordered(park, path, order | {"certified_on": FAR}) == (422, ["certified_on"])
    assert ordered(park, path, order | {"certified_on": TODAY})[0] in (200, 201)
