"""What lies in a closed month keeps its day and is booked on the first open one (preface of R23)."""

import pytest

from billing.bank.lines import lines_listed
from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.receivables.cash_desk.queries import find_cash_receipt
from billing.receivables.receipts.queries import find_refund, receipt_story
from tests.support.bank import accepts, decides, found, says, statement, takes
from tests.support.credit_notes import credits_by_hand
from tests.support.park import Park, text
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import (
    NONE,
    allocates,
    bounces,
    cancels,
    carried,
    clears,
    closes,
    order,
    places,
    receives,
    records,
    refunds,
    still_open,
    undoes,
    withdraws,
)

LATE = "booked on 2026-07-01, since 2026-06 is closed; its own day 2026-06-20 is kept"


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def test_a_transfer_of_a_closed_month_keeps_its_value_date(billed: Park) -> None:
    closes(billed, "2026-06")
    (made,) = records(billed, order("3480.00"))
    assert made.warnings == (LATE,)
    assert billed.booked("BQ") == text("""
        2026-07-01 BQ/RG-000001
          5141                    3480.00
          3421  T1               -3480.00
          44551                    580.00
          4455                    -580.00
        """)
    with reading(billed.engine) as connection:
        story = receipt_story(connection, 1)
    assert (str(story.value_date), str(story.booked_on)) == ("2026-06-20", "2026-07-01")
    # The same again is the same; at the end of June nothing of it had happened.
    assert [made.is_new for made in records(billed, order("3480.00"))] == [False]
    assert still_open(billed, on="2026-06-30") == {FIRST: "3480.00", SECOND: "1740.00"}
    assert still_open(billed) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


@pytest.mark.parametrize("tenant", ["T1", None])
def test_money_that_settles_nothing_is_carried_from_the_day_it_is_booked(billed: Park, tenant: str | None) -> None:
    closes(billed, "2026-06")
    receives(billed, order("100.00", tenant=tenant, pays=NONE))
    assert carried(billed, on="2026-06-30") == []
    assert carried(billed, on="2026-07-01") == [f"RG-000001 {tenant or '?'} 100.00"]
    assert check(billed.engine) == []


def test_cash_of_a_closed_month_is_acknowledged_on_its_own_day(billed: Park) -> None:
    closes(billed, "2026-06")
    receives(billed, order("1000.00", means="cash"))
    assert billed.booked("CA") == text("""
        2026-07-01 CA/RG-000001
          5161                    1000.00
          3421  T1               -1000.00
          44551                    166.67
          4455                    -166.67
        2026-07-01 CA/RC-2026-000001
          5161                       2.50
          4457                      -2.50
        """)
    with reading(billed.engine) as connection:
        assert str(find_cash_receipt(connection, "RC-2026-000001").taken_on) == "2026-06-20"
    cancels(billed, 1)
    assert "5161" not in billed.balances()
    assert check(billed.engine) == []


def test_every_act_of_a_closed_month_is_booked_on_the_first_open_day(billed: Park) -> None:
    receives(billed, order("1000.00", means="cheque", reference="7", on="2026-06-10"))
    receives(billed, order("500.00", reference="V2", tenant=None, pays=NONE, on="2026-06-10"))
    receives(billed, order("700.00", means="cheque", reference="8", on="2026-06-10"))
    closes(billed, "2026-06")
    clears(billed, 1, on="2026-06-24")
    bounces(billed, 3, on="2026-06-26")
    places(billed, 2, "T2", "400.00", on="2026-06-22")
    allocates(billed, 2, {SECOND: "300.00"}, on="2026-06-23")
    undoes(billed, 3, on="2026-06-25")
    withdraws(billed, 2, "T2", "50.00", on="2026-06-25")
    refunds(billed, "40.00", receipt=2, tenant="T2", on="2026-06-28")
    with reading(billed.engine) as connection:
        first, second, third = (receipt_story(connection, key) for key in (1, 2, 3))
        refund = find_refund(connection, 1)
    assert [(str(one.happened_on), str(one.booked_on)) for one in (*first.events, *third.events)] == [
        ("2026-06-24", "2026-07-01"), ("2026-06-26", "2026-07-01"),
    ]  # fmt: skip
    assert {str(placed.placed_on) for placed in second.placements} == {"2026-07-01"}
    assert [(str(part.allocated_on), str(part.undone_on)) for part in second.allocations] == [
        ("2026-07-01", "2026-07-01")
    ]
    assert (str(refund.refunded_on), str(refund.booked_on)) == ("2026-06-28", "2026-07-01")
    assert "2026-06" not in "".join(
        line for journal in ("BQ", "OD") for line in billed.booked(journal, "2026-06-11").splitlines() if line[0] != " "
    )
    assert check(billed.engine) == []


def test_what_is_booked_late_is_still_the_first_reading_of_its_bank_line(billed: Park) -> None:
    """R33: the books hold it, though its entry lies a month after the bank's day."""
    closes(billed, "2026-06", "2026-07")
    receives(billed, order("500.00", reference="VIR 8841"))
    receives(billed, order("300.00", reference="VIR 8842", on="2026-06-01"))
    assert billed.booked("BQ").startswith("2026-08-01 BQ/RG-000001")
    takes(billed, statement([says("500.00"), says("300.00")], opening="0", closing="800"))
    accepts(billed, (1, 1))
    # The other's own day is too far away: it is no more proposed than an entry of that day would be.
    assert found(billed) == {"RE-000001/1": "500.00 recorded 80", "RE-000001/2": "300.00 ?"}
    assert check(billed.engine) == []


def test_what_is_booked_late_is_not_the_reading_of_a_line_of_the_day_it_is_booked(billed: Park) -> None:
    """R33: money of June that is booked in August is not what came to the bank in August."""
    receives(billed, order("500.00", means="cheque", reference="0000123", on="2026-06-12"))
    closes(billed, "2026-06", "2026-07")
    receives(billed, order("300.00", reference="VIR 8841", on="2026-06-20"))
    clears(billed, 1, on="2026-06-24")
    assert billed.booked("BQ").count("2026-08-01 BQ/RG-00000") == 2
    lines = [says("500.00", "2026-08-03"), says("300.00", "2026-08-03")]
    takes(billed, statement(lines, opening="0", closing="800", on="2026-08-03"))
    with reading(billed.engine) as connection:
        waiting = lines_listed(connection, billed.settings.terms, statement=1, waiting=True)
    assert [[proposal.kind for proposal in line.proposals] for line in waiting] == [[], []]


def test_a_bank_line_of_a_closed_month_is_decided(billed: Park) -> None:
    takes(billed, statement([says("500.00", text="VIR INCONNU")], opening="0", closing="500"))
    closes(billed, "2026-06")
    decides(billed, (1, 1), "received", tenant="T1")
    assert found(billed) == {"RE-000001/1": "500.00 received"}
    assert billed.booked("BQ").startswith("2026-07-01 BQ/RG-000001")
    assert check(billed.engine) == []


def test_a_refund_of_a_closed_month_is_not_older_than_what_it_pays_back(billed: Park) -> None:
    receives(billed, order("3500.00", on="2026-06-12"))
    credits_by_hand(billed, FIRST, (1, 10_000), on="2026-06-20", reason="geste commercial")
    closes(billed, "2026-06")
    with pytest.raises(Refused, match="comes before 2026-06-20, when AV-2026-000001 was issued"):
        refunds(billed, note="AV-2026-000001", on="2026-06-19")
    with pytest.raises(Refused, match="comes before 2026-06-12, when the money came"):
        refunds(billed, receipt=1, tenant="T1", on="2026-06-11")
    refunds(billed, note="AV-2026-000001", on="2026-06-20")
    refunds(billed, receipt=1, tenant="T1", on="2026-06-12", reference="R2")
    assert check(billed.engine) == []
