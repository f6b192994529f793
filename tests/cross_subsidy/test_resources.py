"""Who funds whom, told to whom it concerns, over HTTP."""

import json
from decimal import Decimal

from tests.support.api import Caller


def test_a_tenants_account_month_by_month(park: Caller) -> None:
    found = park.get("/v1/tenants/A1/cross-subsidy-account", "auditor")
    assert [month["period"] for month in found["months"]] == ["2026-06", "2026-07", "2026-08"]
    for month in found["months"]:
        for side in ("received", "contributed"):
            total = Decimal(month[side]["total"])
            assert sum(map(Decimal, month[side]["by_group"].values())) == total
            assert sum(Decimal(part["amount"]) for part in month[side]["by_site"]) == total
        assert Decimal(month["net"]) == Decimal(month["received"]["total"]) - Decimal(month["contributed"]["total"])
    assert found["months"][-1]["cumulated"] == found["net"]
    assert sum(Decimal(month["received"]["total"]) for month in found["months"]) == Decimal(found["received"]["total"])
    assert Decimal(found["received"]["total"]) > 0
    until = park.get("/v1/tenants/A1/cross-subsidy-account?until=2026-06")
    assert until["months"] == found["months"][:1]


def test_the_account_as_a_page_is_the_same_bytes_each_time(park: Caller) -> None:
    first, second = (park("GET", "/v1/tenants/B1/cross-subsidy-account/pdf") for _ in range(2))
    assert (first.status_code, first.content_type) == (200, "application/pdf")
    assert first.data.startswith(b"%PDF-1.7")
    assert first.data == second.data


def test_an_account_of_nobody_or_before_the_first_run(park: Caller) -> None:
    for path in ("/v1/tenants/NOBODY/cross-subsidy-account", "/v1/tenants/A1/cross-subsidy-account?until=2026-05"):
        for address in (path, path.replace("account", "account/pdf")):
            answer = park("GET", address)
            assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found"), address
    assert park("GET", "/v1/tenants/A1/cross-subsidy-account?until=2026-13").status_code == 422


def test_what_a_tenants_address_allows_its_accounts_does_not(park: Caller) -> None:
    """A code may hold a slash: an account is no tenant of the code `A1/cross-subsidy-account`."""
    for end in ("", "/pdf"):
        for path in (f"/v1/tenants/A1/cross-subsidy-account{end}", f"/v1/leases/L1/final-statement{end}"):
            answer = park("PATCH", path, json={"city": "Fès"})
            assert (answer.status_code, answer.json["type"]) == (405, "/problems/method-not-allowed"), path
            assert "PATCH" not in answer.headers["Allow"], path


def test_no_other_firm_is_named(park: Caller) -> None:
    found = park.get("/v1/tenants/A1/cross-subsidy-account")
    assert found["named"] is False
    assert '"B1"' not in json.dumps(found)


def test_the_years_statement_ties_to_the_ledger(park: Caller) -> None:
    found = park.get("/v1/cross-subsidy-years/2026", "auditor")
    assert found["months_counted"] == ["2026-06", "2026-07", "2026-08"]
    balance = {row["account"]: row for row in park.get("/v1/ledger/trial-balance")["accounts"]}
    assert Decimal(balance["9202"]["balance"]) == -Decimal(found["support"])
    assert Decimal(balance["9201"]["balance"]) == Decimal(found["contributions"])
    assert -Decimal(balance["9207"]["balance"]) == Decimal(found["reserve_after"])
    assert -Decimal(balance["9208"]["balance"]) == sum(Decimal(grant["left"]) for grant in found["grants"])
    assert Decimal(balance["9209"]["balance"]) == Decimal(found["sources"]["operator"])
    assert Decimal(balance["9210"]["balance"]) == sum(Decimal(grant["received"]) for grant in found["grants"])
    assert Decimal(balance["9301"]["balance"]) == Decimal(found["advantage"])
    assert {tie["difference"] for tie in found["ledger"]} == {"0.00"}


def test_the_years_statement_on_paper_and_as_a_workbook(park: Caller) -> None:
    for form, begins in (("pdf", b"%PDF-1.7"), ("xlsx", b"PK")):
        first, second = (park("GET", f"/v1/cross-subsidy-years/2026/{form}") for _ in range(2))
        assert first.status_code == 200
        assert first.data.startswith(begins)
        assert first.data == second.data
    assert park("GET", "/v1/cross-subsidy-years/2025").status_code == 404
