"""Receipts over HTTP: recorded alone and in batches, placed, allocated, undone, cleared, returned, paid back."""

from typing import Any

from sqlalchemy import Engine

from billing.check import check
from tests.support.api import Caller
from tests.support.statements import counted_statements


def invoice_of(park: Caller, tenant: str) -> dict[str, Any]:
    found = park.get(f"/v1/open-items?tenant={tenant}")["items"]
    return next(item for item in found if item["kind"] == "invoice")


def order(**fields: Any) -> dict[str, Any]:
    return {"means": "transfer", "reference": "V1", "value_date": "2026-09-01", "amount": "1000.00"} | fields


def test_a_receipt_is_recorded_once_and_tells_its_story(park: Caller, engine: Engine) -> None:
    due = invoice_of(park, "B1")
    body = order(tenant="B1", rent_withholding="50.00", reason="attestation", payer_text=f"loyer {due['number']}")
    made = park.post("/v1/receipts", body)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == "/v1/receipts/RG-000001"
    story = made.json
    assert (story["number"], story["amount"], story["state"]) == ("RG-000001", "1050.00", "cashed")
    assert [leg["account"] for leg in story["legs"]] == ["5141", "3453"]
    assert [(one["invoice"], one["amount"], one["how"]) for one in story["allocations"]] == [
        (due["number"], "1050.00", "reference"),
    ]  # fmt: skip
    again = park.post("/v1/receipts", body)
    assert (again.status_code, again.json) == (200, story)
    other = park.post("/v1/receipts", body | {"amount": "999.00"})
    assert (other.status_code, other.json["type"]) == (409, "/problems/conflict")
    assert "with another amount" in other.text
    [missing] = park.get("/v1/withholdings?missing=true", "auditor")["items"]
    assert (missing["receipt"], missing["amount"], missing["certificate"]) == ("RG-000001", "50.00", None)
    certificate = {"kind": "rent_withholding", "number": "A-118", "certified_on": "2026-09-02"}
    for status in (201, 200):
        assert park.post("/v1/receipts/RG-000001/certificates", certificate).status_code == status
    again = certificate | {"number": "A-119"}
    assert park.post("/v1/receipts/RG-000001/certificates", again).json["type"] == "/problems/reason-required"
    assert park.get("/v1/withholdings?missing=true")["items"] == []
    assert park.get("/v1/withholdings?tenant=B1")["items"][0]["certificate"] == "A-118"
    assert check(engine) == []


def test_a_batch_is_taken_whole_or_not_at_all_with_every_fault_in_its_place(park: Caller, engine: Engine) -> None:
    good = order(tenant="B1")
    bad = order(reference="V2", tenant="NOBODY", currency="EUR")
    refused = park.post("/v1/receipts/batch", {"receipts": [good, bad, order(reference="V3", value_date="2027-01-01")]})
    assert refused.status_code == 422
    assert {error["row"] for error in refused.json["errors"]} == {1, 2}
    assert "receipts.1.tenant" in [error["field"] for error in refused.json["errors"]]
    assert park.get("/v1/receipts")["items"] == []
    taken = park.post("/v1/receipts/batch", {"receipts": [good, order(reference="V2", tenant="A1")]}, key="once")
    assert (taken.status_code, taken.json) == (201, {"receipts": ["RG-000001", "RG-000002"]})
    again = park.post("/v1/receipts/batch", {"receipts": [good, order(reference="V2", tenant="A1")]})
    assert (again.status_code, again.json) == (200, taken.json)
    assert check(engine) == []


def test_nobodys_money_is_placed_allocated_undone_and_paid_back(park: Caller, engine: Engine) -> None:
    due = invoice_of(park, "B1")
    assert park.post("/v1/receipts", order()).json["unplaced"] == "1000.00"
    assert [row["number"] for row in park.get("/v1/receipts?unplaced=true")["items"]] == ["RG-000001"]
    placed = park.post("/v1/receipts/RG-000001/placements", {"tenant": "B1", "amount": "900.00"})
    assert (placed.json["placements"][0]["left"], placed.json["unplaced"]) == ("900.00", "100.00")
    parts = [{"invoice": due["number"], "amount": "600.00"}]
    allocated = park.post("/v1/receipts/RG-000001/allocations", {"allocation": "explicit", "allocations": parts})
    assert allocated.status_code == 201, allocated.text
    [one] = park.get(f"/v1/allocations?invoice={due['number']}")["items"]
    assert (one["amount"], one["undone_on"]) == ("600.00", None)
    assert invoice_of(park, "B1")["open"] != due["open"]
    undone = park.post(f"/v1/allocations/{one['id']}/undo", {"reason": "mauvaise facture"})
    assert (undone.status_code, undone.json["undone_for"]) == (200, "mauvaise facture")
    assert park.post(f"/v1/allocations/{one['id']}/undo", {"reason": "encore"}).status_code == 409
    assert invoice_of(park, "B1")["open"] == due["open"]
    back = park.post("/v1/receipts/RG-000001/withdrawals", {"tenant": "B1", "reason": "autre payeur"})
    assert back.json["unplaced"] == "1000.00"
    refund = {"reference": "R1", "refunded_on": "2026-09-02", "receipt": "RG-000001"}
    assert park.post("/v1/refunds", refund).json["type"] == "/problems/reason-required"
    paid = park("POST", "/v1/refunds", json=refund, headers={"X-Reason": "inconnu"})
    assert (paid.status_code, paid.json["number"], paid.json["amount"]) == (201, "RB-000001", "1000.00")
    again = park("POST", "/v1/refunds", json=refund, headers={"X-Reason": "inconnu"})
    assert (again.status_code, again.json) == (200, paid.json)
    assert park.get("/v1/receipts?unplaced=true")["items"] == []
    park.post("/v1/receipts", order(reference="V2"))
    # It is nobody's, and settles nothing.
    assert park.post("/v1/receipts/RG-000002/allocations", {"allocation": "automatic"}).status_code == 200
    assert check(engine) == []


def test_a_cheque_is_cleared_or_comes_back(park: Caller, engine: Engine) -> None:
    for reference in ("1", "2"):
        park.post("/v1/receipts", order(means="cheque", reference=reference, tenant="B1"))
    assert [row["number"] for row in park.get("/v1/receipts?state=to_clear")["items"]] == ["RG-000001", "RG-000002"]
    assert park.post("/v1/receipts/RG-000001/clear", {"on": "2026-09-02"}).json["state"] == "cleared"
    bounced = park.post("/v1/receipts/RG-000002/bounce", {"on": "2026-09-02", "reason": "sans provision"})
    assert (bounced.json["state"], bounced.json["allocations"][0]["undone_for"]) == ("bounced", "sans provision")
    assert park.post("/v1/receipts/RG-000002/clear", {"on": "2026-09-02"}).status_code == 409
    assert park.post("/v1/receipts/RG-000009/clear", {"on": "2026-09-02"}).status_code == 404
    assert check(engine) == []


def test_a_credit_note_by_hand_lowers_what_is_due_at_once(park: Caller, engine: Engine) -> None:
    due = invoice_of(park, "B1")
    credit = {"invoice": due["number"], "lines": [{"line": 1, "amount": "100.00"}], "reason": "panne"}
    note = park.post("/v1/credit-notes", credit).json
    after = invoice_of(park, "B1")
    assert after["number"] == due["number"]
    assert round(float(due["open"]) - float(after["open"]), 2) == float(note["gross"]) == 120.0
    nothing = park.post("/v1/allocations", {})
    assert (nothing.status_code, nothing.json) == (200, {"allocations": []})
    assert check(engine) == []


LISTS = ("receipts", "allocations", "withholdings", "refunds", "open-items", "cash-receipts")


def test_a_list_asks_no_more_statements_for_many_rows(park: Caller, engine: Engine) -> None:
    def record(first: int, last: int) -> None:
        due = invoice_of(park, "B1")["number"]
        for n in range(first, last):
            paid = order(
                reference=f"V{n}", tenant="B1", amount="2.00", rent_withholding="1.00", payer_text=due, reason="test"
            )
            cash = order(reference=f"C{n}", tenant="B1", amount="1.00", means="cash", allocation="none")
            assert park.post("/v1/receipts/batch", {"receipts": [paid, cash]}).status_code == 201
            refund = {"reference": f"R{n}", "refunded_on": "2026-09-02", "receipt": f"RG-{2 * n:06d}", "tenant": "B1"}
            answer = park("POST", "/v1/refunds", json=refund, headers={"X-Reason": "trop perçu"})
            assert answer.status_code == 201, answer.text

    def asked() -> tuple[dict[str, int], dict[str, int]]:
        rows, statements = {}, {}
        for name in LISTS:
            with counted_statements(engine) as executed:
                rows[name] = len(park.get(f"/v1/{name}?limit=500")["items"])
            statements[name] = len(executed)
        return rows, statements

    record(1, 3)
    few, asked_for_few = asked()
    record(3, 13)
    many, asked_for_many = asked()
    assert asked_for_many == asked_for_few
    grown = {name for name in LISTS if many[name] > few[name]}
    assert grown == set(LISTS) - {"open-items"}


def test_a_receipt_entered_by_mistake_is_cancelled_for_a_reason(park: Caller, engine: Engine) -> None:
    due = invoice_of(park, "B1")
    parts = [{"invoice": due["number"], "amount": "600.00"}]
    park.post("/v1/receipts", order(tenant="B1", allocation="explicit", allocations=parts))
    refund = {"reference": "R1", "refunded_on": "2026-09-02", "receipt": "RG-000001", "tenant": "B1"}
    assert park("POST", "/v1/refunds", json=refund, headers={"X-Reason": "trop-perçu"}).status_code == 201
    assert park.post("/v1/receipts/RG-000001/cancellation", {}).json["type"] == "/problems/reason-required"
    held = park.post("/v1/receipts/RG-000001/cancellation", {"reason": "doublon"})
    assert held.status_code == 409
    assert "was paid back in part (RB-000001)" in held.json["detail"]
    paid = park.post("/v1/refunds/RB-000001/cancellation", {"reason": "jamais payé"})
    assert (paid.status_code, paid.json["cancelled_on"], paid.json["cancelled_for"]) == (
        201, "2026-09-02", "jamais payé",
    )  # fmt: skip
    body, said = {"on": "2026-09-02"}, {"X-Reason": "doublon"}
    made = park("POST", "/v1/receipts/RG-000001/cancellation", json=body, headers=said)
    assert made.status_code == 201, made.text
    assert made.json["state"] == "cancelled"
    assert made.json["cancellation"] == {"cancelled_on": "2026-09-02", "booked_on": "2026-09-02", "reason": "doublon"}
    assert [part["undone_for"] for part in made.json["allocations"]] == ["doublon"]
    assert park.post("/v1/receipts/RG-000001/cancellation", {"reason": "encore"}).status_code == 409
    assert park.post("/v1/receipts/RG-000009/cancellation", {"reason": "encore"}).status_code == 404
    assert [row["number"] for row in park.get("/v1/receipts?state=cancelled")["items"]] == ["RG-000001"]
    assert invoice_of(park, "B1")["open"] == due["open"]
    assert check(engine) == []


def test_equal_cash_counts_twice_if_told_so_and_another_tenants_invoice_needs_a_reason(
    park: Caller, engine: Engine
) -> None:
    cash = order(means="cash", reference="ESPECES", tenant="B1", amount="50.00", allocation="none")
    answers = [park.post("/v1/receipts", cash | {"occurrence": nth}) for nth in (1, 1, 2, 2)]
    assert [(answer.status_code, answer.json["number"]) for answer in answers] == [
        (201, "RG-000001"), (200, "RG-000001"), (201, "RG-000002"), (200, "RG-000002"),
    ]  # fmt: skip
    due = invoice_of(park, "B1")["number"]
    wrong = order(tenant="A1", allocations=[{"invoice": due, "amount": "10.00"}])
    refused = park.post("/v1/receipts", wrong)
    assert refused.status_code == 422
    assert "is an invoice of B1, the payer is A1" in refused.text
    meant = park.post("/v1/receipts", wrong | {"reason": "la maison mère paie"})
    assert (meant.status_code, meant.json["withheld"], meant.json["money"]) == (201, "0.00", "1000.00")
    undone = park.post("/v1/receipts/RG-000003/undoings", {"invoice": due, "reason": "erreur"})
    assert (undone.status_code, undone.json["allocations"][0]["undone_for"]) == (201, "erreur")
    assert park.post("/v1/receipts/RG-000003/undoings", {"invoice": due, "reason": "erreur"}).status_code == 404
    early = park.post("/v1/receipts", order(reference="V7", value_date="2025-09-01"))
    assert early.json["warnings"] != []
    batch = park.post("/v1/receipts/batch", {"receipts": [order(reference="V8", value_date="2025-09-01")]})
    assert [warning[:11] for warning in batch.json["warnings"]][:1] == ["RG-000005: "]
    assert check(engine) == []
