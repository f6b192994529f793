"""Receipts, what they settle and what comes back, told as a bookkeeper books them."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from billing.check import check
from billing.entries.receivables import receipt_entry
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused
from billing.receivables.receipts.receiving import receive
from ledger.entry import Entry
from ledger.models import entry
from tests.oracle.service import NOW
from tests.support.park import Park, text
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import (
    NONE,
    allocates,
    applies,
    bounces,
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


def test_a_payment_settles_an_invoice_and_its_vat_falls_due(billed: Park) -> None:
    receives(billed, order("3480.00", pays={FIRST: "3480.00"}))
    assert billed.booked("BQ") == text("""
        2026-06-20 BQ/RG-000001
          5141                    3480.00
          3421  T1               -3480.00
          44551                    580.00
          4455                    -580.00
        """)
    assert still_open(billed) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_parts_move_vat_in_proportion_and_exactly_in_all(billed: Park) -> None:
    for number, amount in enumerate(("0.01", "1000.00", "999.99", "1480.00"), 1):
        receives(billed, order(amount, reference=f"V{number}"))
    assert billed.balances()["4455"] == "-580.00"
    assert billed.balances()["44551"] == "-290.00"
    assert still_open(billed) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_a_payment_has_legs_the_taxes_withheld_settle_as_money_does(billed: Park) -> None:
    receives(
        billed,
        order(
            "2884.00",
            on="2026-07-20",
            rent_withholding="145.00",
            vat_withholding="435.00",
            bank_charges="16.00",
        ),
    )
    assert billed.booked("BQ") == text("""
        2026-07-20 BQ/RG-000001
          5141                    2884.00
          3453                     145.00
          3458                     435.00
          6147                      16.00
          3421  T1               -3480.00
          44551                    580.00
          4455                    -580.00
        """)
    assert check(billed.engine) == []


def test_too_much_is_the_tenants_credit_and_pays_the_next_invoice(billed: Park) -> None:
    receives(billed, order("4000.00"))
    assert carried(billed) == ["RG-000001 T1 520.00"]
    assert billed.balances()["4428"] == "-520.00"
    billed.bills("2026-07")
    assert carried(billed) == []
    assert still_open(billed)["FA-2026-000003"] == "2960.00"
    assert billed.booked("OD") == text("""
        2026-07-01 OD/AF-2
          4428  T1                 520.00
          3421  T1                -520.00
          44551                     86.67
          4455                     -86.67
        """)
    assert check(billed.engine) == []


def test_what_is_paid_before_any_invoice_is_an_advance(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES)
    receives(park, order("100.00", on="2026-05-20"))
    assert park.balances() == {"5141": "100.00", "4421": "-100.00"}
    park.bills("2026-06")
    assert "4421" not in park.balances()
    assert check(park.engine) == []


def test_one_transfer_pays_two_tenants_and_the_rest_waits_to_be_placed(billed: Park) -> None:
    receives(billed, order("6000.00", tenant=None, text=f"loyers {FIRST} et fa 2026-2"))
    assert still_open(billed) == {}
    assert carried(billed) == ["RG-000001 ? 780.00"]
    assert billed.booked("BQ") == text("""
        2026-06-20 BQ/RG-000001
          5141                    6000.00
          3421  T1               -3480.00
          3421  T2               -1740.00
          4497                    -780.00
          44551                    870.00
          4455                    -870.00
        """)
    assert check(billed.engine) == []


@pytest.mark.parametrize("by", ["amounts", "text"])
def test_invoices_of_a_payment_may_alternate_between_tenants(billed: Park, by: str) -> None:
    billed.bills("2026-07")
    alternating = (FIRST, SECOND, "FA-2026-000003", "FA-2026-000004")
    if by == "amounts":
        receives(billed, order("40.00", on="2026-07-20", tenant=None, pays=dict.fromkeys(alternating, "10.00")))
    else:
        text = " ".join(alternating)
        receives(billed, order("10440.00", on="2026-07-20", tenant=None, text=text))
        assert still_open(billed) == {}
    with reading(billed.engine) as connection:
        (label,) = connection.scalars(select(entry.c.label).where(entry.c.journal == "BQ"))
    assert label == f"Virement V1 - T1, T2 : {FIRST}, {SECOND}, FA-2026-000003, FA-2026-000004"
    assert check(billed.engine) == []


@pytest.mark.parametrize(
    "kept", [f"Virement V1 - T1 : {FIRST}, FA-2026-000003, FA-2026-000005…", "Virement V1 - T1 : …"]
)
def test_a_label_that_named_three_invoices_and_left_the_rest_out_still_stands(
    billed: Park, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def books_as_before(*facts: Any) -> Entry:
        return replace(receipt_entry(*facts), label=kept)

    for month in ("2026-07", "2026-08", "2026-09"):
        billed.bills(month)
    pays = {FIRST: "10.00"} | {f"FA-2026-{number:06d}": "10.00" for number in (3, 5, 7)}
    monkeypatch.setattr("billing.receivables.receipts.receiving.receipt_entry", books_as_before)
    receives(billed, order("40.00", on="2026-09-20", pays=pays))
    faults = [] if kept.endswith("000005…") else ["entry BQ/RG-000001 is not of the journal, day, label and piece"]
    assert [fault.split(" its act")[0].split(": ")[-1] for fault in check(billed.engine)] == faults


def test_nobody_knows_whose_it_is_until_someone_does(billed: Park) -> None:
    receives(billed, order("2000.00", tenant=None, text="virement"))
    assert billed.balances()["4497"] == "-2000.00"
    places(billed, 1, "T2")
    assert "4497" not in billed.balances()
    allocates(billed, 1, on="2026-06-23")
    assert still_open(billed) == {FIRST: "3480.00"}
    withdraws(billed, 1, "T2")
    assert carried(billed) == ["RG-000001 ? 260.00"]
    assert billed.balances()["4497"] == "-260.00"
    refunds(billed, receipt=1)
    assert "4497" not in billed.balances()
    assert check(billed.engine) == []


def test_an_allocation_undone_moves_back_what_it_moved_and_both_stay(billed: Park) -> None:
    receives(billed, order("1000.00"))
    undoes(billed, 1)
    assert billed.booked("OD") == text("""
        2026-06-25 OD/AF-1/annulation
          4428  T1               -1000.00
          3421  T1                1000.00
          44551                   -166.67
          4455                     166.67
        """)
    assert still_open(billed)[FIRST] == "3480.00"
    assert carried(billed) == ["RG-000001 T1 1000.00"]
    with pytest.raises(Conflict, match="was undone already"):
        undoes(billed, 1)
    applies(billed)
    assert still_open(billed)[FIRST] == "2480.00"
    assert still_open(billed, on="2026-06-24")[FIRST] == "2480.00"
    # It rests on the undoing, so it is not dated before it (R26).
    assert still_open(billed, on="2026-06-25")[FIRST] == "2480.00"
    assert billed.booked("OD", since="2026-06-25").count("2026-06-25 OD/AF-") == 2
    assert check(billed.engine) == []


def test_a_cheque_settles_at_once_and_its_vat_falls_due_when_it_is_cleared(billed: Park) -> None:
    receives(billed, order("3480.00", means="cheque", reference="1234567"))
    assert billed.balances()["5111"] == "3480.00"
    assert "4455" not in billed.balances()
    assert FIRST not in still_open(billed)
    clears(billed, 1)
    assert billed.booked("BQ") == text("""
        2026-06-24 BQ/RG-000001/encaissement
          5141                    3480.00
          5111                   -3480.00
          44551                    580.00
          4455                    -580.00
        """)
    bounces(billed, 1)
    assert still_open(billed)[FIRST] == "3480.00"
    assert "5141" not in billed.balances()
    assert "4455" not in billed.balances()
    with pytest.raises(Conflict, match="came back unpaid"):
        allocates(billed, 1)
    assert check(billed.engine) == []


def test_a_cheque_that_comes_back_takes_all_it_did_with_it(billed: Park) -> None:
    receives(billed, order("4000.00", means="cheque", reference="7", rent_withholding="145.00", reason="attestation"))
    assert carried(billed) == ["RG-000001 T1 665.00"]
    bounces(billed, 1)
    assert billed.booked("OD") == text("""
        2026-06-20 OD/RG-000001
          5111                    4000.00
          3453                     145.00
          3421  T1               -3480.00
          4428  T1                -665.00
        2026-06-26 OD/RG-000001/impaye
          3421  T1                3480.00
          4428  T1                 665.00
          5111                   -4000.00
          3453                    -145.00
        """)
    assert carried(billed) == []
    assert carried(billed, on="2026-06-25") == ["RG-000001 T1 665.00"]
    assert check(billed.engine) == []


def test_the_same_money_twice_is_one_receipt_and_something_else_is_refused(billed: Park) -> None:
    assert receives(billed, order("1000.00")) == [1]
    assert receives(billed, order("1000.00"), order("1.00", reference="V2")) == [1, 2]
    with pytest.raises(Refused, match="stands already as RG-000001 with another amount"):
        receives(billed, order("1000.01"))
    with pytest.raises(Refused, match="with another tenant, allocation"):
        receives(billed, order("1000.00", tenant="T2", pays=NONE))
    assert check(billed.engine) == []


def test_faults_are_all_named_and_nothing_is_written(billed: Park) -> None:
    with pytest.raises(Refused) as refused:
        receives(
            billed,
            order("1.00", reference="A", tenant="T9", currency="EUR", means="gold"),
            order("0.00", reference="B", on="2027-01-01"),
            order("10.00", reference="C", pays={"FA-2026-000009": "1.00", FIRST: "9000.00"}),
            order("10.00", reference="OK"),
        )
    assert [fault.column for fault in refused.value.faults] == [
        "means", "currency", "tenant", "amount", "value_date", "invoice", "amount", "amount",
    ]  # fmt: skip
    assert billed.booked("BQ") == ""
    assert check(billed.engine) == []


def test_a_refused_receipt_takes_those_written_ahead_of_it_back_and_the_rest_can_be_recorded_at_once(
    billed: Park,
) -> None:
    right = [order("0.10", reference=f"V{n}", text=f"part {n}") for n in range(1, 1_201)]
    settings = billed.settings
    with writing(billed.engine) as connection:
        with pytest.raises(Refused, match=r"T9"):
            receive(
                connection,
                [*right, order("0.10", reference="V9999", tenant="T9")],
                recorded_at=NOW,
                terms=settings.terms,
                seller=None,
            )
        keys = receive(connection, right, recorded_at=NOW, terms=settings.terms)
    assert keys == list(range(1, 1_201))
    assert carried(billed) == []
    assert check(billed.engine) == []
