"""Bank statements over HTTP."""

from datetime import date
from typing import Any

from sqlalchemy import Engine

from billing.check import check
from invoices.structured_reference import rf_of
from tests.support.api import Caller
from tests.support.bank_files import CSV_FRENCH, camt, entry

DAY = date(2026, 9, 1)


def _sends(caller: Caller, content: bytes, query: str = "", key: str | None = None, **options: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    options = {"content_type": "application/xml"} | options
    return caller("POST", f"/v1/statements{query}", data=content, headers=headers, **options)


def _paid(caller: Caller) -> tuple[str, int, bytes]:
    """A statement that pays the first invoice by its reference, and holds two lines nobody knows."""
    invoice = caller.get("/v1/documents?period=2026-08&kind=invoice")["items"][0]
    amount = int(invoice["gross"].replace(".", ""))
    lines = [
        entry(amount, DAY, structured=rf_of(invoice["number"]), reference="VR1"),
        entry(7_700, DAY, debtor="INCONNU"),
        entry(-1_065, DAY, text="COMMISSION"),
    ]
    return invoice["number"], amount, camt(lines, opening=0, closing=amount + 6_635, on=DAY)


def test_a_statement_is_taken_in_and_its_lines_are_decided(park: Caller, engine: Engine) -> None:
    number, amount, content = _paid(park)
    taken = _sends(park, content, "?file=releve.xml")
    assert taken.status_code == 201, taken.text
    assert taken.json == {
        "statements": [{"statement": "RE-000001", "name": "releve.xml REL-1", "new": 3, "known": 0}],
        "new": 3, "known": 0, "booked": 1, "waiting": 2,
    }  # fmt: skip
    again = _sends(park, content)
    assert (again.status_code, again.json["known"]) == (200, 3)
    statement = park.get("/v1/statements/RE-000001", "auditor")
    assert (statement["file"], statement["closing"]) == ("releve.xml", f"{(amount + 6_635) / 100:.2f}")
    paid, unknown, fee = park.get("/v1/statement-lines")["items"]
    assert (paid["decisions"][0]["kind"], paid["decisions"][0]["confidence"]) == ("received", 100)
    assert number in paid["decisions"][0]["why"]
    assert paid["decisions"][0]["entries"] == ["BQ/RG-000001"]
    assert [line["name"] for line in park.get("/v1/statement-lines?state=waiting")["items"]] == [
        unknown["name"], fee["name"],
    ]  # fmt: skip
    assert fee["proposals"][0]["account"] == "6147"
    decided = park.post("/v1/statements/RE-000001/lines/3/decisions", {"kind": "proposal"})
    assert (decided.status_code, decided.json["decisions"][0]["kind"]) == (201, "booked")
    placed = park.post("/v1/statements/RE-000001/lines/2/decisions", {"kind": "received", "tenant": "A1"})
    assert placed.json["decisions"][0]["tenant"] == "A1"
    again = park.post("/v1/statements/RE-000001/lines/2/decisions", {"kind": "received"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/conflict")
    undone = {"kind": "undone"}
    assert park.post("/v1/statements/RE-000001/lines/2/decisions", undone).json["type"] == "/problems/reason-required"
    answer = park(
        "POST", "/v1/statements/RE-000001/lines/2/decisions", json=undone, headers={"X-Reason": "mauvais locataire"}
    )
    assert [one["kind"] for one in answer.json["decisions"]] == ["received", "undone"]
    assert park.get("/v1/statements/RE-000001/lines/2") == answer.json
    found = park.get("/v1/reconciliation", "auditor")
    assert (found["difference"], found["unexplained"]) == ("0.00", "0.00")
    waiting = park("GET", "/v1/statement-lines/waiting?format=csv").data.decode("utf-8-sig").splitlines()
    assert (len(waiting), waiting[1].split(",")[0]) == (2, "RE-000001/2")
    table = park("GET", "/v1/reconciliation/file?format=csv")
    assert table.data.decode("utf-8-sig").startswith("Nature,")
    assert park("GET", "/v1/reconciliation/file?format=xlsx").data[:2] == b"PK"
    assert check(engine) == []


def test_proposals_are_accepted_at_once_and_a_line_is_linked_to_receipts(park: Caller, engine: Engine) -> None:
    _, _, content = _paid(park)
    for n, amount in enumerate(("70.00", "7.00"), 1):
        order = {
            "means": "transfer", "reference": f"V{n}", "value_date": str(DAY), "tenant": "A1", "amount": amount,
        }  # fmt: skip
        assert park.post("/v1/receipts", order).status_code == 201
    _sends(park, content)
    address = "/v1/statement-lines/acceptances"
    would = park.post(address, {"certain_from": 80, "dry_run": True})
    assert (would.status_code, [line["name"] for line in would.json["lines"]]) == (200, ["RE-000001/3"])
    for status, lines in ((201, would.json["lines"]), (200, [])):
        accepted = park.post(address, {"certain_from": 80})
        assert (accepted.status_code, accepted.json["lines"]) == (status, lines)
    assert park.post(address, {"certain_from": 0}).status_code == 422
    path = "/v1/statements/RE-000001/lines/2/decisions"
    linked = {"kind": "recorded", "receipts": ["RG-000001", "RG-000002"]}
    assert park.post(path, linked | {"receipts": ["RG-000099"]}).status_code == 404
    assert park.post(path, linked).json["decisions"][0]["entries"] == ["BQ/RG-000001", "BQ/RG-000002"]
    assert check(engine) == []


def test_a_statement_imported_wrongly_is_withdrawn(park: Caller, engine: Engine) -> None:
    _, _, content = _paid(park)
    _sends(park, content)
    address = "/v1/bank-statements/RE-000001/withdrawal"
    assert park.post(address, {}).json["type"] == "/problems/reason-required"
    withdrawn = park.post(address, {"reason": "mauvais solde"})
    assert (withdrawn.status_code, withdrawn.json["withdrawn"]) == (201, True)
    assert park.post(address, {"reason": "encore"}).status_code == 409
    assert park.get("/v1/statement-lines")["items"] == []
    assert _sends(park, content).json["statements"][0]["statement"] == "RE-000002"
    assert [one["withdrawn"] for one in park.get("/v1/statements")["items"]] == [True, False]
    assert check(engine) == []


def test_a_key_stands_for_the_bytes_of_one_file(park: Caller) -> None:
    _, _, content = _paid(park)
    first = _sends(park, content, key="k1")
    again = _sends(park, content, key="k1")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    other = _sends(park, content + b"\n", key="k1")
    assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_csv_takes_its_balances_from_the_query(park: Caller) -> None:
    content = CSV_FRENCH.replace("11/2026", "08/2026").replace("Solde", "Autre").encode()
    refused = _sends(park, content, content_type="text/csv")
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/refused")
    assert refused.json["errors"][0]["problem"] == "says no opening and closing balance"
    taken = _sends(park, content, "?opening=-10.00&closing=3294.50", content_type="text/csv")
    assert taken.json["new"] == 3
    assert _sends(park, content, "?opening=x", content_type="text/csv").json["errors"][0]["field"] == "opening"


def test_a_bad_file_is_refused_whole_with_every_fault(park: Caller) -> None:
    content = camt([entry(100, DAY, currency="EUR")], opening=0, closing=200, on=DAY, currency="EUR", account="1")
    refused = _sends(park, content)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["currency", "closing", "account"]
    assert park.get("/v1/statements")["items"] == []
    for body in (b"", b"<a>", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>', b"\xff\xfe"):
        assert _sends(park, body).json["type"] == "/problems/refused"
    assert _sends(park, b"{}", content_type="application/json").status_code == 415
    assert park("GET", "/v1/reconciliation").status_code == 404


def test_a_line_that_is_none_is_not_found_and_what_makes_no_sense_is_refused(park: Caller) -> None:
    _, _, content = _paid(park)
    _sends(park, content)
    path = "/v1/statements/RE-000001/lines/2/decisions"
    assert park.post("/v1/statements/RE-000001/lines/9/decisions", {"kind": "proposal"}).status_code == 404
    assert park("GET", "/v1/statements/RE-000009").status_code == 404
    for order, field in (
        ({"kind": "proposal", "proposal": 3}, "proposal"),
        ({"kind": "received", "tenant": "NOBODY"}, "tenant"),
        ({"kind": "received", "allocations": [{"invoice": "FA-2026-000999", "amount": "1.00"}]}, "invoice"),
        ({"kind": "received", "automatic": True, "allocations": [{"invoice": "X", "amount": "1"}]}, "automatic"),
        ({"kind": "received", "receipts": ["RG-1"]}, "receipts.0"),
    ):
        answer = park.post(path, order)
        assert answer.status_code == 422, answer.text
        assert answer.json["errors"][0]["field"] == field
    for order, status in (
        ({"kind": "booked", "account": "3421"}, 422), ({"kind": "recorded", "entry": "BQ/X"}, 404),
        ({"kind": "cleared", "receipts": ["RG-000099"]}, 404), ({"kind": "bounced"}, 422),
    ):  # fmt: skip
        answer = park("POST", path, json=order, headers={"X-Reason": "essai"})
        assert answer.status_code == status, answer.text
