"""Deposits over HTTP."""

from typing import Any

from sqlalchemy import Engine

from billing.check import check
from tests.support.api import Caller


def test_a_deposit_is_asked_received_and_given_back(ground: Caller, engine: Engine) -> None:
    asked = ground.post("/v1/deposits", {"lease": "L1"})
    assert asked.status_code == 201
    # 22.5 m² at 50.00, two months.
    assert (asked.json["number"], asked.json["amount"], asked.json["held"]) == ("DG-000001", "2250.00", "0.00")
    again = ground.post("/v1/deposits", {"lease": "L1"})
    assert (again.status_code, again.json) == (200, asked.json)

    def moves(**order: Any) -> Any:
        return ground.post("/v1/deposits/L1/movements", {"moved_on": "2026-09-01", "reference": "V1", **order})

    for status in (201, 200):
        moved = moves(kind="received", amount="2000.00")
        assert (moved.status_code, moved.json["held"]) == (status, "2000.00")
    refused = moves(kind="received", amount="250.01", reference="V2")
    assert (refused.status_code, refused.json["errors"][0]["remedy"]) == (422, "at most 250.00 can be received")
    assert moves(kind="received", amount="1.00").status_code == 409
    assert moves(kind="returned", amount="500.00").json["errors"][0]["field"] == "reason"
    given = moves(kind="returned", amount="500.00", reason="avance rendue").json
    assert (given["held"], len(given["movements"])) == ("1500.00", 2)
    assert ground.get("/v1/deposits/L1", scope="auditor") == given
    assert ground.get("/v1/deposits?tenant=T1")["items"] == [given]
    assert ground("GET", "/v1/deposits/L1/pdf").data.startswith(b"%PDF")
    assert [movement["number"] for movement in given["movements"]] == ["DG-000001/1", "DG-000001/2"]
    address = "/v1/deposits/L1/movements/2/cancellation"
    back = ground.post(address, {"reason": "jamais rendu"})
    assert (back.status_code, back.json["held"], back.json["movements"][1]["cancelled_for"]) == (
        201, "2000.00", "jamais rendu",
    )  # fmt: skip
    assert ground.post(address, {}).json["type"] == "/problems/reason-required"
    assert ground.post(address, {"reason": "encore"}).status_code == 409
    assert ground.post("/v1/deposits/L1/movements/9/cancellation", {"reason": "x"}).status_code == 404
    assert ground("GET", "/v1/deposits/L9").status_code == 404
    assert ground.post("/v1/deposits", {"lease": "L9"}).status_code == 404
    assert check(engine) == []
