"""The worked examples of the domain once more, from the files of a network folder to documents (W1-W10).

W9 is told at length in test_credit_note.py.
"""

import pytest

from billing.frame.errors import Refused
from tests.support.park import Park, text

NEWCOMER = {"code": "T1", "kind": "startup"}
LARGE = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}


def office(site: str, area: str, starts_on: str, code: str = "L1") -> dict[str, str]:
    return {"code": code, "tenant": "T1", "site": site, "area_m2": area, "starts_on": starts_on}


def test_w1_the_month_in_which_the_window_ends(park: Park) -> None:
    park.opens(tenants=[{**NEWCOMER, "incorporated_on": "2024-01-15"}], leases=[office("TNG", "22.5", "2025-03-10")])
    report = park.bills("2026-09")
    assert park.issued("2026-09") == text("""
        FA-2026-000001 T1: net 2700.00, VAT 540.00, due 3240.00
          TNG L1 2026-09-01 to 2026-09-09 subsidised 337.50
          TNG L1 2026-09-10 to 2026-09-30 market 2362.50
        """)
    found = report.cross_subsidy
    assert found["advantage"] == "675.00"
    assert found["sites"]["TNG"] == {
        "contributions": "252.00",
        "draws": "567.00",
        "earmarked_grants": "0.00",
        "own": "252.00",
        "network": "0.00",
        "reserve": "0.00",
        "network_grants": "0.00",
        "unfunded": "315.00",
    }
    assert park.booked("PER") == text("""
        2026-09-01 PER/2026-09/T1
          9201  T1      TNG        252.00
          9205          TNG       -252.00
          9205          TNG        567.00
          9202  T1      TNG       -567.00
          9301  T1      TNG        675.00
          9309          TNG       -675.00
        2026-09-01 PER/2026-09:cascade/1
          9209          TNG        315.00
          9205          TNG       -315.00
        """)
    (document,) = park.documents("2026-09")
    assert document.discount_ends_on is not None
    assert document.discount_ends_on.isoformat() == "2026-09-09"


def test_w2_a_window_from_31_august_ends_on_27_february(park: Park) -> None:
    park.opens(tenants=[{**NEWCOMER, "incorporated_on": "2024-01-15"}], leases=[office("TNG", "28", "2024-08-31")])
    park.bills("2026-02")
    assert park.issued("2026-02") == text("""
        FA-2026-000001 T1: net 1500.00, VAT 300.00, due 1800.00
          TNG L1 2026-02-01 to 2026-02-27 subsidised 1350.00
          TNG L1 2026-02-28 to 2026-02-28 market 150.00
        """)


@pytest.mark.parametrize(
    ("incorporated_on", "tier", "amount"), [("2024-05-01", "market", "1500.00"), ("2024-05-02", "subsidised", "500.00")]
)
def test_w3_w4_one_day_of_age_decides(park: Park, incorporated_on: str, tier: str, amount: str) -> None:
    park.opens(tenants=[{**NEWCOMER, "incorporated_on": incorporated_on}], leases=[office("TNG", "10", "2026-05-01")])
    park.bills("2026-05")
    assert f"TNG L1 2026-05-01 to 2026-05-31 {tier} {amount}" in park.issued("2026-05")
    park.bills("2027-11")
    assert "TNG L1 2027-11-01 to 2027-11-30 market 1500.00" in park.issued("2027-11")
    assert f"TNG L1 2027-10-01 to 2027-10-31 {tier} {amount}" in park.issued("2027-11")


def test_w5_a_third_of_the_price_is_rounded_before_the_area(park: Park) -> None:
    park.opens(tenants=[{**NEWCOMER, "incorporated_on": "2026-01-01"}], leases=[office("CAS", "25", "2026-01-01")])
    park.bills("2026-06")
    assert "CAS L1 2026-06-01 to 2026-06-30 subsidised 1208.25" in park.issued("2026-06")


def test_w6_a_second_office_does_not_restart_the_window(park: Park) -> None:
    park.opens(
        tenants=[{**NEWCOMER, "incorporated_on": "2024-06-01", "admitted_on": "2025-01-15"}],
        leases=[office("TNG", "31", "2025-02-01"), office("CAS", "31", "2025-11-01", "L2")],
    )
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        FA-2026-000001 T1: net 6391.62, VAT 1278.32, due 7669.94
          TNG L1 2026-07-01 to 2026-07-14 subsidised 700.00
          TNG L1 2026-07-15 to 2026-07-31 market 2550.00
          CAS L2 2026-07-01 to 2026-07-14 subsidised 676.62
          CAS L2 2026-07-15 to 2026-07-31 market 2465.00
        """)


def test_w7_vat_is_computed_once_on_the_sum_of_three_lines(park: Park) -> None:
    park.opens(
        tenants=[LARGE],
        leases=[office("TNG", "1", "2024-01-01", f"L{number}") for number in (1, 2, 3)],
        rates=[{"market": "33.33", "subsidised": "0", "full_cost": "0"}],
    )
    park.bills("2026-06")
    assert park.issued("2026-06").startswith("FA-2026-000001 T1: net 99.99, VAT 20.00, due 119.99\n")


@pytest.mark.parametrize(("price", "accepted"), [("18.18", False), ("18.17", True)])
def test_w8_a_meal_that_rounds_to_its_ceiling_is_refused_when_entered(park: Park, price: str, accepted: bool) -> None:
    version = {"service": "MEAL", "effective_from": "2026-01-01", "market": "34.00", "subsidised": price,
               "full_cost": "31.50"}  # fmt: skip
    park.opens()
    if accepted:
        park.enters(rates=[version])
        return
    with pytest.raises(Refused) as caught:
        park.enters(rates=[version])
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.column, fault.value) == ("rates.csv", 2, "subsidised", "18.18")
    assert "20.00" in fault.problem


def test_w10_a_surplus_is_shared_by_largest_remainder(park: Park) -> None:
    sites = ("AAA", "BBB", "CCC", "ZZZ")
    park.opens(
        sites=[{"code": code} for code in sites],
        rates=[{"site": code, "market": "110.00", "subsidised": "60.00", "full_cost": "100.00"} for code in sites],
        tenants=[
            LARGE,
            *({"code": f"N{code}", "kind": "sme", "incorporated_on": "2025-06-01"} for code in sites[:3]),
        ],
        leases=[
            office("ZZZ", "10", "2024-01-01"),
            *(
                {"code": f"L{code}", "tenant": f"N{code}", "site": code, "area_m2": "1", "starts_on": "2026-01-01"}
                for code in sites[:3]
            ),
        ],
    )
    found = park.bills("2026-06").cross_subsidy
    assert found["sites"]["ZZZ"]["contributions"] == "100.00"
    assert [(found["sites"][code]["network"], found["sites"][code]["unfunded"]) for code in sites[:3]] == [
        ("33.34", "6.66"),
        ("33.33", "6.67"),
        ("33.33", "6.67"),
    ]
    assert found["reserve_after"] == "0.00"
