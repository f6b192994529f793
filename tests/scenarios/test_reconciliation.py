"""The bank's balance against 5141: what parts them is shown, line by line and entry by entry; and check proves it."""

import csv
import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import Engine

from billing.bank.files import reconciliation_file
from billing.bank.reconciling import Reconciliation, reconcile
from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Unknown
from invoices.structured_reference import rf_of
from pricing.money import format_amount
from tests.support.bank import accepts, decides, says, statement, takes, undoes_line
from tests.support.park import Park
from tests.support.spoiling import behind_its_back
from tests.support.statements_park import FIRST, LEASES, TENANTS
from tests.support.till import clears, order, receives


@pytest.fixture
def billed(park: Park) -> Park:
    """June billed; a statement of which the payment books itself, and three lines wait; a cheque cleared by hand."""
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    lines = [
        says("3480.00", structured=rf_of(FIRST), debtor="NOOR SANTE", reference="VR1"),
        says("77.00", text="INCONNU"),
        says("-10.65", text="COMMISSION"),
    ]
    takes(park, statement(lines, opening="1000.00", closing="4546.35"))
    receives(park, order("1740.00", means="cheque", reference="C1", tenant="T2", on="2026-06-15"))
    clears(park, 2, on="2026-06-19")
    return park


def _reconciled(park: Park, on: str | None = None) -> Reconciliation:
    with reading(park.engine) as connection:
        return reconcile(connection, park.settings.operator.party.rib, None if on is None else date.fromisoformat(on))


def _told(found: Reconciliation) -> list[str]:
    return [f"{one.kind} {one.reference} {format_amount(one.amount)}" for one in found.partings]


def test_every_thing_that_parts_bank_and_books_is_named_and_explains_all(billed: Park) -> None:
    found = _reconciled(billed)
    assert (found.statement, found.on, found.bank, found.books) == ("RE-000001", date(2026, 6, 20), 454_635, 522_000)
    assert _told(found) == [
        "opening RE-000001 1000.00", "waiting RE-000001/2 77.00", "waiting RE-000001/3 -10.65",
        "untold BQ/RG-000002/encaissement -1740.00",
    ]  # fmt: skip
    assert (found.difference, found.unexplained) == (-67_365, 0)


def test_what_is_decided_no_longer_parts_them(billed: Park) -> None:
    accepts(billed, (1, 3))
    decides(billed, (1, 2), "received", "inconnu")
    assert _told(_reconciled(billed)) == ["opening RE-000001 1000.00", "untold BQ/RG-000002/encaissement -1740.00"]
    later = statement([says("1740.00", "2026-06-22", text="REMISE CHEQUE")], opening="4546.35", closing="6286.35",
                      on="2026-06-22", name="R2")  # fmt: skip
    takes(billed, later)
    accepts(billed, (2, 1))
    assert _told(_reconciled(billed)) == ["opening RE-000001 1000.00"]
    # As of the first statement the cheque was in the books, and not yet at the bank.
    assert _told(_reconciled(billed, "2026-06-21"))[-1] == "untold BQ/RG-000002/encaissement -1740.00"
    assert check(billed.engine) == []


def test_what_was_booked_and_undone_cancels_out(billed: Park) -> None:
    accepts(billed, (1, 3))
    undoes_line(billed, (1, 3))
    told = _told(_reconciled(billed))
    # The reversal is booked today, after the statement's day: until then the books have it.
    assert told[2:] == [
        "waiting RE-000001/3 -10.65", "untold BQ/RG-000002/encaissement -1740.00", "untold BQ/RE-000001/3/1 10.65",
    ]  # fmt: skip
    assert _reconciled(billed).unexplained == 0
    assert check(billed.engine) == []


def test_before_any_statement_there_is_nothing_to_reconcile(park: Park) -> None:
    with pytest.raises(Unknown, match=r"there is no statement of account .*: import one first"):
        _reconciled(park)


def test_a_reconciliation_is_a_table_whose_rows_add_up(billed: Park) -> None:
    rib = billed.settings.operator.party.rib
    with reading(billed.engine) as connection:
        text = b"".join(reconciliation_file(connection, rib, None, "csv")).decode("utf-8-sig")
        book = openpyxl.load_workbook(io.BytesIO(b"".join(reconciliation_file(connection, rib, None, "xlsx"))))
        assert b'"unexplained": "0.00"' in b"".join(reconciliation_file(connection, rib, None, "json"))
    heads, *rows = csv.reader(io.StringIO(text))
    assert heads == ["Nature", "Référence", "Date", "Libellé", "Montant"]
    amounts = [float(row[4]) for row in rows]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1]) == 5220.00
    sheet: Any = book.active
    assert [cell.value for cell in sheet[1]] == heads


@pytest.mark.parametrize(
    ("spoiling", "named"),
    [
        ("UPDATE bank_line SET amount = amount + 1 WHERE line_no = 1", "RE-000001: its lines sum to 3546.36"),
        ("UPDATE bank_line SET amount = amount + 1 WHERE line_no = 1", "RE-000001/1 of 3480.01 is received"),
        ("DELETE FROM bank_line WHERE line_no = 3", "RE-000001 has 2 lines of 3"),
        ("UPDATE bank_statement SET place = 2", "RE-000001: a statement of account"),
        ("UPDATE bank_line SET booked_on = '2026-06-21' WHERE line_no = 3", "RE-000001 of 2026-06-20 has a line of"),
        ("DELETE FROM line_entry", "RE-000001/1 of 3480.00 is received, the entries it names move 5141 by 0.00"),
        ("UPDATE line_entry SET receipt_id = 2", "RE-000001/1 is received, but its receipt C1 is not of that name"),
        ("DELETE FROM line_decision", "RE-000001/1: no decision says that BQ/RG-000001 books it"),
        ("UPDATE line_decision SET kind = 'undone'", "RE-000001/1: its decision 1 (undone) follows one that is undone"),
        ("UPDATE line_decision SET decision_no = 2", "RE-000001/1: its decision 2 follows 0"),
        ("UPDATE line_entry SET line_no = 2", "RE-000001/1 of 3480.00 is received"),
    ],
)
def test_what_is_spoilt_of_statements_is_named(billed: Park, spoiling: str, named: str) -> None:
    assert check(billed.engine) == []
    behind_its_back(billed.engine, spoiling)
    problems = check(billed.engine)
    assert any(named in problem for problem in problems), problems


def test_statements_that_do_not_go_on_are_named(billed: Park) -> None:
    takes(billed, statement([says("1.00", "2026-06-22")], opening="4546.35", closing="4547.35", on="2026-06-22"))
    engine: Engine = billed.engine
    behind_its_back(engine, "UPDATE bank_statement SET opening = opening + 100, closing = closing + 100 WHERE id = 2")
    assert "RE-000002 opens with 4547.35, RE-000001 closes with 4546.35" in check(engine)


def test_an_entry_stands_for_one_line(billed: Park) -> None:
    decides(billed, (1, 2), "received", "inconnu")
    behind_its_back(billed.engine, "UPDATE line_entry SET entry = 'BQ/RG-000001'")
    assert "entry BQ/RG-000001 stands for several lines of statements" in check(billed.engine)
