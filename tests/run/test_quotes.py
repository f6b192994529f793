"""Quotes: the run's own prices, month by month, written nowhere."""

from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from billing.register.network_import import import_folder
from tests.support.api import NOW, Caller, CallerOf
from tests.support.counts import counts
from tests.support.networks import write_network

# W1's firm, asking before it comes.
W1 = {
    "kind": "startup", "incorporated_on": "2024-01-15", "site": "TNG", "area_m2": "22.5", "starts_on": "2025-03-10",
    "months": 19,
}  # fmt: skip


def test_w1_asked_before_it_happens(ground: Caller, engine: Engine) -> None:
    """The window ends on 9 September 2026: nine days at 50.00, twenty-one at 150.00 (R5, R9)."""
    before = counts(engine)
    answer = ground.post("/v1/quotes", W1, scope="auditor")
    assert answer.status_code == 200
    quote = answer.json
    assert quote["window"] == {"first_day": "2025-03-10", "last_day": "2026-09-09"}
    assert [month["month"] for month in quote["months"]][::18] == ["2025-03", "2026-09"]
    september = quote["months"][18]
    assert [(line["first_day"], line["last_day"], line["days"], line["tier"], line["amount"])
            for line in september["lines"]] == [
        ("2026-09-01", "2026-09-09", 9, "subsidised", "337.50"),
        ("2026-09-10", "2026-09-30", 21, "market", "2362.50"),
    ]  # fmt: skip
    assert (september["net"], september["tax"], september["gross"]) == ("2700.00", "540.00", "3240.00")
    assert september["advantage"] == "675.00"
    assert september["vat"] == [{"rate": "0.20", "base": "2700.00", "amount": "540.00"}]
    # 22 of March's 31 days.
    assert quote["months"][0]["net"] == "798.39"
    assert counts(engine) == before


def test_the_quotes_sums_are_those_of_its_months(ground: Caller) -> None:
    quote = ground.post("/v1/quotes", W1 | {"usage": [{"service": "MEAL", "quantity": "20"}]}).json
    for sum_name in ("net", "tax", "gross", "advantage"):
        cents = sum(int(month[sum_name].replace(".", "")) for month in quote["months"])
        assert int(quote[sum_name].replace(".", "")) == cents


def test_w3_a_firm_of_24_months_is_told_the_market_price(ground: Caller) -> None:
    quote = ground.post(
        "/v1/quotes", W1 | {"incorporated_on": "2024-05-01", "starts_on": "2026-05-01", "months": 1}
    ).json
    assert quote["window"] is None
    assert [(line["tier"], line["amount"]) for line in quote["months"][0]["lines"]] == [("market", "3375.00")]


def test_w4_a_day_younger_it_is_subsidised(ground: Caller) -> None:
    quote = ground.post(
        "/v1/quotes", W1 | {"incorporated_on": "2024-05-02", "starts_on": "2026-05-01", "months": 1}
    ).json
    assert quote["window"] == {"first_day": "2026-05-01", "last_day": "2027-10-31"}


def test_an_earlier_stay_counts_r3(ground: Caller) -> None:
    quote = ground.post("/v1/quotes", W1 | {"admitted_on": "2024-06-01", "months": 1}).json
    assert quote["window"] == {"first_day": "2024-06-01", "last_day": "2025-11-30"}


def test_w6_a_tenants_second_office_keeps_its_window(ground: Caller) -> None:
    """T1 came on 10 March 2025; both offices turn to market on 10 September 2026."""
    office = {"tenant": "T1", "site": "CAS", "area_m2": "25", "starts_on": "2026-08-01", "months": 2}
    quote = ground.post("/v1/quotes", office).json
    assert quote["window"]["last_day"] == "2026-09-09"
    august, september = quote["months"]
    # W5: a full month of 25 m2 at 48.33.
    assert [(line["lease"], line["amount"]) for line in august["lines"]] == [("L1", "1125.00"), ("quote", "1208.25")]
    assert [(line["lease"], line["tier"]) for line in september["lines"]] == [
        ("L1", "subsidised"), ("L1", "market"), ("quote", "subsidised"), ("quote", "market"),
    ]  # fmt: skip


def test_a_stay_that_ends_is_quoted_to_its_last_day(ground: Caller) -> None:
    quote = ground.post("/v1/quotes", W1 | {"starts_on": "2025-04-01", "ends_on": "2025-05-15", "months": 3}).json
    assert [month["net"] for month in quote["months"]] == ["1125.00", "544.35", "0.00"]


def test_usage_stands_in_its_month_at_the_price_of_its_tier(ground: Caller) -> None:
    uses = [{"service": "MEAL", "quantity": "20"}, {"service": "MEETING", "quantity": "2.5", "site": "CAS"}]
    asked = W1 | {"months": 1, "usage": uses}
    lines = ground.post("/v1/quotes", asked).json["months"][0]["lines"]
    assert [(line["service"], line["site"], line["unit_price"], line["amount"]) for line in lines] == [
        ("OFFICE", "TNG", "50.00", "798.39"), ("MEETING", "CAS", "80.00", "200.00"), ("MEAL", "TNG", "17.50", "350.00"),
    ]  # fmt: skip


def test_a_quote_is_what_the_run_then_bills(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> None:
    """The same engine: the lease is taken as quoted, and the month is run."""
    tenants = [{"code": "T1", "incorporated_on": "2024-01-15"}]
    import_folder(engine, write_network(tmp_path / "network", tenants=tenants), now=NOW)
    caller = caller_of(engine)
    office = {"tenant": "T1", "site": "TNG", "area_m2": "22.5", "starts_on": "2025-03-10"}
    quoted = caller.post("/v1/quotes", office | {"months": 19}).json["months"]
    lease = {"code": "L1", "unit": "1", **office}
    assert caller.post("/v1/leases", lease).status_code == 201
    for period in (date(2026, 8, 1), date(2026, 9, 1)):
        order = {"period": f"{period:%Y-%m}", "issue_date": period.isoformat()}
        assert caller.post("/v1/billing-runs", order).status_code == 201
        [document] = caller.get(f"/v1/documents?period={period:%Y-%m}")["items"]
        [month] = [month for month in quoted if month["month"] == f"{period:%Y-%m}"]
        assert (document["net"], document["tax"], document["gross"]) == (month["net"], month["tax"], month["gross"])
        compared = ("first_day", "last_day", "tier", "full_price", "unit_price", "amount", "full_amount", "vat_rate")
        assert [[line[name] for name in compared] for line in document["lines"]] == [
            [line[name] for name in compared] for line in month["lines"]
        ]


def test_every_fault_of_a_question_is_named(ground: Caller) -> None:
    def fields(change: dict[str, Any], drop: str = "") -> set[str]:
        answer = ground.post("/v1/quotes", {k: v for k, v in (W1 | change).items() if k != drop})
        assert answer.status_code == 422, answer.text
        return {error["field"] for error in answer.json["errors"]}

    assert fields({"tenant": "T1"}) == {"tenant"}
    assert fields({}, "kind") == {"tenant"}
    assert fields({"tenant": "T1"}, "kind") == {"incorporated_on"}
    assert fields({"tenant": "NOBODY"}, "kind") == {"incorporated_on", "tenant"}
    assert fields({"site": "NOWHERE"}) == {"site"}
    assert fields({}, "site") == {"site"}
    assert fields({"ends_on": "2025-03-09"}) == {"ends_on"}
    uses = [{"service": "OFFICE", "quantity": "1"}, {"service": "X", "quantity": "1", "site": "Y"}]
    assert fields({"usage": uses}) == {"usage.0.service", "usage.1.service", "usage.1.site"}
    assert fields({"usage": [{"service": "MEAL", "quantity": "0"}, {}]}) == {
        "usage.0.quantity", "usage.1.service", "usage.1.quantity",
    }  # fmt: skip
    for months in (0, 37, "12", 1.5, True):
        assert fields({"months": months}) == {"months"}
    assert fields({}, "starts_on") == {"starts_on"}


def test_a_day_without_a_price_is_named_r6(ground: Caller) -> None:
    answer = ground.post("/v1/quotes", W1 | {"starts_on": "2014-12-01", "incorporated_on": "2014-01-01"})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/unpriceable")
    assert "no rate for OFFICE at TNG" in answer.json["detail"]
