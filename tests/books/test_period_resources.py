"""Accounting periods over HTTP."""

from tests.support.api import Caller


def test_a_month_is_closed_and_reopened_for_a_reason(park: Caller) -> None:
    for period in ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05"):
        assert park.post(f"/v1/periods/{period}/close", None).status_code == 200
    closed = park.post("/v1/periods/2026-06/close", None).json
    assert (closed["period"], closed["state"], len(closed["digest"])) == ("2026-06", "closed", 64)
    assert park.get("/v1/periods/2026-07")["state"] == "open"
    refused = park.post("/v1/periods/2026-06/reopen", None)
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/reason-required")
    again = park("POST", "/v1/periods/2026-06/reopen", headers={"X-Reason": "a bank charge was forgotten"})
    assert (again.json["state"], again.json["digest"]) == ("open", None)
    assert [found["action"] for found in again.json["history"]] == ["close", "reopen"]
    listed = park.get("/v1/periods?limit=500", "auditor")["items"]
    assert listed[-1]["reason"] == "a bank charge was forgotten"
    assert [found["number"] for found in listed] == list(range(1, 8))


def test_what_cannot_be_closed_says_why(park: Caller) -> None:
    refused = park.post("/v1/periods/2026-07/close", None)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/period")
    assert refused.json["detail"] == "2026-01 comes first: months are closed one after the other"
    assert park.post("/v1/periods/2026-09/close", None).json["detail"] == "2026-09 has not ended: close it once it has"


def test_only_finance_closes(park: Caller) -> None:
    assert park.post("/v1/periods/2026-01/close", None, scope="auditor").status_code == 403


def test_a_year_that_has_not_ended_is_not_closed_and_undoing_needs_a_reason(park: Caller) -> None:
    year = park.get("/v1/fiscal-years/2026")
    assert (year["determined"], year["opened"]) == (False, False)
    assert park.post("/v1/fiscal-years/2026/close", None).json["detail"].startswith("2026 has not ended")
    assert park.post("/v1/fiscal-years/2026/undo", None).json["type"] == "/problems/reason-required"
    closed = park.post("/v1/fiscal-years/2025/close", None).json
    assert closed.pop("unfinished") == park.get("/v1/fiscal-years/2025/checklist", "auditor")["unfinished"]
    assert closed == {"year": 2025, "result": "0.00", "determined": True, "opened": True, "whole_books": False}
    assert park.get("/v1/fiscal-years/2025", "auditor") == closed
    assert park("GET", "/v1/fiscal-years/9999").status_code == 404
