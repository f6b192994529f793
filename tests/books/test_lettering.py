"""Lettering: the lines that settle a document wholly bear its letter, in the FEC as in the books (E10)."""

from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.books.subledgers import subledgers
from billing.frame.database import reading
from ledger.exports import journal_pieces
from tests.support.credit_notes import credits_by_hand
from tests.support.debts import decides
from tests.support.networks import Row
from tests.support.park import Park, open_park
from tests.support.receipts_park import FIRST, LEASES, TENANTS
from tests.support.take_on import takes_on
from tests.support.till import NONE, allocates, applies, bounces, cancels, order, receives, refunds, settles, undoes

NAMED: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Atlas Code"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Rif Data"},
]


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    return open_park(engine, tmp_path / "park")


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=NAMED, leases=LEASES)
    park.bills("2026-06")
    return park


def fec(park: Park, until: str | None = None) -> list[dict[str, str]]:
    """The lines of tenants' accounts."""
    with reading(park.engine) as connection:
        last = None if until is None else date.fromisoformat(until)
        pieces = journal_pieces(connection, "fec", until=last, subledgers=subledgers(connection))
        head, *lines = b"".join(pieces).decode().removesuffix("\r\n").split("\r\n")
    rows = [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]
    return [row for row in rows if row["CompteNum"] in ("3421", "3424")]


def lettered(park: Park, until: str | None = None) -> list[str]:
    """The voucher, letter and its day of each line that bears one; lines of a letter sum to zero on each account."""
    rows = [row for row in fec(park, until) if row["EcritureLet"]]
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows:
        amount = int(row["Debit"].replace(",", "")) - int(row["Credit"].replace(",", ""))
        sums[row["CompteNum"], row["CompAuxNum"], row["EcritureLet"]] += amount
    assert set(sums.values()) <= {0}
    return [f"{row['PieceRef']} {row['EcritureLet']} {row['DateLet']}" for row in rows]


def test_an_invoice_and_what_pays_it_bear_one_letter_since_it_is_paid_wholly(billed: Park) -> None:
    receives(billed, order("1000.00", reference="V1", pays={FIRST: "1000.00"}))
    assert lettered(billed) == []
    receives(billed, order("2480.00", on="2026-06-22", reference="V2", pays={FIRST: "2480.00"}))
    assert lettered(billed) == [f"{FIRST} A 20260622", "RG-000001 A 20260622", "RG-000002 A 20260622"]
    # A file that ends before the second payment says what it said then.
    assert lettered(billed, "2026-06-21") == []
    assert {row["EcritureLet"] for row in fec(billed) if row["CompAuxNum"] == "T2"} == {""}


def test_a_tenant_is_named(billed: Park) -> None:
    assert {(row["CompAuxNum"], row["CompAuxLib"]) for row in fec(billed)} == {
        ("T1", "Atlas Code"), ("T2", "Rif Data"),
    }  # fmt: skip


def test_one_receipt_settles_invoices_line_by_line_each_with_its_letter(billed: Park) -> None:
    billed.bills("2026-07")
    third = "FA-2026-000003"
    receives(billed, order("6960.00", on="2026-07-20", pays={FIRST: "3480.00", third: "3480.00"}))
    assert sorted(lettered(billed)) == [
        f"{FIRST} A 20260720", f"{third} C 20260720", "RG-000001 A 20260720", "RG-000001 C 20260720",
    ]  # fmt: skip


def test_money_allocated_later_letters_and_its_undoing_takes_the_letter_away(billed: Park) -> None:
    receives(billed, order("3480.00", pays=NONE))
    [key] = allocates(billed, 1, {FIRST: "3480.00"}, on="2026-06-23")
    assert [line.split()[1:] for line in lettered(billed)] == [["A", "20260623"]] * 2
    undoes(billed, key)
    assert lettered(billed) == []
    allocates(billed, 1, {FIRST: "3480.00"}, on="2026-06-28")
    # What was booked and taken back belongs to it as well.
    assert [line.split()[1:] for line in lettered(billed)] == [["A", "20260628"]] * 4


def test_a_cheque_that_came_back_settles_nothing_until_it_is_paid_again(billed: Park) -> None:
    receives(billed, order("3480.00", means="cheque", pays={FIRST: "3480.00"}))
    assert [line.split()[1] for line in lettered(billed)] == ["A", "A"]
    bounces(billed, 1)
    assert lettered(billed) == []
    receives(billed, order("3480.00", on="2026-06-28", reference="V2", pays={FIRST: "3480.00"}))
    assert [line.split()[1] for line in lettered(billed)] == ["A"] * 4


def test_a_cancelled_receipt_settles_nothing(billed: Park) -> None:
    receives(billed, order("3480.00", pays={FIRST: "3480.00"}))
    cancels(billed, 1, "2026-06-25")
    assert lettered(billed) == []


def test_a_credit_note_ties_to_its_invoice_and_is_lettered_once_all_is_settled(billed: Park) -> None:
    note = credits_by_hand(billed, FIRST, (1, 1000_00)).number
    settles(billed)
    applies(billed)
    assert lettered(billed) == []
    receives(billed, order("2280.00", on="2026-06-28", pays={FIRST: "2280.00"}))
    assert lettered(billed) == [f"{FIRST} A 20260628", f"{note} A 20260628", "RG-000001 A 20260628"]


def test_a_credit_note_that_was_paid_back_is_lettered_with_the_refund(billed: Park) -> None:
    receives(billed, order("3480.00", pays={FIRST: "3480.00"}))
    note = credits_by_hand(billed, FIRST, (1, 1000_00)).number
    refunds(billed, "1200.00", note=note, on="2026-06-27")
    assert [line for line in lettered(billed) if " C " in line] == [f"{note} C 20260627", "RB-000001 C 20260627"]


def test_a_doubtful_debt_that_is_lost_is_lettered_on_both_accounts(billed: Park) -> None:
    decides(billed, "doubtful")
    assert lettered(billed) == []
    decides(billed, "written_off", on="2027-05-31")
    assert {(row["CompteNum"], row["EcritureLet"], row["DateLet"]) for row in fec(billed)} == {
        ("3421", "A", "20270531"), ("3424", "A", "20270531"), ("3421", "", ""),
    }  # fmt: skip


def test_r29_a_brought_invoice_is_lettered_with_what_pays_it(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES)
    takes_on(
        park,
        "2026-06-01",
        open_invoices="2025/17,0.20,T2,CAS,2026-03-01,2026-04-30,1000.00,200.00,300.00",
        credits="",
        deposits="",
        balances="5141,,5000.00\n1111,,-5750.00",
        grants="",
    )
    receives(park, order("900.00", tenant="T2", pays={"2025/17": "900.00"}))
    assert [line.split()[1:] for line in lettered(park)] == [["2026-06-01", "A", "20260620"], ["A", "20260620"]]
