"""Doubtful and lost debts, told as a bookkeeper books them; two people answer for each decision."""

import pytest

from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.receivables.debts.deciding import debt_standing
from tests.support.credit_notes import credits_by_hand
from tests.support.debts import decides
from tests.support.networks import Row
from tests.support.park import Park, text

LARGE: Row = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
LEASE: Row = {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}


@pytest.fixture
def billed(park: Park) -> Park:
    """June: 2,900.00 and VAT 580.00 are owed."""
    park.opens(tenants=[LARGE], leases=[LEASE])
    park.bills("2026-06")
    return park


def stands(park: Park, *names: str) -> list[str]:
    with reading(park.engine) as connection:
        found = debt_standing(connection, "FA-2026-000001")
    return [str(getattr(found, name)) for name in names]


def test_a_debt_becomes_doubtful_is_provided_for_and_is_lost_in_part(billed: Park) -> None:
    decides(billed, "doubtful")
    decides(billed, "provisioned", "1500.00")
    decides(billed, "written_off", "2088.00", on="2027-05-31")
    assert billed.booked("OD") == text("""
        2026-12-31 OD/CR-1
          3424  T1                3480.00
          3421  T1               -3480.00
        2026-12-31 OD/CR-2
          6196                    1500.00
          3942  T1               -1500.00
        2027-05-31 OD/CR-3
          6182                    1740.00
          44551                    348.00
          3424  T1               -2088.00
        2027-05-31 OD/CR-4
          3942  T1                 340.00
          7196                    -340.00
        """)
    # 1,392.00 is still doubtful; what is provided for is never more than that without VAT.
    assert stands(billed, "unpaid", "doubtful", "provision", "written_off") == [
        "1392.00", "1392.00", "1160.00", "2088.00",
    ]  # fmt: skip
    assert billed.balances()["44551"] == "-232.00"
    assert check(billed.engine) == []


def test_no_decision_is_older_than_what_it_rests_on(billed: Park) -> None:
    with pytest.raises(Refused, match=r"comes before 2026-06-01, when FA-2026-000001 was issued"):
        decides(billed, "doubtful", on="2026-05-31")
    decides(billed, "doubtful", on="2026-10-01")
    with pytest.raises(Refused, match=r"comes before 2026-10-01, when FA-2026-000001 was set apart as doubtful"):
        decides(billed, "provisioned", on="2026-09-30")
    decides(billed, "written_off", "1000.00", on="2026-10-05")
    with pytest.raises(Refused, match=r"decided_on.*comes before 2026-10-05, when FA-2026-000001 was written off"):
        decides(billed, "recovered", "100.00", on="2026-10-04")
    decides(billed, "recovered", "100.00", on="2026-10-05")
    assert stands(billed, "written_off", "recovered") == ["1000.00", "100.00"]
    assert check(billed.engine) == []


def test_a_lost_debt_that_comes_in_after_all_is_income_with_its_vat_due(billed: Park) -> None:
    decides(billed, "written_off")
    assert "3421" not in billed.balances()
    assert "44551" not in billed.balances()
    decides(billed, "recovered", "1000.00", on="2027-02-01")
    decides(billed, "recovered", on="2027-03-01")
    assert billed.booked("BQ") == text("""
        2027-02-01 BQ/CR-2
          5141                    1000.00
          7585                    -833.33
          4455                    -166.67
        2027-03-01 BQ/CR-3
          5141                    2480.00
          7585                   -2066.67
          4455                    -413.33
        """)
    with pytest.raises(Refused, match="nothing of FA-2026-000001 can be recovered"):
        decides(billed, "recovered", "0.01")
    assert check(billed.engine) == []


def test_a_doubtful_debt_is_reinstated_and_its_provision_released(billed: Park) -> None:
    decides(billed, "doubtful", "1200.00")
    decides(billed, "provisioned")
    assert stands(billed, "doubtful", "provision") == ["1200.00", "1000.00"]
    decides(billed, "released")
    decides(billed, "reinstated")
    assert billed.balances()["3421"] == "3480.00"
    assert {"3424", "3942"}.isdisjoint(billed.balances())
    assert check(billed.engine) == []


def test_written_off_in_parts_the_vat_is_exact(billed: Park) -> None:
    for amount in ("0.01", "1159.99", "1160.00"):
        decides(billed, "written_off", amount)
    decides(billed, "written_off")
    assert {name: balance for name, balance in billed.balances().items() if name < "7"} == {"6182": "2900.00"}
    assert check(billed.engine) == []


def test_what_was_credited_is_not_lost_as_well(billed: Park) -> None:
    credits_by_hand(billed, "FA-2026-000001", (1, 50000))
    with pytest.raises(Refused, match=r"from 0\.01 to 2880\.00 of FA-2026-000001 can be written off"):
        decides(billed, "written_off", "2880.01")
    decides(billed, "written_off")
    assert "3421" not in billed.balances()
    assert "44551" not in billed.balances()
    assert check(billed.engine) == []


def test_what_is_possible_and_a_reason_are_asked_for(billed: Park) -> None:
    with pytest.raises(Refused) as refused:
        decides(billed, "doubtful", "0.00", reason=" ")
    assert [fault.column for fault in refused.value.faults] == ["amount", "reason"]
    with pytest.raises(Refused, match="nothing of FA-2026-000001 can be provided for"):
        decides(billed, "provisioned", "1.00")
    credits_by_hand(billed, "FA-2026-000001", (1, 100))
    with pytest.raises(Refused, match="is no invoice"):
        decides(billed, "doubtful", "1.00", invoice="AV-2026-000001")
    assert billed.booked("OD") == ""
    assert check(billed.engine) == []


def test_r26_what_is_recovered_in_parts_falls_due_as_in_one(billed: Park) -> None:
    decides(billed, "written_off")
    for _ in range(5):
        decides(billed, "recovered", "0.02")
    # 0.10 of 3,480.00 holds VAT 0.0167.
    assert billed.balances()["4455"] == "-0.02"
    decides(billed, "recovered", "3479.90")
    assert billed.balances()["4455"] == "-580.00"
    assert check(billed.engine) == []
