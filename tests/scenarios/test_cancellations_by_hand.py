"""Lines that were wrong, cancelled by hand: booked as sales, counted by the next run, billed anew if due (R28)."""

from datetime import date

import pytest

from billing.check import check
from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.credit_notes.queries import all_credit_notes, creditable_lines
from billing.frame.database import reading
from billing.frame.errors import Refused
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.credit_notes import cancels_by_hand, credits_by_hand
from tests.support.networks import Row
from tests.support.park import Park, text
from tests.support.spoiling import behind_its_back
from tests.support.usage import voids

LARGE: Row = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}


def office(ends_on: str | None = None) -> Row:
    return {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01", "ends_on": ends_on}


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=[LARGE], leases=[office()])
    park.bills("2026-06")
    return park


def test_c6_it_takes_back_the_sale_itself_and_the_next_run_bills_the_month_anew(billed: Park) -> None:
    cancels_by_hand(billed, "FA-2026-000001")
    assert billed.booked("VTE", "2026-06-02") == text("""
        2026-06-20 VTE/AV-2026-000001
          3421  T1               -3480.00
          71243         CAS       2900.00
          44551                    580.00
        """)
    assert check(billed.engine) == []
    preview = billed.preview("2026-07", date(2026, 7, 1))
    report = billed.bills("2026-07")
    assert billed.issued("2026-07") == text("""
        FA-2026-000002 T1: net 5800.00, VAT 1160.00, due 6960.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
        """)
    # June's 300.00 are taken back, and brought anew, with July's.
    assert report.cross_subsidy["sites"]["CAS"]["contributions"] == "300.00"
    assert report.cross_subsidy["reserve_after"] == "600.00"
    assert (preview.invoices, preview.cross_subsidy) == (report.invoices, report.cross_subsidy)
    assert "7129" not in billed.balances()
    assert check(billed.engine) == []
    # It is counted once.
    assert billed.bills("2026-08").cross_subsidy["reserve_after"] == "900.00"
    assert check(billed.engine) == []


def test_what_the_register_no_longer_demands_is_not_billed_anew(billed: Park) -> None:
    billed.enters(leases=[office("2026-06-30")])
    cancels_by_hand(billed, "FA-2026-000001", on="2026-06-20")
    billed.enters(leases=[office("2026-06-15")])
    report = billed.bills("2026-07")
    assert billed.issued("2026-07") == text("""
        FA-2026-000002 T1: net 1450.00, VAT 290.00, due 1740.00
          CAS L1 2026-06-01 to 2026-06-15 market 1450.00
        """)
    # As in W9: -300.00 + 150.00.
    assert report.cross_subsidy["reserve_after"] == "150.00"
    assert check(billed.engine) == []


def test_a_run_that_issues_nothing_counts_it_all_the_same(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[office("2026-06-30")], usage=[meal("M1", "10")])
    park.bills("2026-06")
    # Three kinds of lines of one tenant: the meals alone were wrong.
    cancels_by_hand(park, "FA-2026-000001", 2)
    voids(park, "M1")
    park.bills("2026-07")
    assert park.issued("2026-07") == ""
    assert park.booked("PER", "2026-07-01") == text("""
        2026-07-01 PER/2026-07/T1
          9205          CAS         30.00
          9202  T1      CAS        -30.00
        2026-07-01 PER/2026-07:cascade/1
          9207          CAS         30.00
          9205          CAS        -30.00
        """)
    assert check(park.engine) == []


def test_r11_a_rebate_on_a_line_that_is_cancelled_is_billed_again_by_the_next_run(billed: Park) -> None:
    credits_by_hand(billed, "FA-2026-000001", (1, 50_000))
    cancels_by_hand(billed, "FA-2026-000001")
    assert billed.balances()["3421"] == "-600.00"
    assert check(billed.engine) == []
    report = billed.bills("2026-07")
    assert report.withdrawn == (("AV-2026-000001", "T1", 50_000),)
    assert billed.issued("2026-07") == text("""
        FA-2026-000002 T1: net 6300.00, VAT 1260.00, due 7560.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
          CAS OFFICE 2026-06 market 500.00
        """)
    assert (billed.balances()["3421"], billed.balances()["71243"]) == ("6960.00", "-5800.00")
    assert "7129" not in billed.balances()
    assert check(billed.engine) == []


def meal(event: str, quantity: str) -> Row:
    return {"event_id": event, "tenant": "T1", "site": "CAS", "quantity": quantity, "occurred_on": "2026-05-11"}


def test_usage_that_was_not_voided_is_billed_anew_as_rates_are_now(park: Park) -> None:
    usage = [meal("M1", "10"), meal("M2", "4")]
    park.opens(tenants=[LARGE], leases=[office()], usage=usage)
    park.bills("2026-06")
    assert park.issued("2026-06").splitlines()[-1] == "  CAS MEAL 2026-05 market 504.00"
    park.enters(rates=[("CAS", "MEAL", None, "2015-01-01", "30.00", "15.00", "28.00", "corrected")])
    cancels_by_hand(park, "FA-2026-000001", 2)
    voids(park, "M2")
    report = park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        FA-2026-000002 T1: net 3200.00, VAT 610.00, due 3810.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
          CAS MEAL 2026-05 market 300.00
        """)
    # June: 300.00 + 14 meals at 3.00; July: 300.00 + 10 at 2.00 - 14 at 3.00.
    assert report.cross_subsidy["reserve_after"] == "620.00"
    assert check(park.engine) == []
    # Nothing is left over for another run.
    assert park.bills("2026-08").withdrawn == ()
    assert park.issued("2026-08").splitlines()[1:] == ["  CAS L1 2026-08-01 to 2026-08-31 market 2900.00"]
    # What was billed anew can be cancelled again.
    cancels_by_hand(park, "FA-2026-000002", 2, on="2026-08-20")
    park.bills("2026-09")
    assert "  CAS MEAL 2026-05 market 300.00" in park.issued("2026-09")
    assert check(park.engine) == []


def test_the_discount_is_taken_back_as_well(park: Park) -> None:
    lease = {**dict(office()), "starts_on": "2026-01-01"}
    park.opens(tenants=[{"code": "T1", "incorporated_on": "2025-01-15"}], leases=[lease])
    park.bills("2026-06")
    note = cancels_by_hand(park, "FA-2026-000001")
    assert (note.draft.advantage, note.draft.contribution) == (193_340, 0)
    report = park.bills("2026-07")
    assert report.cross_subsidy["advantage"] == "1933.40"
    assert check(park.engine) == []


def test_whole_lines_once_and_for_a_reason(billed: Park) -> None:
    with pytest.raises(Refused, match="can't be cancelled in part"):
        cancels_by_hand(billed, "FA-2026-000001", (1, 500))
    with pytest.raises(Refused, match="is no line of FA-2026-000001"):
        cancels_by_hand(billed, "FA-2026-000001", 2)
    cancels_by_hand(billed, "FA-2026-000001", 1)
    for again in ((), (1,)):
        with pytest.raises(Refused, match="is credited in full already"):
            cancels_by_hand(billed, "FA-2026-000001", *again)
    with pytest.raises(Refused, match="is credited in full already"):
        credits_by_hand(billed, "FA-2026-000001", (1, 1))
    with reading(billed.engine) as connection:
        assert [format_amount(line.left) for line in creditable_lines(connection, "FA-2026-000001")] == ["0.00"]
        (listed,) = all_credit_notes(connection)
    assert (listed.kind, listed.invoice, listed.net) == (CreditKind.CANCELLATION, "FA-2026-000001", "2900.00")
    assert [(line.invoice_line, line.amount) for line in listed.lines] == [(1, "2900.00")]
    assert check(billed.engine) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM cancellation_count", "AV-2026-000001 cancels lines, and no run since has counted"),
        ("UPDATE cancellation_count SET period = '2026-06-01'", "the position at CAS is"),
        ("UPDATE document SET contribution = 0 WHERE id = 2", "AV-2026-000001: its totals are not those of its lines"),
        (
            "UPDATE document_line SET quantity = 1 WHERE document_id = 2",
            "differs from the line it takes back in quantity",
        ),
        ("DELETE FROM credit_reason", "AV-2026-000001 was issued outside a run, and does not say why"),
        ("UPDATE document_vat SET amount = 57999 WHERE document_id = 2", "AV-2026-000001: VAT 579.99 on 2900.00"),
    ],
)
def test_what_is_spoilt_is_named(billed: Park, statement: str, named: str) -> None:
    cancels_by_hand(billed, "FA-2026-000001")
    billed.bills("2026-07")
    behind_its_back(billed.engine, statement)
    assert any(named in problem for problem in check(billed.engine)), check(billed.engine)


def test_a_tenant_in_error_is_counted_once_it_is_billed(billed: Park) -> None:
    cancels_by_hand(billed, "FA-2026-000001")
    # A meal at a site where none has a price: T1 can't be billed.
    nowhere = {**dict(meal("M9", "1")), "service": "TRAINING"}
    billed.enters(
        services=[("TRAINING", "Formation", "each", "arrears", "71243", None)],
        vat_rates=[("TRAINING", "2015-01-01", "0.20")],
        usage=[nowhere],
    )
    assert [tenant for tenant, _ in billed.bills("2026-07").errors] == ["T1"]
    assert check(billed.engine) == []
    voids(billed, "M9")
    report = billed.run("2026-07", NOW.date())
    assert report.cross_subsidy["reserve_after"] == "600.00"
    assert check(billed.engine) == []
