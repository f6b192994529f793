"""Who funds whom over three months (R16-R19, R21): the péréquation journal in plain text.

Two sites. At Tanger a newcomer (10 m² at 50.00, cost 134.00: draws 840.00 a month) and a large firm (30 m² at
150.00: contributes 480.00). At Casablanca only a newcomer (10 m² at 48.33, cost 130.00: draws 816.70), whose
window ends on 14 August 2026. In July a region grants 500.00 to Casablanca and the State 200.00 to the network.
"""

import pytest

from tests.support.park import Park, text

NEWCOMER = {"kind": "startup", "incorporated_on": "2025-01-01"}


@pytest.fixture
def small_park(park: Park) -> Park:
    park.opens(
        tenants=[
            {**NEWCOMER, "code": "N1"},
            {**NEWCOMER, "code": "N2"},
            {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01"},
        ],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "TNG", "area_m2": "10", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "N2", "site": "CAS", "area_m2": "10", "starts_on": "2025-02-15"},
            {"code": "L3", "tenant": "OLD", "site": "TNG", "area_m2": "30", "starts_on": "2020-01-01"},
        ],
        grants=[
            {"code": "REGION", "site": "CAS", "amount": "500.00", "granted_on": "2026-07-01"},
            {"code": "STATE", "amount": "200.00", "granted_on": "2026-06-15"},
        ],
    )
    return park


def test_r18_r21_three_months_of_a_small_park(small_park: Park) -> None:
    park = small_park
    reports = [park.bills(month) for month in ("2026-06", "2026-07", "2026-08")]

    # June: own contributions come first, nobody else has anything left, no grant has begun.
    # July: Casablanca's grant comes first, then the State's 200.00 over 360.00 and 316.70.
    # August: 14 days for N2 at the old price, 17 at the full one; the grants are used up.
    assert park.booked("PER") == text("""
        2026-07-01 PER/grant/REGION/1
          9210  REGION  CAS        500.00
          9208  REGION  CAS       -500.00
        2026-06-15 PER/grant/STATE/1
          9210  STATE              200.00
          9208  STATE             -200.00
        2026-06-01 PER/2026-06/N1
          9205          TNG        840.00
          9202  N1      TNG       -840.00
          9301  N1      TNG       1000.00
          9309          TNG      -1000.00
        2026-06-01 PER/2026-06/N2
          9205          CAS        816.70
          9202  N2      CAS       -816.70
          9301  N2      CAS        966.70
          9309          CAS       -966.70
        2026-06-01 PER/2026-06/OLD
          9201  OLD     TNG        480.00
          9205          TNG       -480.00
        2026-06-01 PER/2026-06:cascade/1
          9209          CAS        816.70
          9205          CAS       -816.70
          9209          TNG        360.00
          9205          TNG       -360.00
        2026-07-01 PER/2026-07/N1
          9205          TNG        840.00
          9202  N1      TNG       -840.00
          9301  N1      TNG       1000.00
          9309          TNG      -1000.00
        2026-07-01 PER/2026-07/N2
          9205          CAS        816.70
          9202  N2      CAS       -816.70
          9301  N2      CAS        966.70
          9309          CAS       -966.70
        2026-07-01 PER/2026-07/OLD
          9201  OLD     TNG        480.00
          9205          TNG       -480.00
        2026-07-01 PER/2026-07:cascade/1
          9208  REGION  CAS        500.00
          9205          CAS       -500.00
          9208  STATE   CAS         93.60
          9205          CAS        -93.60
          9208  STATE   TNG        106.40
          9205          TNG       -106.40
          9209          CAS        223.10
          9205          CAS       -223.10
          9209          TNG        253.60
          9205          TNG       -253.60
        2026-08-01 PER/2026-08/N1
          9205          TNG        840.00
          9202  N1      TNG       -840.00
          9301  N1      TNG       1000.00
          9309          TNG      -1000.00
        2026-08-01 PER/2026-08/N2
          9201  N2      CAS         82.26
          9205          CAS        -82.26
          9205          CAS        368.84
          9202  N2      CAS       -368.84
          9301  N2      CAS        436.58
          9309          CAS       -436.58
        2026-08-01 PER/2026-08/OLD
          9201  OLD     TNG        480.00
          9205          TNG       -480.00
        2026-08-01 PER/2026-08:cascade/1
          9209          CAS        286.58
          9205          CAS       -286.58
          9209          TNG        360.00
          9205          TNG       -360.00
        """)
    found = [report.cross_subsidy for report in reports]
    assert [month["grants_left"] for month in found] == [
        {},
        {"REGION": "0.00", "STATE": "0.00"},
        {"REGION": "0.00", "STATE": "0.00"},
    ]
    assert [month["reserve_after"] for month in found] == ["0.00", "0.00", "0.00"]
    assert found[1]["sites"]["CAS"] == {
        "contributions": "0.00",
        "draws": "816.70",
        "earmarked_grants": "500.00",
        "own": "0.00",
        "network": "0.00",
        "reserve": "0.00",
        "network_grants": "93.60",
        "unfunded": "223.10",
    }


def test_r18_what_one_site_has_left_helps_the_other_then_fills_the_reserve_that_serves_later(park: Park) -> None:
    park.opens(
        tenants=[{**NEWCOMER, "code": "N1"}, {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01"}],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "CAS", "area_m2": "10", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "OLD", "site": "TNG", "area_m2": "100", "starts_on": "2020-01-01",
             "ends_on": "2026-07-15"},
        ],
    )  # fmt: skip
    reports = [park.bills(month) for month in ("2026-06", "2026-07", "2026-08")]
    # June: 1600.00 from Tanger, 816.70 to Casablanca. July: only 15 days of it, 774.19. August: nothing.
    found = [report.cross_subsidy for report in reports]
    of_casablanca = [month["sites"]["CAS"] for month in found]
    assert [(of["network"], of["reserve"], of["unfunded"]) for of in of_casablanca] == [
        ("816.70", "0.00", "0.00"),
        ("774.19", "42.51", "0.00"),
        ("0.00", "740.79", "75.91"),
    ]
    assert [month["reserve_after"] for month in found] == ["783.30", "740.79", "0.00"]
    assert park.booked("PER", since="2026-07-01").startswith(
        text("""
        2026-07-01 PER/2026-07/N1
          9205          CAS        816.70
          9202  N1      CAS       -816.70
          9301  N1      CAS        966.70
          9309          CAS       -966.70
        2026-07-01 PER/2026-07/OLD
          9201  OLD     TNG        774.19
          9205          TNG       -774.19
        2026-07-01 PER/2026-07:cascade/1
          9206          CAS        774.19
          9205          CAS       -774.19
          9207          CAS         42.51
          9205          CAS        -42.51
          9205          TNG        774.19
          9206          TNG       -774.19
        """)
    )
    assert "9205" not in park.balances()
    assert "9206" not in park.balances()
