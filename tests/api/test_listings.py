"""Lists are searched, sorted and counted alike, and say what was added or changed since an instant."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from billing.api.app import create_app
from billing.frame.searching import fold
from billing.frame.settings import load_settings
from tests.support.api import Caller
from tests.support.operations import is_problem

ADDRESSES = (
    "/v1/documents", "/v1/tenants", "/v1/tenant-summaries", "/v1/leases", "/v1/receipts", "/v1/usage-events",
    "/v1/sites", "/v1/services", "/v1/grants",
)  # fmt: skip
# After everything that fixtures recorded, whose acts bear the time of the machine.
LATER = datetime(2100, 1, 1, 10, tzinfo=UTC)
AMOUNTS = ("gross", "amount")


def orders(caller: Caller, address: str) -> list[str]:
    """What the document says that a list can be sorted by."""
    parameters = caller.get("/openapi.json", None)["paths"][address]["get"]["parameters"]
    [sort] = [parameter["schema"]["enum"] for parameter in parameters if parameter["name"] == "sort"]
    return list(sort)


def value_of(item: dict[str, Any], name: str) -> Any:
    """A field as it is sorted by."""
    value = item[name]
    if name in AMOUNTS:
        return Decimal(value)
    return ("9999" if value is None else value) if name == "ends_on" else fold(value) if name == "legal_name" else value


def pages(caller: Caller, address: str, query: str) -> list[Any]:
    """The items of a list, from pages of two."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = caller.get(f"{address}?limit=2&{query}{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def test_every_order_of_every_list_is_paged_and_counted(park: Caller) -> None:
    for n, (day, amount) in enumerate((("2026-09-01", "5.00"), ("2026-08-30", "70.00"), ("2026-09-01", "6.00"))):
        order = {"means": "transfer", "reference": f"V{n}", "value_date": day, "tenant": "B1", "amount": amount}
        assert park.post("/v1/receipts", order).status_code == 201
    for code, name in (("Z1", "étoile"), ("Z2", "Zénith"), ("Z3", "Ètoile filante"), ("Z4", "ATLAS")):
        assert park.post("/v1/tenants", {"code": code, "legal_name": name, "kind": "sme"}).status_code == 201
    for address in ADDRESSES:
        whole = park.get(f"{address}?limit=500&total=true")
        assert (whole["total"], whole["next"]) == (len(whole["items"]), None), address
        assert "total" not in park.get(address), address
        for sort in orders(park, address):
            listed = pages(park, address, f"sort={sort}")
            assert len(listed) == whole["total"] > 1, (address, sort)
            assert all(item in whole["items"] for item in listed), (address, sort)
            name = sort.removeprefix("-")
            if name != "created":
                assert [value_of(item, name) for item in listed] == sorted(
                    (value_of(item, name) for item in listed), reverse=sort != name
                ), (address, sort)
    names = [each["legal_name"] for each in park.get("/v1/tenants?sort=legal_name&search=t%C3%B4ile")["items"]]
    assert names == ["étoile", "Ètoile filante"]
    assert park.get("/v1/tenants?search=TOILE&total=true&limit=1")["total"] == 2
    assert [each["code"] for each in park.get("/v1/leases?search=cas-2")["items"]] == ["L3"]
    assert [each["reference"] for each in park.get("/v1/receipts?search=rg-000002")["items"]] == ["V1"]
    by_created = [each["number"] for each in pages(park, "/v1/documents", "sort=created")]
    # Credit notes come in their time, not before all invoices.
    assert by_created.index("AV-2026-000001") > by_created.index("FA-2026-000001")
    # A cursor is one of its list in its order.
    cursor = park.get("/v1/tenants?limit=1")["next"]
    for address in ("/v1/tenant-summaries?", "/v1/tenants?sort=legal_name&", "/v1/tenants?sort=-code&"):
        assert is_problem(park("GET", f"{address}cursor={cursor}"), 422, "validation"), address
    for query in ("sort=nothing", "sort=", "search=", "total=1", "created_after=2026-09-01", "updated_after=x",
                  "created_after=2026-02-30T00:00:00Z", "created_after=0001-01-01T00:00:00%2B14:00"):  # fmt: skip
        assert is_problem(park("GET", f"/v1/tenants?{query}"), 422, "validation"), query


def test_a_list_says_what_was_added_or_changed_since(park: Caller, engine: Engine, tmp_path: Path) -> None:
    at = [LATER]
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False), "DOCUMENTS_URL": f"file:{tmp_path}",
    }  # fmt: skip
    caller = Caller(create_app(load_settings(environment), engine, lambda: at[0]), park.secrets)

    def keys(address: str, since: str, minutes: int) -> list[str]:
        instant = (LATER + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [next(iter(item.values())) for item in caller.get(f"{address}?limit=500&{since}={instant}")["items"]]

    def did(minutes: int, method: str, address: str, body: Any) -> Any:
        at[0] = LATER + timedelta(minutes=minutes)
        answer = caller(method, address, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json

    for address in ADDRESSES:
        assert keys(address, "created_after", -1) == keys(address, "updated_after", -1) == [], address
        assert keys(address, "created_after", -(2**24)) == keys(address, "updated_after", -(2**24)), address
    [invoice] = [d["number"] for d in caller.get("/v1/documents?tenant=B1&period=2026-06&kind=invoice")["items"]]
    did(1, "POST", "/v1/tenants", {"code": "Z1", "legal_name": "Zénith", "kind": "sme"})
    did(2, "PATCH", "/v1/tenants/A1", {"city": "Rabat"})
    did(3, "PATCH", "/v1/leases/L2", {"ends_on": "2026-12-31"})
    used = {"event_id": "N1", "tenant": "B1", "site": "CAS", "service": "MEAL", "quantity": "1"}
    did(4, "POST", "/v1/usage-events", {**used, "occurred_on": "2026-08-31"})
    did(5, "POST", "/v1/usage-events/U8/void", {"reason": "saisi deux fois"})
    paid = {"means": "cheque", "reference": "C1", "value_date": "2026-09-01", "tenant": "B1", "amount": "10.00"}
    received = did(6, "POST", "/v1/receipts", {**paid, "allocations": [{"invoice": invoice, "amount": "10.00"}]})
    number = received["number"]
    credit = {"invoice": invoice, "lines": [{"line": 1, "amount": "1.00"}], "reason": "panne"}
    note = did(7, "POST", "/v1/credit-notes", credit)["number"]
    did(8, "POST", f"/v1/receipts/{number}/clear", {"on": "2026-09-02"})
    did(9, "POST", f"/v1/deliveries/{invoice}/retry", {"email": "autre@b1.example"})
    did(10, "POST", f"/v1/receipts/{number}/undoings", {"invoice": invoice, "reason": "autre facture"})
    for address, minutes, created, updated in (
        ("/v1/tenants", 0, ["Z1"], ["A1", "Z1"]), ("/v1/tenants", 1, [], ["A1"]), ("/v1/tenants", 2, [], []),
        ("/v1/tenant-summaries", 1, [], ["A1"]), ("/v1/leases", 2, [], ["L2"]), ("/v1/leases", 3, [], []),
        ("/v1/usage-events", 3, ["N1"], ["U8", "N1"]), ("/v1/usage-events", 4, [], ["U8"]),
        ("/v1/receipts", 5, [number], [number]), ("/v1/receipts", 7, [], [number]), ("/v1/receipts", 9, [], [number]),
        ("/v1/receipts", 10, [], []),
        ("/v1/documents", 5, [note], [note, invoice]), ("/v1/documents", 7, [], [invoice]),
        ("/v1/documents", 8, [], [invoice]), ("/v1/documents", 9, [], [invoice]), ("/v1/documents", 10, [], []),
    ):  # fmt: skip
        assert keys(address, "created_after", minutes) == created, (address, minutes)
        assert keys(address, "updated_after", minutes) == updated, (address, minutes)
