"""Deposits, recovered debts, refunds of credit notes and certificates that were entered by mistake are cancelled (R25).

And what of them lies in a closed month keeps its day and is booked on the first open one (preface of R23).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from billing.bank.cancelling import cancel_named
from billing.check import check
from billing.entries.deposits import Movement
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused, Unknown
from billing.receivables.debts.deciding import Order, debt_standing, decide
from billing.receivables.deposits.deposits import Asking, ask_deposit, deposit_shape, move_deposit
from billing.receivables.receipts.cancelling import Cancelled
from billing.receivables.receipts.certificates import record_certificate, withdraw_certificate, withholdings
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.bank import accepts, found, says, statement, takes
from tests.support.credit_notes import credits_by_hand
from tests.support.park import Park, text
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.spoiling import behind_its_back
from tests.support.till import cancels_refund, centimes, closes, order, receives, refunds, still_open

JUNE = date(2026, 6, 20)
NOTE = "AV-2026-000001"
WITHHELD: dict[str, Any] = {"rent_withholding": "50.00", "reason": "attestation"}


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


@pytest.fixture
def asked(billed: Park) -> Park:
    """The deposit DG-000001 of T1's office: two months of 2,900.00."""
    settings = billed.settings
    with writing(billed.engine) as connection:
        ask_deposit(connection, "L1", Asking(JUNE, NOW, settings.operator, settings.terms))
    return billed


def moves(park: Park, kind: str, amount: str, reference: str, on: date = JUNE) -> None:
    reason = "fin du bail" if kind == "returned" else None
    with writing(park.engine) as connection:
        move_deposit(
            connection, 1, Movement(kind, "transfer", on, centimes(amount), reference, reason), recorded_at=NOW
        )


def cancels(park: Park, name: str, on: date | None = None) -> Cancelled:
    with writing(park.engine) as connection:
        return cancel_named(connection, name, reason="saisi par erreur", recorded_at=NOW, on=on)


def held(park: Park) -> str:
    with reading(park.engine) as connection:
        return deposit_shape(connection, 1).held


def decides(park: Park, kind: str, amount: str | None = None, reference: str | None = None, on: date = JUNE) -> None:
    whole = None if amount is None else centimes(amount)
    with writing(park.engine) as connection:
        wanted = Order(FIRST, kind, on, whole, "liquidation", "amina", reference=reference)
        decide(connection, wanted, recorded_at=NOW)


def lost(park: Park) -> tuple[str, str]:
    """What was written off, and what of it was recovered."""
    with reading(park.engine) as connection:
        debt = debt_standing(connection, FIRST)
    return debt.written_off, debt.recovered


def test_a_deposit_that_never_came_is_cancelled_and_may_be_entered_anew(asked: Park) -> None:
    moves(asked, "received", "1000.00", "V1")
    cancelled = cancels(asked, "DG-000001/1")
    assert (cancelled.cancelled_on, cancelled.booked_on) == (JUNE, JUNE)
    assert asked.booked("BQ") == text("""
        2026-06-20 BQ/DG-000001/1
          5141                    1000.00
          1487  T1               -1000.00
        2026-06-20 BQ/DG-000001/1/annulation
          5141                   -1000.00
          1487  T1                1000.00
        """)
    assert held(asked) == "0.00"
    with pytest.raises(Conflict, match="DG-000001/1 was cancelled already"):
        cancels(asked, "DG-000001/1")
    for _ in range(2):
        moves(asked, "received", "1200.00", "V1")
    assert held(asked) == "1200.00"
    assert check(asked.engine) == []


def test_a_deposit_is_not_cancelled_once_its_money_went_back(asked: Park) -> None:
    moves(asked, "received", "1000.00", "V1")
    moves(asked, "returned", "400.00", "V2")
    with pytest.raises(Conflict, match=r"600\.00 of \d+\.00 is held, -400\.00 would be"):
        cancels(asked, "DG-000001/1")
    cancels(asked, "DG-000001/2")
    cancels(asked, "DG-000001/1")
    assert held(asked) == "0.00"
    assert "1487" not in asked.balances()
    with pytest.raises(Unknown, match="no movement DG-000001/3"):
        cancels(asked, "DG-000001/3")
    assert check(asked.engine) == []


def test_money_of_deposits_and_debts_in_a_closed_month_is_booked_on_the_first_open_day(asked: Park) -> None:
    closes(asked, "2026-06")
    moves(asked, "received", "1000.00", "V1")
    decides(asked, "written_off", "1200.00")
    decides(asked, "recovered", "120.00", "VIR 77")
    assert asked.booked("BQ") == text("""
        2026-07-01 BQ/DG-000001/1
          5141                    1000.00
          1487  T1               -1000.00
        2026-07-01 BQ/CR-2
          5141                     120.00
          7585                    -100.00
          4455                     -20.00
        """)
    with reading(asked.engine) as connection:
        (movement,) = deposit_shape(connection, 1).movements
        acts = debt_standing(connection, FIRST).acts
    assert (str(movement.moved_on), str(movement.booked_on)) == ("2026-06-20", "2026-07-01")
    assert {(str(act.decided_on), str(act.booked_on)) for act in acts} == {("2026-06-20", "2026-07-01")}
    # The bank tells of June: both are known.
    takes(asked, statement([says("1000.00"), says("120.00", text="VIR 77")], opening="0", closing="1120"))
    for line in ((1, 1), (1, 2)):
        accepts(asked, line)
    assert {line.split()[1] for line in found(asked).values()} == {"recorded"}
    cancels(asked, "DG-000001/1")
    assert asked.booked("BQ").count("2026-07-01") == 3
    assert check(asked.engine) == []


def test_a_recovery_bears_its_bank_reference_counts_once_and_its_line_is_known(billed: Park) -> None:
    """C13."""
    decides(billed, "written_off")
    for _ in range(2):
        decides(billed, "recovered", "1000.00", "VIR8841")
    with pytest.raises(Conflict, match="VIR8841 of 2026-06-20 stands for another amount"):
        decides(billed, "recovered", "1000.01", "VIR8841")
    assert lost(billed) == ("3480.00", "1000.00")
    takes(billed, statement([says("1000.00", reference="VIR8841", text="VIR RECU")], opening="0", closing="1000"))
    assert found(billed) == {"RE-000001/1": "1000.00 recorded 97"}
    with pytest.raises(Refused, match="only recoveries have one"):
        decides(billed, "doubtful", "1.00", "VIR1")
    assert check(billed.engine) == []


def test_what_was_recovered_and_never_came_is_lost_again_and_its_vat_goes_back(billed: Park) -> None:
    decides(billed, "written_off")
    decides(billed, "recovered", "1000.00", "VIR1")
    decides(billed, "recovered", "100.03", "VIR2")
    takes(billed, statement([says("1000.00", text="VIR1")], opening="0", closing="1000"))
    accepts(billed, (1, 1))
    assert cancels(billed, "CR-2").lines == ("RE-000001/1",)
    assert lost(billed) == ("3480.00", "100.03")
    # 100.03 holds VAT 16.67: what is left due is the exact share, rounded once (R26).
    assert billed.balances()["4455"] == "-16.67"
    assert found(billed) == {"RE-000001/1": "1000.00 ?"}
    with pytest.raises(Conflict, match="CR-2 was cancelled on 2026-06-20 already"):
        cancels(billed, "CR-2")
    with pytest.raises(Conflict, match=r"CR-1 \(written_off\) is no money"):
        cancels(billed, "CR-1")
    decides(billed, "recovered", "1000.00", "VIR1")
    decides(billed, "recovered")
    assert billed.balances()["4455"] == "-580.00"
    assert check(billed.engine) == []
    for name in ("CR-5", "CR-3", "CR-4"):
        cancels(billed, name)
        assert check(billed.engine) == []
    assert lost(billed) == ("3480.00", "0.00")
    assert {"4455", "7585"}.isdisjoint(billed.balances())


def test_a_refund_of_a_credit_note_that_was_never_paid_is_cancelled_with_its_vat(billed: Park) -> None:
    receives(billed, order("3480.00"))
    credits_by_hand(billed, FIRST, (1, 50000))
    assert still_open(billed)[NOTE] == "-600.00"
    refunds(billed, "100.03", note=NOTE)
    refunds(billed, "200.00", note=NOTE, reference="R2")
    due = billed.balances()["4455"]
    assert due == "-529.99"
    cancels_refund(billed, 1)
    assert still_open(billed)[NOTE] == "-400.00"
    # 200.00 holds VAT 33.33.
    assert billed.balances()["4455"] == "-546.67"
    with pytest.raises(Conflict, match="RB-000001 was cancelled"):
        cancels_refund(billed, 1)
    refunds(billed, note=NOTE, on="2026-07-01")
    assert NOTE not in still_open(billed)
    assert billed.balances()["4455"] == "-480.00"
    assert check(billed.engine) == []


def test_a_certificate_entered_by_mistake_is_withdrawn(billed: Park) -> None:
    receives(billed, order("3335.00", on="2026-07-20", rent_withholding="145.00"))
    with writing(billed.engine) as connection:
        record_certificate(connection, 1, "rent_withholding", "A-1", date(2026, 8, 1), recorded_at=NOW)
        withdraw_certificate(connection, 1, "rent_withholding", reason="autre locataire", recorded_at=NOW)
        assert [format_amount(row.amount) for row in withholdings(connection, missing=True)] == ["145.00"]
        with pytest.raises(Unknown, match="RG-000001 has no certificate of rent_withholding"):
            withdraw_certificate(connection, 1, "rent_withholding", reason="autre locataire", recorded_at=NOW)
        record_certificate(connection, 1, "rent_withholding", "A-2", date(2026, 8, 2), recorded_at=NOW)
        assert [row.number for row in withholdings(connection, missing=False)] == ["A-2"]
    assert check(billed.engine) == []


def test_eight_who_cancel_at_once_cancel_once(asked: Park) -> None:
    moves(asked, "received", "1000.00", "V1")
    decides(asked, "written_off", "1200.00")
    decides(asked, "recovered", "120.00", "VIR 1")
    receives(asked, order("1740.00", tenant="T2"), order("1000.00", reference="V2", on="2026-07-20", **WITHHELD))
    credits_by_hand(asked, SECOND, (1, 50000))
    refunds(asked, note=NOTE)
    with writing(asked.engine) as connection:
        record_certificate(connection, 2, "rent_withholding", "A-1", date(2026, 8, 1), recorded_at=NOW)

    def withdraws(park: Park) -> None:
        with writing(park.engine) as connection:
            withdraw_certificate(connection, 2, "rent_withholding", reason="autre locataire", recorded_at=NOW)

    acts: list[Callable[[Park], object]] = [
        lambda park: cancels(park, "DG-000001/1"), lambda park: cancels(park, "CR-2"),
        lambda park: cancels_refund(park, 1), withdraws,
    ]  # fmt: skip

    def tries(act: Callable[[Park], object]) -> bool:
        try:
            act(asked)
        except (Conflict, Unknown):
            return False
        return True

    with ThreadPoolExecutor(8) as clients:
        done = list(clients.map(tries, acts * 8))
    assert [sum(done[place :: len(acts)]) for place in range(len(acts))] == [1, 1, 1, 1]
    assert check(asked.engine) == []


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        ("DELETE FROM deposit_cancellation", "account 1487 of tenant T1 stands at 0.00"),
        ("UPDATE deposit_cancellation SET cancelled_on = '2026-06-01'", "DG-000001/1 was cancelled on 2026-06-01"),
        ("UPDATE deposit_movement SET occurrence = 2", "not counted 1, 2, 3"),
        ("DELETE FROM debt_cancellation", "settled by unrecovered 2, which does not stand"),
        ("UPDATE debt_cancellation SET vat = vat - 1", "CR-2 was cancelled: by rate"),
        ("UPDATE debt_act SET reference = 'X' WHERE id = 2", "entry BQ/CR-2"),
        ("UPDATE debt_act SET booked_on = '2026-07-01' WHERE id = 2", "CR-2"),
        ("DELETE FROM refund_cancellation", "settled by unrefunded 1, which does not stand"),
        ("DELETE FROM settlement WHERE act = 'unrefunded'", "RB-000001 was cancelled: by rate 0.00"),
    ],
)
def test_what_is_spoilt_of_a_cancellation_is_named(asked: Park, spoilt: str, named: str) -> None:
    moves(asked, "received", "1000.00", "V1")
    cancels(asked, "DG-000001/1")
    decides(asked, "written_off", "1200.00")
    decides(asked, "recovered", "100.03", "VIR 1")
    cancels(asked, "CR-2")
    receives(asked, order("1740.00", tenant="T2"))
    credits_by_hand(asked, SECOND, (1, 50000))
    refunds(asked, note=NOTE)
    cancels_refund(asked, 1)
    assert check(asked.engine) == []
    behind_its_back(asked.engine, spoilt)
    assert any(named in problem for problem in check(asked.engine)), check(asked.engine)
