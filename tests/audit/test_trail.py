"""From an account's balance down to the person, and back up."""

from tests.support.api import Caller


def test_an_auditor_goes_from_a_balance_down_to_whoever_caused_it(park: Caller) -> None:
    accounts = {found["account"] for found in park.get("/v1/ledger/trial-balance", "auditor")["accounts"]}
    assert "3421" in accounts
    entries = park.get("/v1/ledger/accounts/3421/entries?auxiliary=A1", "auditor")["items"]
    assert entries[0] == park.get(f"/v1/ledger/entries/{entries[0]['number']}", "auditor")
    number = entries[0]["document"]
    trail = park.get(f"/v1/documents/{number}/trail", "auditor")
    assert (trail["tenant"], trail["entries"], trail["act"]) == ("A1", [entries[0]["number"]], entries[0]["act"])
    assert {line["lease"] for line in trail["lines"]} == {"L1", None}
    events = [event for line in trail["lines"] for event in line["usage_events"]]
    assert events == ["U1", "U2"]
    event = park.get("/v1/usage-events/U1/trail", "auditor")
    assert (event["document"], trail["lines"][event["line_no"] - 1]["usage_events"]) == (number, ["U1", "U2"])
    brought = park.get(f"/v1/acts/{event['act']}", "auditor")
    assert brought["added"]["import"] == {"first": 1, "last": 1}
    assert brought["added"]["usage_event"]["first"] == 1
    posted = park.get(f"/v1/acts/{entries[0]['act']}", "auditor")
    assert posted["added"]["entry"]["first"] <= entries[0]["number"] <= posted["added"]["entry"]["last"]


def test_a_row_of_the_register_has_its_whole_history(ground: Caller) -> None:
    for city in ("Fès", "Oujda"):
        ground("PATCH", "/v1/tenants/T1", json={"city": city}, headers={"X-Reason": f"moved to {city}"})
    history = ground.get("/v1/changes?subject=tenants&key=T1", "auditor")["items"]
    assert [change["after"]["city"] for change in history][1:] == ["Fès", "Oujda"]
    assert history[2]["before"] == {"city": "Fès"}
    act = ground.get(f"/v1/acts/{history[2]['act']}", "auditor")
    assert (act["actor"], act["reason"]) == ("the-finance", "moved to Oujda")
    assert ground.get(f"/v1/acts/{act['number']}/changes", "auditor")["items"] == history[2:]
    assert ground.get("/v1/acts?actor=the-finance", "auditor")["items"][-1] == act


def test_changes_are_asked_for_by_kinds_of_thing_that_there_are(ground: Caller) -> None:
    assert ground("GET", "/v1/changes?subject=tenant").status_code == 422
    assert ground.get("/v1/changes?subject=rows", "auditor")["items"] != []


def test_a_reversal_and_what_it_takes_back_name_each_other(park: Caller) -> None:
    entries = park.get("/v1/ledger/accounts/9208/entries?limit=500")["items"]
    taken_back = [found for found in entries if found["reversed_by"]]
    for found in taken_back:
        (number,) = found["reversed_by"]
        assert park.get(f"/v1/ledger/entries/{number}")["reverses"] == found["number"]
    assert taken_back


def test_what_does_not_exist_has_no_trail(ground: Caller) -> None:
    absent = ("acts/999", "acts/999/changes", "ledger/entries/999", "documents/FA-2026-999999/trail")
    for path in (*absent, "usage-events/nothing/trail"):
        assert ground("GET", f"/v1/{path}").status_code == 404


def test_overriding_a_price_that_has_begun_needs_a_reason(ground: Caller) -> None:
    rate = ground.get("/v1/rates?site=TNG&service=OFFICE")["items"][0]
    kind = rate["tenant_kind"] or "any"
    path = f"/v1/rates/TNG/OFFICE/{kind}/{rate['effective_from']}"
    refused = ground("PATCH", path, json={"market": "151.00"})
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/reason-required")
    changed = ground("PATCH", path, json={"market": "151.00"}, headers={"X-Reason": "avenant du 1er septembre"})
    assert (changed.status_code, changed.json["market"]) == (200, "151.00")
