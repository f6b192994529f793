"""A month run again, and runs that are refused (R6, R14, R15)."""

from datetime import date

import pytest

from billing.frame.errors import RunRefused
from invoices.errors import IssueDateGoesBack
from tests.support.expected import run_json
from tests.support.park import Park, text

LARGE = {"kind": "large", "incorporated_on": "2000-01-01"}


def office(number: int, site: str = "CAS") -> dict[str, str]:
    return {"code": f"L{number}", "tenant": f"T{number}", "site": site, "area_m2": "20", "starts_on": "2024-01-01"}


def test_r6_r14_a_tenant_in_error_is_billed_when_the_month_is_run_again_with_its_data_mended(park: Park) -> None:
    agadir = {"code": "AGA", "name": "Technopark Agadir", "city": "Agadir"}
    park.opens(
        tenants=[{**LARGE, "code": "T1"}, {**LARGE, "code": "T2"}],
        leases=[office(1), office(2, "AGA")],
        sites=[("CAS", "Casa", "Casa", None, None), ("TNG", "Tanger", "Tanger", None, None), agadir],
    )
    first = park.bills("2026-06")
    assert [tenant for tenant, _ in first.errors] == ["T2"]
    assert "no rate for OFFICE at AGA for tenants of kind large on 2026-06-01" in first.errors[0][1]
    assert park.issued("2026-06") == text("""
        FA-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
        """)
    assert first.cross_subsidy["reserve_after"] == "300.00"

    # Not mended: nothing happens.
    again = park.bills("2026-06")
    assert [tenant for tenant, _ in again.errors] == ["T2"]
    assert again.cross_subsidy == first.cross_subsidy
    assert len(park.documents("2026-06")) == 1

    park.enters(
        rates=[{"site": "AGA", "service": "OFFICE", "market": "105.00", "subsidised": "1/3", "full_cost": "101.50"}]
    )
    mended = park.bills("2026-06", issued_on="2026-06-04")
    assert mended.errors == ()
    assert park.issued("2026-06") == text("""
        FA-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
        FA-2026-000002 T2: net 2100.00, VAT 420.00, due 2520.00
          AGA L2 2026-06-01 to 2026-06-30 market 2100.00
        """)
    # The waterfall is that of the whole run: 300.00 and 70.00. The former one is taken back in the open period.
    assert mended.cross_subsidy["reserve_after"] == "370.00"
    assert park.booked("PER", since="2026-06-02") == text("""
        2026-06-04 PER/2026-06/T2
          9201  T2      AGA         70.00
          9205          AGA        -70.00
        2026-06-04 PER/2026-06:cascade/1/annulation
          9205          CAS       -300.00
          9206          CAS        300.00
          9206                    -300.00
          9207                     300.00
        2026-06-04 PER/2026-06:cascade/3
          9205          AGA         70.00
          9206          AGA        -70.00
          9205          CAS        300.00
          9206          CAS       -300.00
          9206                     370.00
          9207                    -370.00
        """)
    assert "9205" not in park.balances()
    assert "9206" not in park.balances()


def test_r14_a_completed_month_run_again_issues_nothing_whatever_has_changed(park: Park) -> None:
    park.opens(tenants=[{**LARGE, "code": "T1"}], leases=[office(1)])
    park.bills("2026-06")
    before = park.issued("2026-06"), park.booked("VTE"), park.booked("PER")
    park.enters(
        tenants=[{**LARGE, "code": "T2"}],
        leases=[{**office(1), "ends_on": "2026-06-15"}, office(2)],
        usage=[{"event_id": "E1", "tenant": "T1", "site": "CAS", "occurred_on": "2026-05-01"}],
    )
    report = park.bills("2026-06")
    assert report.issued_now is False
    assert (park.issued("2026-06"), park.booked("VTE"), park.booked("PER")) == before


def test_r14_a_month_before_the_latest_run_is_refused(park: Park) -> None:
    park.opens(tenants=[{**LARGE, "code": "T1"}], leases=[office(1)])
    park.bills("2026-08")
    for month in ("2026-07", "2026-06"):
        with pytest.raises(RunRefused, match=f"{month} comes before 2026-08, the latest run"):
            park.bills(month, issued_on="2026-09-01")
        with pytest.raises(RunRefused, match="2026-08, the latest run"):
            park.preview(month, date(2026, 9, 1))
    assert park.documents("2026-07") == []


def test_r15_an_issue_date_that_goes_back_is_refused_and_burns_no_number(park: Park) -> None:
    park.opens(tenants=[{**LARGE, "code": "T1"}], leases=[office(1)])
    park.bills("2026-06", issued_on="2026-06-10")
    with pytest.raises(IssueDateGoesBack):
        park.bills("2026-07", issued_on="2026-06-09")
    assert park.documents("2026-07") == []
    park.bills("2026-07", issued_on="2026-06-10")
    assert [document.number for document in park.documents("2026-07")] == ["FA-2026-000002"]


def test_r15_numbers_begin_again_with_the_year_of_issue_not_the_month_billed(park: Park) -> None:
    park.opens(tenants=[{**LARGE, "code": "T1"}, {**LARGE, "code": "T2"}], leases=[office(1), office(2)])
    park.bills("2026-12", issued_on="2026-12-31")
    park.bills("2027-01", issued_on="2026-12-31")
    park.bills("2027-02", issued_on="2027-01-02")
    numbers = [document.number for month in ("2026-12", "2027-01", "2027-02") for document in park.documents(month)]
    assert numbers == [
        "FA-2026-000001",
        "FA-2026-000002",
        "FA-2026-000003",
        "FA-2026-000004",
        "FA-2027-000001",
        "FA-2027-000002",
    ]


def test_r14_a_dry_run_says_what_the_run_will_give_and_writes_nothing(park: Park) -> None:
    park.opens(tenants=[{**LARGE, "code": "T1"}], leases=[office(1)])
    dry = park.preview("2026-06", date(2026, 6, 1))
    assert dry.dry_run is True
    assert park.documents("2026-06") == []
    assert park.balances() == {}
    wet = park.bills("2026-06")
    assert [document.number for document in park.documents("2026-06")] == ["FA-2026-000001"]
    for name in ("invoices", "credit_notes", "cross_subsidy", "errors"):
        assert run_json(dry)[name] == run_json(wet)[name]
