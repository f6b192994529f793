"""Receipts that should never have been entered are cancelled (R25): they count nowhere any more, and stay on record."""

import threading
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.bank.cancelling import cancel
from billing.books.periods.closing import close_period
from billing.check import check
from billing.entries.debts import WRITTEN_OFF
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused
from billing.receivables.cash_desk.printout import cash_receipt_pdf
from billing.receivables.cash_desk.queries import find_cash_receipt
from billing.receivables.cash_desk.shapes import CashReceipt
from billing.receivables.debts.deciding import Order, decide
from billing.receivables.receipts.certificates import record_certificate, withholdings
from billing.receivables.receipts.queries import receipt_story
from billing.receivables.reports.receipts import receipts_journal
from tests.oracle.service import NOW
from tests.support.pages import text_of
from tests.support.park import Park, text
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import (
    NONE,
    allocates,
    applies,
    bounces,
    cancels,
    cancels_refund,
    carried,
    clears,
    order,
    places,
    receives,
    refunds,
    still_open,
    undoes,
    withdraws,
)


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def as_if_never(park: Park) -> None:
    """The books and what is open are as after the run, to the centime."""
    assert still_open(park) == {FIRST: "3480.00", SECOND: "1740.00"}
    assert carried(park) == []
    balances = park.balances()
    assert {account: balances.get(account) for account in ("3421", "44551")} == {"3421": "5220.00", "44551": "-870.00"}
    moved = (
        "5141",
        "5111",
        "3425",
        "5161",
        "4455",
        "4457",
        "6167",
        "4428",
        "4421",
        "4497",
        "3453",
        "3458",
        "6147",
        "3424",
    )
    assert not set(moved) & set(balances)
    assert check(park.engine) == []


def state_of(park: Park, key: int = 1) -> str:
    with reading(park.engine) as connection:
        return receipt_story(connection, key).state


def test_a_transfer_is_cancelled_by_one_entry_of_its_own_day(billed: Park) -> None:
    receives(billed, order("3580.00", rent_withholding="145.00", bank_charges="5.00", reason="attestation"))
    cancels(billed, 1)
    assert billed.booked("BQ") == text("""
        2026-06-20 BQ/RG-000001
          5141                    3580.00
          3453                     145.00
          6147                       5.00
          3421  T1               -3480.00
          4428  T1                -250.00
          44551                    580.00
          4455                    -580.00
        2026-06-20 BQ/RG-000001/annulation
          3421  T1                3480.00
          4428  T1                 250.00
          5141                   -3580.00
          6147                      -5.00
          3453                    -145.00
          44551                   -580.00
          4455                     580.00
        """)
    as_if_never(billed)
    with reading(billed.engine) as connection:
        story = receipt_story(connection, 1)
        assert list(receipts_journal(connection, None, date(2026, 12, 31)).lines) == []
        assert withholdings(connection) == []
    assert story.state == "cancelled"
    assert story.cancellation is not None
    assert (story.cancellation.cancelled_on, story.cancellation.reason) == (date(2026, 6, 20), "saisi par erreur")
    assert [part.undone_for for part in story.allocations] == ["saisi par erreur"]


def test_what_was_cancelled_can_be_entered_anew_under_the_same_name(billed: Park) -> None:
    receives(billed, order("18424.30"))
    cancels(billed, 1)
    assert receives(billed, order("1842.43")) == [2]
    assert receives(billed, order("1842.43")) == [2]
    cancels(billed, 2)
    assert receives(billed, order("1842.43")) == [3]
    assert still_open(billed)[FIRST] == "1637.57"
    assert check(billed.engine) == []


@pytest.mark.parametrize("story", ["waits", "cleared", "bounced", "bounced after clearing", "a bill"])
def test_a_cheque_is_cancelled_wherever_it_stands(billed: Park, story: str) -> None:
    receives(billed, order("1000.00", means="bill" if story == "a bill" else "cheque", reference="7"))
    if "clear" in story:
        clears(billed, 1)
    if "bounced" in story:
        bounces(billed, 1)
    cancels(billed, 1)
    as_if_never(billed)
    assert state_of(billed) == "cancelled"
    for act in (clears, bounces):
        with pytest.raises(Conflict, match="RG-000001 was cancelled on 2026-06-2"):
            act(billed, 1)


def test_all_that_became_of_a_receipt_is_taken_back_with_it(billed: Park) -> None:
    receives(billed, order("4000.00", tenant=None, pays={FIRST: "1000.00"}))
    places(billed, 1, "T2", "900.00")
    allocates(billed, 1, {SECOND: "500.00"}, on="2026-06-23")
    withdraws(billed, 1, "T2", "100.00")
    undoes(billed, 1)
    allocates(billed, 1, {FIRST: "200.00"}, on="2026-06-26")
    cancelled = cancels(billed, 1, on="2026-06-21")
    # Not before the last act that it takes back.
    assert (cancelled.cancelled_on, cancelled.booked_on) == (date(2026, 6, 26), date(2026, 6, 26))
    as_if_never(billed)


def test_credit_that_was_carried_forward_and_used_is_taken_back(billed: Park) -> None:
    receives(billed, order("4000.00"))
    billed.bills("2026-07")
    assert still_open(billed)["FA-2026-000003"] == "2960.00"
    cancels(billed, 1)
    assert still_open(billed) == {
        FIRST: "3480.00", SECOND: "1740.00", "FA-2026-000003": "3480.00", "FA-2026-000004": "1740.00"
    }  # fmt: skip
    assert "5141" not in billed.balances()
    assert check(billed.engine) == []
    applies(billed)
    assert still_open(billed)[FIRST] == "3480.00"


def test_a_doubtful_debt_that_it_had_settled_is_doubtful_again(billed: Park) -> None:
    with writing(billed.engine) as connection:
        for kind, amount in (("doubtful", 100000), (WRITTEN_OFF, 50000)):
            decide(
                connection, Order(FIRST, kind, date(2026, 6, 10), amount, "litige", "amina", "karim"), recorded_at=NOW
            )
    receives(billed, order("2980.00"))
    assert "3424" not in billed.balances()
    cancels(billed, 1)
    assert billed.balances()["3424"] == "500.00"
    assert still_open(billed)[FIRST] == "2980.00"
    assert check(billed.engine) == []


def test_money_paid_back_must_first_be_cancelled_itself(billed: Park) -> None:
    receives(billed, order("4000.00", pays=NONE))
    refunds(billed, "300.00", receipt=1, tenant="T1")
    receives(billed, order("50.00", reference="V2", tenant=None))
    refunds(billed, receipt=2, reference="R2")
    with pytest.raises(Conflict, match=r"paid back in part \(RB-000001\): cancel that first"):
        cancels(billed, 1)
    cancels_refund(billed, 1)
    cancels_refund(billed, 2)
    assert carried(billed) == ["RG-000001 T1 4000.00", "RG-000002 ? 50.00"]
    assert check(billed.engine) == []
    with pytest.raises(Conflict, match="RB-000001 was cancelled on 2026-06-28 already"):
        cancels_refund(billed, 1)
    # The same payment may be entered anew.
    assert refunds(billed, "30.00", receipt=1, tenant="T1") == 3
    assert check(billed.engine) == []
    cancels_refund(billed, 3)
    cancels(billed, 1)
    cancels(billed, 2)
    as_if_never(billed)


def test_cash_is_cancelled_with_its_stamp_duty_and_its_paper_says_so(billed: Park) -> None:
    receives(billed, order("1000.00", means="cash"), order("2000.00", means="cash", reference="C2"))
    with reading(billed.engine) as connection:
        before = cash_receipt_pdf(find_cash_receipt(connection, "RC-2026-000002"))
    cancels(billed, 1)
    with reading(billed.engine) as connection:
        head = find_cash_receipt(connection, "RC-2026-000001")
        given = CashReceipt.of(head)
        paper = " ".join(text_of(cash_receipt_pdf(head)).split())
        assert cash_receipt_pdf(find_cash_receipt(connection, "RC-2026-000002")) == before
    assert (given.cancelled_on, given.cancelled_for) == (date(2026, 6, 20), "saisi par erreur")
    assert "ANNULÉ" in paper
    assert "Reçu annulé le 20 juin 2026" in paper
    assert "saisi par erreur" in paper
    assert billed.balances()["4457"] == "-5.00"
    assert check(billed.engine) == []
    # It no longer counts against the day's limit; numbers go on without gap.
    receives(billed, order("17000.00", means="cash", reference="C3"))
    with pytest.raises(Refused, match="cannot be taken in cash"):
        receives(billed, order("1000.00", means="cash", reference="C4"))
    with reading(billed.engine) as connection:
        find_cash_receipt(connection, "RC-2026-000003")
    for key in (2, 3):
        cancels(billed, key)
    as_if_never(billed)


def test_a_certificate_is_no_longer_asked_nor_taken(billed: Park) -> None:
    receives(billed, order("3335.00", rent_withholding="145.00", reason="attestation"))
    cancels(billed, 1)
    with reading(billed.engine) as connection:
        assert withholdings(connection, missing=True) == []
    with pytest.raises(Conflict, match="counts nowhere any more"), writing(billed.engine) as connection:
        record_certificate(connection, 1, "rent_withholding", "A-1", date(2026, 7, 1), recorded_at=NOW)


def test_nothing_can_be_done_with_a_cancelled_receipt(billed: Park) -> None:
    receives(billed, order("100.00", tenant=None, pays=NONE))
    cancels(billed, 1)
    for act in (
        lambda: cancels(billed, 1),
        lambda: places(billed, 1, "T1"),
        lambda: allocates(billed, 1, {FIRST: "1.00"}),
        lambda: refunds(billed, receipt=1),
        lambda: withdraws(billed, 1, "T1"),
    ):
        with pytest.raises(Conflict, match="RG-000001 was cancelled on 2026-06-20"):
            act()
    receives(billed, order("1.00", reference="V9"))
    with pytest.raises(Refused, match="is still to come"):
        cancels(billed, 2, on="2026-11-23")


def test_in_a_closed_month_it_is_booked_on_the_first_open_day(billed: Park) -> None:
    receives(billed, order("3480.00"))
    with writing(billed.engine) as connection:
        for month in (date(2026, 6, 1), date(2026, 7, 1)):
            close_period(
                connection, month, today=NOW.date(), recorded_at=NOW, open_months_max=12, terms=billed.settings.terms
            )
    cancelled = cancels(billed, 1)
    assert (cancelled.cancelled_on, cancelled.booked_on) == (date(2026, 6, 20), date(2026, 8, 1))
    assert cancelled.booked == " on 2026-06-20, booked on 2026-08-01 since 2026-06 is closed"
    as_if_never(billed)


def test_a_receipt_of_a_mistyped_year_leaves_no_year_to_be_closed(billed: Park) -> None:
    receives(billed, order("10.00", on="2025-11-20"))
    cancels(billed, 1)
    with writing(billed.engine) as connection:
        close_period(
            connection,
            date(2026, 6, 1),
            today=NOW.date(),
            recorded_at=NOW,
            open_months_max=12,
            terms=billed.settings.terms,
        )
    as_if_never(billed)


def test_eight_who_cancel_at_once_cancel_once(engine: Engine, tmp_path: Path) -> None:
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    receives(park, order("1000.00", means="cash"))
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def try_it() -> None:
        barrier.wait()
        try:
            with writing(park.engine) as connection:
                cancel(connection, 1, reason="doublon", recorded_at=NOW)
            outcomes.append("cancelled")
        except Conflict:
            outcomes.append("was cancelled")

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"cancelled": 1, "was cancelled": 7}
    as_if_never(park)
