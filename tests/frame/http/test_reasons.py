"""A reason is given in the header or in the body, the same wherever one is taken; the act bears it."""

from typing import Any

from tests.support.api import Caller
from tests.support.operations import is_problem, operations

WHY = "erreur de saisie relevée le 3"


def test_a_body_says_that_the_header_stands_for_its_reason(ground: Caller) -> None:
    document = ground.get("/openapi.json", None)
    taking = set()
    for operation in operations(ground.app):
        told = document["paths"][operation.documented][operation.method.lower()]
        content = told.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        reason = schema["properties"].get("reason")
        # A VAT version's own names an article.
        if reason is not None and operation.documented.startswith("/v1/vat-rates"):
            continue
        view: Any = ground.app.view_functions[operation.endpoint]
        assert (reason is not None) == view.takes_reason, operation
        if reason is not None:
            taking.add(operation.documented)
            assert "reason" not in schema.get("required", ()), operation
            assert reason["description"].endswith("here or as the header X-Reason"), operation
            assert "X-Reason" in {parameter["name"] for parameter in told["parameters"]}, operation
    assert len(taking) > 20


def test_either_stands_for_the_other(park: Caller) -> None:
    paid = {"means": "transfer", "reference": "V1", "value_date": "2026-09-01", "tenant": "B1", "amount": "100.00"}
    received = park.post("/v1/receipts", {**paid, "allocation": "none"}).json["number"]
    [invoice] = [d["number"] for d in park.get("/v1/documents?tenant=C1&period=2026-06&kind=invoice")["items"]]
    refund = {"reference": "R1", "refunded_on": "2026-09-01", "receipt": received, "tenant": "B1", "amount": "1.00"}
    orders: tuple[tuple[str, str, dict[str, Any] | None, str], ...] = (
        ("POST", "/v1/credit-notes", {"invoice": invoice, "lines": [{"line": 1, "amount": "1.00"}]}, "validation"),
        ("POST", "/v1/usage-events/U8/void", {}, "validation"),
        ("POST", "/v1/refunds", refund, "reason-required"),
        ("POST", "/v1/dunning/holds", {"kind": "dispute", "tenant": "B1"}, "reason-required"),
        ("PATCH", "/v1/rates/CAS/MEETING/any/2015-01-01", {"source": "grille"}, "reason-required"),
        ("POST", f"/v1/receipts/{received}/cancellation", {}, "reason-required"),
    )
    for method, address, body, slug in orders:
        without = park(method, address, json=body)
        assert is_problem(without, 422, slug), (address, without.json)
        assert "X-Reason" in without.text, address
        if slug == "validation":
            assert [error["field"] for error in without.json["errors"]] == ["reason"], address
        else:
            assert is_problem(park(method, address, json={**(body or {}), "reason": None}), 422, slug), address
    for in_body in (True, False):
        for method, address, body, _ in orders[:-1]:
            order = dict(body or {})
            if address == "/v1/refunds":
                order["reference"] = f"R{in_body}"
            if method == "PATCH":
                order["source"] = f"grille {in_body}"
            given: dict[str, Any] = {"json": order, "headers": {} if in_body else {"X-Reason": WHY}}
            if in_body:
                order["reason"] = WHY
            done = park(method, address, **given)
            assert done.status_code in (200, 201), (address, done.text)
            if "reason" in done.json:
                assert done.json["reason"] == WHY, address
    acts = park.get("/v1/acts?limit=500&origin=api")["items"]
    # The event was void already, the second time: nothing was written.
    assert [act["reason"] for act in acts if act["reason"] is not None] == [WHY] * 9
    # What says but why may say nothing.
    assert park.post("/v1/periods/2026-01/close", None).status_code == 200
    assert is_problem(park("POST", "/v1/periods/2026-01/reopen"), 422, "reason-required")
    assert park("POST", "/v1/periods/2026-01/reopen", headers={"X-Reason": WHY}).status_code == 200
    assert park("POST", "/v1/periods/2026-01/close").status_code == 200
    assert park.post("/v1/periods/2026-01/reopen", {"reason": WHY}).status_code == 200
    assert is_problem(park.post("/v1/periods/2026-01/close", {"motif": WHY}), 422, "validation")
