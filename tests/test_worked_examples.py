"""The worked examples of the domain, by name (W1-W10), as the pricing engine alone computes them.

The same examples through import and run stand in tests/scenarios/test_worked_examples_end_to_end.py.
"""

from datetime import date, timedelta

import pytest

from pricing.cross_subsidy import positions, waterfall
from pricing.eligibility import MARKET, SUBSIDISED, Tenancy, Window, tenancy
from pricing.money import format_amount, parse_decimal
from pricing.rates import Rate, RateBook, VatBook, VatRate, ceiling_breach, subsidised_price
from pricing.rating import Lease, PricedLine, office_lines
from pricing.vat import vat_breakdown


def day(text: str) -> date:
    return date.fromisoformat(text)


def rate(full: str, subsidised: str, cost: str) -> Rate:
    price = parse_decimal(full, 4)
    return Rate(day("2015-01-01"), price, subsidised_price(subsidised, price), parse_decimal(cost, 4))


RATES = RateBook(
    [("TNG", "OFFICE", "", rate("150.00", "50.00", "134.00")), ("CAS", "OFFICE", "", rate("145.00", "1/3", "130.00"))]
)
VAT = VatBook([("OFFICE", VatRate(day("2015-01-01"), 2_000)), ("MEAL", VatRate(day("2015-01-01"), 1_000))])


def office(site: str, area: str, starts_on: str, ends_on: str | None = None) -> Lease:
    end = day(ends_on) + timedelta(days=1) if ends_on else None
    return Lease("L1", site, parse_decimal(area, 6), day(starts_on), end)


def billed(lease: Lease, month: str, firm: Tenancy) -> tuple[PricedLine, ...]:
    return office_lines(lease, day(f"{month}-01"), firm, RATES, VAT)


def amounts(lines: tuple[PricedLine, ...]) -> list[tuple[str, int, str]]:
    """Tier, days and amount of each line."""
    return [(line.tier, line.days, format_amount(line.amount)) for line in lines]


def test_w1_the_window_ends_in_mid_month() -> None:
    firm = tenancy("startup", day("2024-01-15"), None, [day("2025-03-10")])
    assert firm.window == Window(day("2025-03-10"), day("2026-09-10"))
    lines = billed(office("TNG", "22.5", "2025-03-10"), "2026-09", firm)
    assert amounts(lines) == [(SUBSIDISED, 9, "337.50"), (MARKET, 21, "2362.50")]
    (vat,) = vat_breakdown((line.vat_rate, line.amount) for line in lines)
    assert (format_amount(vat.base), format_amount(vat.amount)) == ("2700.00", "540.00")
    assert format_amount(vat.base + vat.amount) == "3240.00"
    (position,) = positions(lines, [])
    assert format_amount(position.advantage) == "675.00"
    assert format_amount(position.draw) == "567.00"
    assert format_amount(position.contribution) == "252.00"


def test_w2_eighteen_months_from_31_august_end_on_28_february() -> None:
    firm = tenancy("startup", day("2024-01-15"), None, [day("2024-08-31")])
    lines = billed(office("TNG", "28", "2024-08-31"), "2026-02", firm)
    assert amounts(lines) == [(SUBSIDISED, 27, "1350.00"), (MARKET, 1, "150.00")]
    assert lines[1].first_day == lines[1].last_day == day("2026-02-28")


def test_w3_a_firm_exactly_24_months_old_pays_the_market_price_from_the_first_day() -> None:
    firm = tenancy("startup", day("2024-05-01"), None, [day("2026-05-01")])
    assert firm.window is None
    assert amounts(billed(office("TNG", "10", "2026-05-01"), "2026-05", firm)) == [(MARKET, 31, "1500.00")]


def test_w4_a_firm_one_day_younger_is_subsidised_for_18_months() -> None:
    firm = tenancy("startup", day("2024-05-02"), None, [day("2026-05-01")])
    assert firm.window is not None
    assert firm.window.end - timedelta(days=1) == day("2027-10-31")
    lease = office("TNG", "10", "2026-05-01")
    assert amounts(billed(lease, "2027-10", firm)) == [(SUBSIDISED, 31, "500.00")]
    assert amounts(billed(lease, "2027-11", firm)) == [(MARKET, 30, "1500.00")]


def test_w5_a_third_of_the_full_price_is_rounded_to_the_centime_before_the_area() -> None:
    firm = tenancy("startup", day("2025-12-01"), None, [day("2026-01-01")])
    assert amounts(billed(office("CAS", "25", "2026-01-01"), "2026-06", firm)) == [(SUBSIDISED, 30, "1208.25")]


def test_w6_a_second_office_turns_to_market_on_the_same_day_as_the_first() -> None:
    firm = tenancy("sme", day("2024-06-01"), day("2025-01-15"), [day("2025-02-01"), day("2025-11-01")])
    for lease in (office("TNG", "31", "2025-02-01"), office("CAS", "31", "2025-11-01")):
        lines = billed(lease, "2026-07", firm)
        assert [(line.tier, line.first_day) for line in lines] == [
            (SUBSIDISED, day("2026-07-01")),
            (MARKET, day("2026-07-15")),
        ]


def test_w7_vat_is_computed_once_on_the_sum() -> None:
    (vat,) = vat_breakdown([(2_000, 3_333)] * 3)
    assert (format_amount(vat.base), format_amount(vat.amount)) == ("99.99", "20.00")


@pytest.mark.parametrize(("price", "with_vat"), [("18.18", "20.00"), ("18.17", None)])
def test_w8_a_price_that_rounds_to_the_ceiling_breaches_it(price: str, with_vat: str | None) -> None:
    found = ceiling_breach("MEAL", parse_decimal(price, 4), 2_000, day("2026-01-01"), None, VAT)
    assert (format_amount(found[1]) if found else None) == with_vat


def test_w9_a_lease_ended_early_is_credited_line_for_line_and_billed_again() -> None:
    firm = tenancy("large", day("2000-01-01"), None, [day("2024-01-01")])
    before = billed(office("CAS", "20", "2024-01-01"), "2026-06", firm)
    after = billed(office("CAS", "20", "2024-01-01", "2026-06-15"), "2026-06", firm)
    assert amounts(before) == [(MARKET, 30, "2900.00")]
    assert amounts(after) == [(MARKET, 15, "1450.00")]
    assert billed(office("CAS", "20", "2024-01-01", "2026-06-15"), "2026-07", firm) == ()
    (position,) = positions(after, before)
    assert [line.contribution for line in (*before, *after)] == [30_000, 15_000]
    assert (position.contribution, position.supply, position.need) == (-15_000, 0, 15_000)


def test_w10_a_surplus_is_shared_by_largest_remainder_with_ties_to_the_smaller_code() -> None:
    found = waterfall({"Z": 10_000}, {"C": 4_000, "A": 4_000, "B": 4_000}, 0, [], day("2026-07-01"))
    assert {site: format_amount(of.network) for site, of in found.sites.items() if site != "Z"} == {
        "A": "33.34",
        "B": "33.33",
        "C": "33.33",
    }
    assert [format_amount(found.sites[site].unfunded) for site in "ABC"] == ["6.66", "6.67", "6.67"]
    assert found.reserve_after == 0
