"""Bank lines wait again when a receipt that they named is cancelled (R25)."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.check import check
from invoices.structured_reference import rf_of
from tests.support.bank import accepts, decides, found, says, statement, takes, undoes_line
from tests.support.park import Park, open_park
from tests.support.statements_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import cancels, cancels_refund, carried, order, receives, refunds, still_open


@pytest.fixture
def billed(engine: Engine, tmp_path: Path) -> Park:
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def test_a_line_that_brought_a_receipt_waits_and_is_decided_anew(billed: Park) -> None:
    takes(billed, statement([says("3480.00", structured=rf_of(FIRST))], opening="0", closing="3480"))
    assert cancels(billed, 1).lines == ("RE-000001/1",)
    assert found(billed) == {"RE-000001/1": "3480.00 ?"}
    assert still_open(billed) == {FIRST: "3480.00", SECOND: "1740.00"}
    assert check(billed.engine) == []
    decides(billed, (1, 1), "received", tenant="T2", pays={SECOND: "1740.00"})
    assert carried(billed) == ["RG-000002 T2 1740.00"]
    assert billed.balances()["5141"] == "3480.00"
    assert check(billed.engine) == []
    # Undone and cancelled: nobody's money is left over.
    undoes_line(billed, (1, 1))
    cancels(billed, 2)
    assert carried(billed) == []
    assert "5141" not in billed.balances()
    assert check(billed.engine) == []


def test_a_slip_waits_again_when_one_of_its_cheques_is_cancelled(billed: Park) -> None:
    for number, (tenant, amount) in enumerate((("T1", "3480.00"), ("T2", "1740.00")), 1):
        receives(billed, order(amount, means="cheque", reference=f"C{number}", tenant=tenant))
    takes(billed, statement([says("5220.00", text="REMISE DE 2 CHEQUES")], opening="0", closing="5220"))
    decides(billed, (1, 1), "cleared", receipts=(1, 2))
    cancels(billed, 1)
    assert found(billed) == {"RE-000001/1": "5220.00 ?"}
    assert billed.balances()["5141"] == "1740.00"
    assert check(billed.engine) == []
    receives(billed, order("3480.00", means="cheque", reference="C1 bis"))
    decides(billed, (1, 1), "cleared", receipts=(2, 3))
    assert found(billed) == {"RE-000001/1": "5220.00 cleared"}
    assert billed.balances()["5141"] == "5220.00"
    assert check(billed.engine) == []


def test_a_line_recorded_before_waits_and_what_was_cancelled_is_not_proposed_again(billed: Park) -> None:
    receives(billed, order("3480.00", reference="VR-77"))
    takes(billed, statement([says("3480.00", reference="VR-77")], opening="0", closing="3480"))
    assert found(billed) == {"RE-000001/1": "3480.00 recorded 97"}
    cancels(billed, 1)
    assert found(billed) == {"RE-000001/1": "3480.00 ?"}
    receives(billed, order("3480.00", reference="VR-77", tenant="T2"))
    accepts(billed, (1, 1))
    assert found(billed)["RE-000001/1"].startswith("3480.00 recorded")
    assert billed.balances()["5141"] == "3480.00"
    assert check(billed.engine) == []


def test_lines_of_a_cheque_that_came_back_stay(billed: Park) -> None:
    receives(billed, order("3480.00", means="cheque", reference="CHQ 4411207", on="2026-06-15"))
    takes(billed, statement([says("3480.00", text="REMISE CHEQUE 4411207")], opening="0", closing="3480"))
    back = says("-3480.00", "2026-06-25", text="CHEQUE 4411207 IMPAYE")
    takes(billed, statement([back], opening="3480", closing="0", on="2026-06-25", name="REL-2"))
    assert cancels(billed, 1).lines == ()
    assert found(billed, (1, 2)) == {"RE-000001/1": "3480.00 cleared 96", "RE-000002/1": "-3480.00 bounced 96"}
    assert check(billed.engine) == []


def test_a_line_that_named_a_refund_waits(billed: Park) -> None:
    receives(billed, order("100.00", tenant=None))
    clears_nothing = [says("100.00"), says("-40.00")]
    refunds(billed, "40.00", receipt=1, on="2026-06-20")
    takes(billed, statement(clears_nothing, opening="0", closing="60"))
    decides(billed, (1, 2), "recorded", entry="BQ/RB-000001")
    assert cancels_refund(billed, 1).lines == ("RE-000001/2",)
    assert found(billed)["RE-000001/2"] == "-40.00 ?"
    assert check(billed.engine) == []
