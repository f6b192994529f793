"""Decisions about debts over HTTP."""

from sqlalchemy import Engine

from billing.check import check
from tests.support.api import Caller


def test_a_debt_is_set_apart_and_lost(park: Caller, engine: Engine) -> None:
    invoice = park.get("/v1/documents?period=2026-08&kind=invoice")["items"][0]
    number, gross = invoice["number"], invoice["gross"]
    order = {"invoice": number, "kind": "doubtful", "reason": "liquidation"}
    answer = park.post("/v1/debts", order)
    assert (answer.status_code, answer.json["doubtful"], answer.json["unpaid"]) == (201, gross, gross)
    assert answer.json["acts"][0]["asked_by"] == "the-finance"
    typed = park.post("/v1/debts", {**order, "kind": "written_off", "approved_by": "Mme Alaoui"})
    assert (typed.status_code, typed.json["errors"][0]["field"]) == (422, "approved_by")
    more = park.post("/v1/debts", {**order, "amount": "0.01"})
    assert (more.status_code, more.json["errors"][0]["field"]) == (422, "amount")
    lost = park.post("/v1/debts", {**order, "kind": "written_off", "decided_on": "2026-09-02"}).json
    assert (lost["unpaid"], lost["doubtful"], lost["written_off"]) == ("0.00", "0.00", gross)
    assert park.get(f"/v1/debts/{number}", scope="auditor") == lost
    assert [act["kind"] for act in park.get("/v1/debts")["items"]] == ["doubtful", "written_off"]
    recovered = park.post("/v1/debts", {**order, "kind": "recovered", "decided_on": "2026-09-02", "reference": "VIR 7"})
    assert (recovered.json["recovered"], recovered.json["acts"][-1]["reference"]) == (gross, "VIR 7")
    name = recovered.json["acts"][-1]["number"]
    address = f"/v1/debts/{number}/recoveries/{name.removeprefix('CR-')}/cancellation"
    back = park.post(address, {"reason": "jamais reçu"})
    assert (back.status_code, back.json["recovered"]) == (201, "0.00")
    assert (back.json["acts"][-1]["cancelled_on"], back.json["acts"][-1]["cancelled_for"]) == (
        "2026-09-02", "jamais reçu",
    )  # fmt: skip
    assert park.post(address, {"reason": "encore"}).status_code == 409
    assert park.post(address.replace(number, "FA-2026-999999"), {"reason": "x"}).status_code == 404
    assert park("GET", "/v1/debts/FA-2026-999999").status_code == 404
    assert park.post("/v1/debts", order, scope="auditor").status_code == 403
    assert check(engine) == []
