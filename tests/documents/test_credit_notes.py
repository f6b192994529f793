"""Credit notes made by hand, asked for over HTTP."""

from typing import Any

from sqlalchemy import Engine

from billing.check import check
from tests.support.api import Caller
from tests.support.statements import counted_statements

REASON = "Panne du 3 au 9 août"


def invoice_of(park: Caller) -> dict[str, Any]:
    items = park.get("/v1/documents?period=2026-08&kind=invoice")["items"]
    found: dict[str, Any] = items[0]
    return found


def test_a_part_of_an_invoice_is_credited_and_can_be_read(park: Caller, engine: Engine) -> None:
    invoice = invoice_of(park)
    number, whole = invoice["number"], invoice["lines"][0]["amount"]
    order = {"invoice": number, "lines": [{"line": 1, "amount": "1.00"}], "reason": REASON}
    answer = park.post("/v1/credit-notes", order, key="k1")
    assert answer.status_code == 201
    given = answer.json
    assert answer.headers["Location"] == f"/v1/credit-notes/{given['number']}"
    assert (given["invoice"], given["reason"], given["issued_by"]) == (number, REASON, "the-finance")
    assert (given["net"], given["lines"][0]["invoice_line"]) == ("1.00", 1)
    # The same request again is the same credit note.
    assert park.post("/v1/credit-notes", order, key="k1").json == given
    assert park.get(f"/v1/credit-notes/{given['number']}") == given
    assert park.get("/v1/credit-notes", scope="auditor")["items"] == [given]
    assert park.get("/v1/credit-notes?tenant=NOBODY")["items"] == []
    told = park.get(f"/v1/documents/{given['number']}")
    assert (told["period"], told["kind"], told["lines"][0]["corrects"]) == (None, "credit_note", number)
    left = park.get(f"/v1/documents/{number}/creditable")["lines"][0]
    assert (left["amount"], float(left["left"])) == (whole, float(whole) - 1)
    assert park("GET", f"/v1/documents/{given['number']}/pdf").data.startswith(b"%PDF")
    assert park.get(f"/v1/deliveries/{given['number']}")["state"] == "queued"
    assert check(engine) == []


def test_what_is_left_is_credited_when_no_line_is_named(park: Caller, engine: Engine) -> None:
    invoice = invoice_of(park)
    answer = park.post("/v1/credit-notes", {"invoice": invoice["number"], "reason": REASON})
    assert answer.json["gross"] == invoice["gross"]
    again = park.post("/v1/credit-notes", {"invoice": invoice["number"], "reason": REASON})
    assert again.status_code == 422
    assert again.json["errors"][0]["problem"] == "is credited in full already"
    assert check(engine) == []


def test_a_line_that_was_wrong_is_cancelled_whole(park: Caller, engine: Engine) -> None:
    invoice = invoice_of(park)
    order = {"invoice": invoice["number"], "reason": REASON, "kind": "cancellation"}
    part = park.post("/v1/credit-notes", {**order, "lines": [{"line": 1, "amount": "1.00"}]})
    assert (part.status_code, part.json["errors"][0]["field"]) == (422, "lines")
    assert park.post("/v1/credit-notes", {**order, "kind": "gift"}).status_code == 422
    given = park.post("/v1/credit-notes", {**order, "lines": [{"line": 1}]}).json
    line = invoice["lines"][0]
    assert (given["kind"], given["net"], given["lines"][0]["invoice_line"]) == ("cancellation", line["amount"], 1)
    # It is the invoice's line itself, on its own account.
    told = park.get(f"/v1/documents/{given['number']}")
    assert told["lines"] == [{**line, "corrects": invoice["number"]}]
    assert park("GET", f"/v1/documents/{given['number']}/pdf").data.startswith(b"%PDF")
    assert b"381" in park("GET", f"/v1/documents/{given['number']}/xml").data
    assert check(engine) == []


def test_what_is_wrong_is_refused_and_writes_nothing(park: Caller, engine: Engine) -> None:
    number = invoice_of(park)["number"]
    for order, field in (
        ({"invoice": number}, "reason"),
        ({"invoice": number, "reason": " "}, "reason"),
        ({"invoice": number, "reason": REASON, "lines": []}, "lines"),
        ({"invoice": number, "reason": REASON, "lines": [{"line": 99}]}, "lines"),
        ({"invoice": number, "reason": REASON, "lines": [{"line": 1, "amount": "-1"}]}, "lines.0.amount"),
        ({"invoice": number, "reason": REASON, "issue_date": "2027-09-03"}, "issue_date"),
    ):
        answer = park.post("/v1/credit-notes", order)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field), answer.text
    assert park.post("/v1/credit-notes", {"invoice": "FA-2026-999999", "reason": REASON}).status_code == 404
    assert park.post("/v1/credit-notes", {"invoice": number, "reason": REASON}, scope="auditor").status_code == 403
    assert park.get("/v1/credit-notes")["items"] == []
    # Credit notes that runs issued are found among the documents alone.
    assert park("GET", "/v1/credit-notes/AV-2026-000001").status_code == 404
    assert check(engine) == []


def test_a_list_of_credit_notes_takes_the_same_statements_for_one_and_for_three(park: Caller, engine: Engine) -> None:
    number = invoice_of(park)["number"]
    for amount in ("1.00", "2.00", "3.00"):
        order = {"invoice": number, "lines": [{"line": 1, "amount": amount}], "reason": REASON}
        assert park.post("/v1/credit-notes", order).status_code == 201
    counts = {}
    for limit in (1, 500):
        with counted_statements(engine) as statements:
            rows = len(park.get(f"/v1/credit-notes?limit={limit}")["items"])
        counts[rows] = len(statements)
    assert list(counts) == [1, 3]
    assert len(set(counts.values())) == 1, counts
