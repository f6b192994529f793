"""A statement that was imported wrongly is withdrawn: what its lines booked is undone, and the true one follows."""

import pytest

from billing.bank.withdrawing import Withdrawn, withdraw_statement
from billing.check import check
from billing.frame.database import writing
from billing.frame.errors import Conflict, Unknown
from invoices.structured_reference import rf_of
from tests.oracle.service import NOW
from tests.support.bank import accepts, decides, found, says, statement, takes, undoes_line
from tests.support.park import Park
from tests.support.statements_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import order, receives, still_open

LINES = [
    says("3480.00", structured=rf_of(FIRST), debtor="NOOR SANTE", reference="VR1"),
    says("1740.00", debtor="ATLAS CODE"),
    says("-10.65", text="FRAIS"),
    says("50.00"),
]


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def _withdraws(park: Park, key: int) -> Withdrawn:
    with writing(park.engine) as connection:
        return withdraw_statement(connection, key, reason="mauvais solde", recorded_at=NOW)


def test_what_a_withdrawn_statement_booked_is_undone_and_the_true_one_is_taken(billed: Park) -> None:
    takes(billed, statement(LINES, opening="9000.00", closing="14259.35"))
    accepts(billed, (1, 2))
    accepts(billed, (1, 3))
    decides(billed, (1, 4), "received", "inconnu")
    undoes_line(billed, (1, 4))
    assert _withdraws(billed, 1) == (4, ())
    assert still_open(billed) == {FIRST: "3480.00", SECOND: "1740.00"}
    assert not {"5141", "6147", "4497", "4455"} & set(billed.balances())
    assert found(billed) == {}
    assert check(billed.engine) == []
    with pytest.raises(Conflict, match="its lines count no more"):
        decides(billed, (1, 4), "received")
    with pytest.raises(Conflict, match="was withdrawn already"):
        _withdraws(billed, 1)
    for _ in range(2):
        taken = takes(billed, statement(LINES, opening="1000.00", closing="6259.35"))
    assert (taken.new, taken.known) == (0, 4)
    assert found(billed, (2,))["RE-000002/1"] == "3480.00 received 100"
    assert still_open(billed) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_the_very_same_statement_may_be_taken_again_after_it_was_withdrawn(billed: Park) -> None:
    for key in (1, 2, 3):
        assert takes(billed, statement(LINES, opening="0", closing="5259.35")).new == 4
        assert takes(billed, statement(LINES, opening="0", closing="5259.35")).new == 0
        _withdraws(billed, key)
    assert check(billed.engine) == []


def test_the_last_statement_goes_first(billed: Park) -> None:
    takes(billed, statement(LINES, opening="0", closing="5259.35"))
    takes(billed, statement([says("1.00", "2026-06-22")], opening="5259.35", closing="5260.35", on="2026-06-22"))
    with pytest.raises(Conflict, match="RE-000001 is not the last statement: withdraw RE-000002 first"):
        _withdraws(billed, 1)
    with pytest.raises(Unknown, match="there is no statement RE-000009"):
        _withdraws(billed, 9)
    _withdraws(billed, 2)
    takes(billed, statement([says("2.00", "2026-06-21")], opening="5259.35", closing="5261.35", on="2026-06-21"))
    assert check(billed.engine) == []
    _withdraws(billed, 3)
    _withdraws(billed, 1)
    assert "5141" not in billed.balances()
    assert check(billed.engine) == []


def test_entries_and_cheques_of_before_wait_for_the_line_that_the_bank_tells_of_next(billed: Park) -> None:
    receives(
        billed, order("3480.00", means="cheque", reference="CHQ 4411207", on="2026-06-15"),
        order("12.00", reference="VR-12", tenant="T2", pays="none"),
    )  # fmt: skip
    lines = [says("3480.00", text="REMISE CHEQUE 4411207"), says("12.00", reference="VR-12")]
    takes(billed, statement(lines, opening="0", closing="3492"))
    assert found(billed) == {"RE-000001/1": "3480.00 cleared 96", "RE-000001/2": "12.00 recorded 97"}
    assert _withdraws(billed, 1) == (2, ("RE-000001/1",))
    assert billed.balances()["5141"] == "3492.00"
    takes(billed, statement(lines, opening="5", closing="3497"))
    accepts(billed, (2, 1))
    assert found(billed, (2,)) == {"RE-000002/1": "3480.00 recorded 80", "RE-000002/2": "12.00 recorded 97"}
    assert check(billed.engine) == []
