"""A park is taken on with what it brings from before (R29); brought invoices then live like ours."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from billing.books.vat_return.movements import vat_movements
from billing.check import check
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.entries.debts import RECOVERED, WRITTEN_OFF
from billing.entries.deposits import Movement
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Fault, Refused, RunRefused
from billing.frame.terms import Term, Terms
from billing.receivables.deposits.deposits import move_deposit
from billing.receivables.dunning.sending import preview_reminder
from billing.receivables.open_items.standing import documents_numbered
from billing.receivables.receipts.cancelling import cancel_receipt
from billing.receivables.reports.aged_balance import aged_balance
from billing.receivables.reports.open_documents import open_documents, vat_not_due
from billing.receivables.reports.receipts import receipts_journal, unplaced_receipts
from billing.receivables.reports.statement import statement
from billing.take_on.files import LAYOUTS, find_files, naming, new_faults, rows_of_files
from invoices.errors import IssueDateGoesBack, NotPrintedHere
from invoices.models import document
from ledger.errors import BeforeTheBooks
from ledger.models import entry
from ledger.periods import Limits, limits, require_open
from ledger.year_end import close_year
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.api import CallerOf
from tests.support.credit_notes import cancels_by_hand, credits_by_hand
from tests.support.debts import decides
from tests.support.park import Park, text
from tests.support.reminding import reminds_daily
from tests.support.spreadsheets import tables_of, typed_rows, write_french, write_workbook
from tests.support.take_on import FILES, FIRST, ON, SECOND, opens, takes_on, written
from tests.support.till import (
    NONE,
    applies,
    bounces,
    cancels,
    carried,
    clears,
    closes,
    order,
    receives,
    refunds,
    still_open,
    undoes,
    withdraws,
)


@pytest.fixture
def taken(park: Park) -> Park:
    opens(park)
    takes_on(park)
    return park


def settled_of(park: Park, number: str) -> list[tuple[str, str]]:
    """What of a document is open at each rate: base and VAT."""
    with reading(park.engine) as connection:
        shares = documents_numbered(connection, [number])[number].shares
    return [(format_amount(share.base), format_amount(share.vat)) for share in shares]


def faults_of(park: Park, on: str = ON, **files: str) -> list[str]:
    with pytest.raises(Refused) as refused:
        takes_on(park, on, **files)
    return [str(fault) for fault in refused.value.faults]


def test_what_is_brought_is_booked_in_one_balanced_entry_a_kind(taken: Park) -> None:
    assert taken.booked("AN") == text(
        """
        2026-09-01 AN/reprise/factures
          3421  T1                2480.00
          3421  T2                2320.00
          44551                   -769.69
          3497                   -4030.31
        2026-09-01 AN/reprise/avoirs
          4421  T3                -250.00
          3497                     250.00
        2026-09-01 AN/reprise/depots
          1487  T1               -5000.00
          3497                    5000.00
        2026-09-01 AN/reprise/soldes
          5141                   60000.00
          5161          CAS        300.00
          1111                  -59080.31
          3497                   -1219.69
        2026-09-01 AN/reprise/reserve
          9207                   -2000.00
          9210                    2000.00
        2026-09-01 AN/reprise/subventions
          9208  G1                4900.00
          9210  G1               -4900.00
        """
    )
    assert still_open(taken) == {FIRST: "2480.00", SECOND: "2320.00"}
    # 166.67 of 580.00 fell due with 1,000.00 of 3,480.00; 13.64 of 50.00 with 150.00 of 550.00.
    assert settled_of(taken, FIRST) == [("2066.67", "413.33")]
    assert settled_of(taken, SECOND) == [("363.64", "36.36"), ("1600.00", "320.00")]
    assert carried(taken) == ["RG-000001 T3 250.00"]
    assert check(taken.engine) == []


def test_brought_invoices_are_paid_and_their_vat_is_declared_like_ours(taken: Park) -> None:
    # The payer names the one in its text, as the invoice of then was numbered, and pays the other in part.
    receives(taken, order("2480.00", on="2026-09-04", tenant=None, text="VIR FACT 2026/0117 NOOR"))
    receives(taken, order("1000.00", on="2026-09-05", reference="V2", tenant="T2", pays={SECOND: "1000.00"}))
    assert still_open(taken) == {SECOND: "1320.00"}
    with reading(taken.engine) as connection:
        movements = vat_movements(connection, date(2026, 9, 1), date(2026, 9, 30), taken.settings.terms)
    # What was paid before was declared before: 1,000.00 and 150.00 are not here.
    assert [(m.document, m.rate, format_amount(m.base), format_amount(m.vat)) for m in movements] == [
        (FIRST, 2000, "2066.67", "413.33"),
        (SECOND, 2000, "689.66", "137.93"),
        (SECOND, 1000, "156.74", "15.67"),
    ]
    assert taken.balances()["44551"] == "-202.76"
    assert check(taken.engine) == []


def test_a_brought_invoice_paid_in_any_parts_leaves_no_vat(taken: Park) -> None:
    for index, amount in enumerate(("0.01", "99.99", "700.00", "1679.99", "0.01")):
        receives(taken, order(amount, on="2026-09-10", reference=f"P{index}", pays={FIRST: amount}))
    assert settled_of(taken, FIRST) == [("0.00", "0.00")]
    assert taken.balances()["44551"] == "-356.36"
    assert check(taken.engine) == []


def test_tenants_credit_and_deposits_live_on(taken: Park) -> None:
    taken.bills("2026-09")
    applies(taken)
    assert carried(taken) == []
    assert "4421" not in taken.balances()
    with reading(taken.engine) as connection:
        # It came before: no money of this month.
        assert list(receipts_journal(connection, None, date(2026, 9, 30)).lines) == []
    with writing(taken.engine) as connection, pytest.raises(Conflict, match="taken on with the park"):
        cancel_receipt(connection, 1, reason="erreur", recorded_at=NOW)
    assert check(taken.engine) == []


def test_a_tenants_credit_is_paid_back(taken: Park) -> None:
    refunds(taken, "250.00", receipt=1, tenant="T3", on="2026-09-10")
    assert carried(taken) == []
    assert taken.balances()["5141"] == "59750.00"
    assert check(taken.engine) == []


def test_a_brought_credit_that_was_somebody_elses_waits_among_what_is_nobodys(taken: Park) -> None:
    withdraws(taken, 1, "T3", on="2026-09-10")
    with reading(taken.engine) as connection:
        [line] = unplaced_receipts(connection, date(2026, 9, 30)).lines
    assert (line[0], line[2], line[-1]) == ("RG-000001", "Reprise", 25_000)
    assert check(taken.engine) == []


def test_a_brought_invoice_is_reminded_of_without_a_copy(taken: Park) -> None:
    lines = reminds_daily(taken, "2026-09-01", "2026-09-08")
    assert lines
    assert all(FIRST in line for line in lines if " T1:" in line)
    with reading(taken.engine) as connection:
        message = preview_reminder(connection, taken.settings, date(2026, 10, 5), "T2")
    assert message.copies == ()
    assert "copie" not in " ".join(message.text.after)
    with reading(taken.engine) as connection:
        key = connection.scalar(select(document.c.id).where(document.c.number == FIRST))
    with pytest.raises(NotPrintedHere, match="2026/0117 was issued before"):
        ensure_pdf(taken.engine, "memory://documents", key or 0, clock=lambda: NOW)
    assert check(taken.engine) == []


def test_over_http_a_brought_invoice_is_reached_by_its_own_number_with_all_that_there_is_of_it(
    taken: Park, caller_of: CallerOf
) -> None:
    caller = caller_of(taken.engine)
    address = f"/v1/documents/{FIRST}"
    for part in ("", "/explanation", "/trail"):
        assert caller.get(f"{address}{part}")["number"] == FIRST
    [line] = caller.get(f"{address}/explanation")["lines"]
    assert (line["origin"], line["amount"]) == ("brought", "2900.00")
    assert [line["left"] for line in caller.get(f"{address}/creditable")["lines"]] == ["2900.00"]
    for method, part in (("GET", "/pdf"), ("GET", "/xml"), ("POST", "/resend")):
        answer = caller(method, f"{address}{part}", json=None if method == "GET" else {})
        assert answer.status_code == 404
        assert answer.json["detail"].startswith(f"{FIRST} was issued before this service began")
    assert caller("GET", "/v1/documents/2026/0999/pdf").json["detail"] == "no document bears the number 2026/0999"
    # What was lost of it before is recovered, and taken back, under its own number too.
    answer = caller.post(f"/v1/debts/{FIRST}/recoveries/7/cancellation", {"reason": "jamais reçu"})
    assert (answer.status_code, answer.json["detail"]) == (404, "there is no decision CR-7 about a debt")


def test_a_tenants_statement_begins_with_what_was_brought(taken: Park) -> None:
    with reading(taken.engine) as connection:
        lines = statement(connection, "T1", None, date(2026, 9, 30)).lines
    assert [(line.label, format_amount(line.amount)) for line in lines] == [
        ("Reprise au 01/09/2026 - factures ouvertes", "2480.00")
    ]


def test_the_first_run_draws_on_what_is_left_of_grants_and_on_the_reserve(taken: Park) -> None:
    taken.bills("2026-09")
    # T3 needs 8,400.00 at Tanger; T1 and T2 bring 300.00 and 150.00; the reserve 2,000.00, the grant its last 100.00.
    with reading(taken.engine) as connection:
        numbers = connection.scalars(select(document.c.number).order_by(document.c.id)).all()
    assert numbers == [FIRST, SECOND, "FA-2026-000001", "FA-2026-000002", "FA-2026-000003"]
    balances = taken.balances()
    assert (balances.get("9207"), balances.get("9208"), balances["9209"]) == (None, None, "5850.00")
    assert [d.number for d in taken.documents("2026-09")] == numbers[2:]
    assert check(taken.engine) == []


def test_a_brought_invoice_is_credited_by_a_rebate_not_cancelled(taken: Park) -> None:
    with pytest.raises(Refused, match="issued before this service"):
        cancels_by_hand(taken, FIRST, on="2026-09-10")
    credits_by_hand(taken, FIRST, (1, 10_000), on="2026-09-10", reason="geste commercial")
    applies(taken)
    assert still_open(taken)[FIRST] == "2360.00"
    assert check(taken.engine) == []


def test_a_brought_debt_is_written_off(taken: Park) -> None:
    decides(taken, WRITTEN_OFF, on="2026-10-31", invoice=SECOND)
    assert still_open(taken) == {FIRST: "2480.00"}
    assert taken.balances()["44551"] == "-413.33"
    assert check(taken.engine) == []


def test_the_books_begin_on_the_day_of_the_take_on(taken: Park) -> None:
    with pytest.raises(Refused, match="is before 2026-09-01, the day the park was taken on"):
        receives(taken, order("10.00", on="2026-08-31"))
    with reading(taken.engine) as connection:
        assert limits(connection) == Limits(date(2026, 8, 31), None, date(2026, 9, 1))
        with pytest.raises(BeforeTheBooks, match="what came before is in the balances"):
            require_open(connection, date(2026, 8, 31))
    with pytest.raises(RunRefused, match="The first month that is billed here is 2026-09"):
        taken.bills("2026-08", issued_on="2026-09-01")
    with pytest.raises(IssueDateGoesBack):
        taken.bills("2026-09", issued_on="2026-08-31")
    taken.bills("2026-09")
    closes(taken, "2026-09")
    with pytest.raises(Conflict, match="taken on already"):
        takes_on(taken)
    assert check(taken.engine) == []


def _gives_back(park: Park, on: str) -> None:
    """Give back 100.00 of the deposit that was brought."""
    back = Movement("returned", "transfer", date.fromisoformat(on), 100_00, "V9", "fin du bail")
    with writing(park.engine) as connection:
        move_deposit(connection, 1, back, recorded_at=NOW)


def test_money_of_days_before_the_take_on_is_in_the_balances(taken: Park) -> None:
    decides(taken, WRITTEN_OFF, "100.00", on="2026-09-02", invoice=FIRST)
    receives(taken, order("50.00", on="2026-09-02", tenant="T2", means="cheque", pays=NONE))
    with reading(taken.engine) as connection:
        before = connection.scalar(select(func.count()).select_from(entry))
    acts: list[Callable[[], object]] = [
        lambda: _gives_back(taken, "2026-08-31"),
        lambda: decides(taken, RECOVERED, "10.00", on="2026-08-31", invoice=FIRST),
        lambda: decides(taken, "doubtful", "10.00", on="2026-08-31", invoice=SECOND),
        lambda: refunds(taken, "10.00", receipt=1, tenant="T3", on="2026-08-31"),
        lambda: clears(taken, 2, on="2026-08-31"),
        lambda: bounces(taken, 2, on="2026-08-31"),
        lambda: withdraws(taken, 1, "T3", "10.00", on="2026-08-31"),
        lambda: cancels(taken, 2, on="2026-08-31"),
    ]
    for act in acts:
        with pytest.raises(
            BeforeTheBooks, match="2026-08-31 is before 2026-09-01, the day the park was taken on: what"
        ):
            act()
    with reading(taken.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(entry)) == before
    assert check(taken.engine) == []


def test_a_grant_that_came_before_may_be_entered_after_the_take_on(taken: Park) -> None:
    taken.enters(grants=[{"code": "G2", "amount": "700.00", "granted_on": "2026-02-01"}])
    taken.bills("2026-09")
    # It helps T3 with its 700.00 as if it had been known: 5,150.00 are left of 5,850.00.
    assert taken.balances()["9209"] == "5150.00"
    assert check(taken.engine) == []


def test_reports_of_days_before_hold_what_the_books_held(taken: Park) -> None:
    def reported(on: date) -> list[list[tuple[Any, ...]]]:
        with reading(taken.engine) as connection:
            return [list(report(connection, on).lines) for report in (open_documents, vat_not_due, aged_balance)]

    assert reported(date(2026, 8, 31)) == [[], [], []]
    items, vat, ages = reported(date(2026, 9, 1))
    assert [(line[2], format_amount(line[-1])) for line in items] == [(FIRST, "2480.00"), (SECOND, "2320.00")]
    assert sum(line[-1] for line in vat) == 769_69
    assert [line[0] for line in ages] == ["T1", "T2", "T3"]
    assert still_open(taken, "2026-08-31") == {}


def test_a_take_on_comes_first(park: Park) -> None:
    opens(park)
    park.bills("2026-09")
    with pytest.raises(Conflict, match="the run of 2026-09 stands already"):
        takes_on(park)


def test_the_year_is_closed_over_what_was_brought(taken: Park) -> None:
    taken.bills("2026-09")
    with writing(taken.engine) as connection:
        closed = close_year(connection, 2026, recorded_at=NOW)
    assert (closed.is_determined, closed.is_opened) == (True, True)
    assert taken.balances()["1111"] == "-59080.31"
    assert check(taken.engine) == []


def test_every_fault_of_every_file_is_said_at_once(park: Park) -> None:
    opens(park)
    faults = faults_of(
        park,
        open_invoices="""
            FA-2026-000012,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,
            fa 2026 13,0.20,T1,CAS,2026-07-01,2026-06-30,100.00,20.00,
            FA-2025-000012,0.20,T1,CAS,2025-07-01,2025-08-30,100.00,20.00,
            A1,0.20,T9,XXX,2026-09-02,2026-09-30,100.00,25.00,
            A2,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,120.01
            A3,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,120.00
            A4,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,
            A4,0.10,T2,CAS,2026-07-01,2026-08-30,100.00,10.00,
            A5,0.20,T1,CAS,2026-07-01,2026-08-30,abc,20.00,
        """,
        credits="T3,0.00,2026-08-12",
        deposits="L9,1.00,2026-01-01",
        balances="""
            3421,,100.00
            9208,,1.00
            9201,,1.00
            0000,,1.00
        """,
        grants="G1,5000.01\nG9,1.00",
    )
    assert [re.sub(r" \(.*", "", fault) for fault in faults] == [
        "open_invoices.csv:2: number 'FA-2026-000012' is, or reads as, FA-2026-000012, a number of the series that "
        "this service gives from now on",
        "open_invoices.csv:3: number 'fa 2026 13' is, or reads as, FA-2026-000013, a number of the series that "
        "this service gives from now on",
        "open_invoices.csv:3: due_on '2026-06-30' is before it was issued",
        "open_invoices.csv:5: tenant 'T9' is no known tenant",
        "open_invoices.csv:5: site 'XXX' is no known site",
        "open_invoices.csv:5: issued_on '2026-09-02' is after the day of the take-on, 2026-09-01",
        "open_invoices.csv:5: vat '25.00' is not the VAT of 100.00 at this rate, 20.00",
        "open_invoices.csv:6: paid '120.01' is more than base and VAT of this row, 120.00",
        "open_invoices.csv:7: paid '120.00' leaves nothing open",
        "open_invoices.csv:9: tenant 'T2' is another than on line 8, of the same invoice",
        "open_invoices.csv:10: base 'abc' is not a decimal number such as 1234.56",
        "credits.csv:2: amount '0.00' is zero",
        "deposits.csv:2: lease 'L9' is no known lease",
        "balances.csv:2: account '3421' is proved by more than a balance",
        "balances.csv:3: account '9208' is proved by more than a balance",
        "balances.csv:4: account '9201' is moved by runs alone",
        "balances.csv:5: account '0000' is not in the chart of accounts",
        "grants.csv:2: used '5000.01' is more than the 5000.00 that were granted",
        "grants.csv:3: code 'G9' is no known grant",
    ]


NOTHING = dict.fromkeys(LAYOUTS, "")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"open_invoices": "A1,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,120.01"},
            "open_invoices.csv:2: paid '120.01' is more than base and VAT of this row, 120.00",
        ),
        (
            {
                "open_invoices": """
                    A1,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,130.00
                    A1,0.10,T1,CAS,2026-07-01,2026-08-30,100.00,10.00,
                """
            },
            "open_invoices.csv:2: paid '130.00' is more than base and VAT of this row, 120.00",
        ),
        (
            {"open_invoices": "A1,0.20,T1,CAS,2026-07-01,2026-08-30,-100.00,20.00,"},
            "open_invoices.csv:2: base '-100.00' is below zero",
        ),
        (
            {"open_invoices": "A1,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,0.00,"},
            "open_invoices.csv:2: vat '0.00' is not the VAT of 100.00 at this rate, 20.00",
        ),
        (
            {"open_invoices": "A1,20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,"},
            "open_invoices.csv:2: vat_rate '20' is not between 0 and 1",
        ),
        (
            {"open_invoices": "A1,0.20,,CAS,2026-07-01,2026-08-30,100.00,20.00,"},
            "open_invoices.csv:2: tenant '' is blank",
        ),
        (
            {"open_invoices": "A1,0.20,T1,CAS,2026-07-01,2126-08-30,100.00,20.00,"},
            "open_invoices.csv:2: due_on '2126-08-30' is more than 366 days after the day of the take-on, 2026-09-01",
        ),
        (
            {
                "open_invoices": """
                    A1,0.20,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,
                    A1,0.2,T1,CAS,2026-07-01,2026-08-30,100.00,20.00,
                """
            },
            "open_invoices.csv:3: vat_rate '0.2' is there twice: A1/0.20 stands on line 2 already",
        ),
        ({"credits": "T3,1.00,2026-10-12"}, "credits.csv:2: since '2026-10-12' is after the day of the take-on"),
        ({"deposits": "L9,1.00,2026-01-01"}, "deposits.csv:2: lease 'L9' is no known lease"),
        ({"balances": "5141,,0.00"}, "balances.csv: brings nothing, nor does any other file"),
        ({"balances": "3942,,-500.00"}, "give its amount on 6196 instead, and take `debts decide INVOICE doubtful`"),
    ],
    ids=[
        "overpaid", "overpaid at one rate", "negative", "without its VAT", "no rate", "no tenant", "due in a century",
        "twice", "of later", "unknown lease", "only zeros", "provision",
    ],
)  # fmt: skip
def test_a_row_that_can_not_be_is_refused_alone(park: Park, files: dict[str, str], problem: str) -> None:
    opens(park)
    [fault] = faults_of(park, **(NOTHING | files))
    assert problem in fault


def test_a_provision_is_brought_as_its_charge_and_decided_anew(park: Park) -> None:
    opens(park)
    # 3942 held 500.00 of the first invoice, expensed before; 6196 takes its place until it is decided here.
    takes_on(park, balances=f"{FILES['balances']}\n6196,,-500.00\n1191,,500.00")
    decides(park, "doubtful", "2480.00", on="2026-09-02", invoice=FIRST)
    decides(park, "provisioned", "500.00", on="2026-09-02", invoice=FIRST)
    balances = park.balances()
    assert (balances["3942"], balances.get("6196")) == ("-500.00", None)
    assert check(park.engine) == []


def test_under_the_debits_the_vat_of_what_was_issued_was_declared_before(park: Park) -> None:
    shipped = park.settings.terms.versions
    since = tuple(Term(date.fromisoformat(day), value, "test") for day, value in
                  (("2000-01-01", "encaissement"), ("2026-08-01", "debits")))  # fmt: skip
    park.settings = replace(park.settings, terms=Terms({**shipped, "vat.regime": since}))
    opens(park)
    # Of July's invoice 413.33 falls due with its money; of August's nothing does any more.
    takes_on(park, balances=FILES["balances"].replace("-59080.31", "-59436.67"))
    assert park.balances()["44551"] == "-413.33"
    receives(park, order("2480.00", on="2026-09-04", pays={FIRST: "2480.00"}))
    receives(park, order("1000.00", on="2026-09-05", reference="V2", tenant="T2", pays={SECOND: "1000.00"}))
    decides(park, WRITTEN_OFF, on="2026-10-31", invoice=SECOND)
    with reading(park.engine) as connection:
        movements = vat_movements(connection, date(2026, 1, 1), date(2026, 12, 31), park.settings.terms)
    assert [(m.document, format_amount(m.base), format_amount(m.vat)) for m in movements] == [
        (FIRST, "2066.67", "413.33")
    ]
    assert (park.balances()["4455"], park.balances().get("44551")) == ("-413.33", None)
    assert (park.balances()["6182"], still_open(park)) == ("1320.00", {})
    assert check(park.engine) == []


@pytest.mark.parametrize(
    ("balances", "problem"),
    [
        (
            "5141,,60000.00\n5161,CAS,300.00\n1111,,-59080.30\n9207,,-2000.00",
            "0.01 credit is missing in classes 1 to 8 (open invoices 4800.00 debit, their VAT not yet due 769.69",
        ),
        (
            "5141,,60000.00\n5161,CAS,300.00\n1111,,-57080.31\n9207,,-2000.00",
            "class 9 can't balance them: the counterpart of 9207 is made for you",
        ),
        (
            "5141,,60300.00\n1111,,-59080.31\n9207,,-2000.00\n9210,,1999.00",
            "does not balance class 9: 1.00 debit is missing",
        ),
        ("5141,,60300.00\n1111,,-59080.31\n9207,,2000.00", "makes the reserve 9207 -2000.00"),
    ],
    ids=["general", "the reserve counted in", "analytic", "the wrong side"],
)
def test_what_is_missing_is_said_with_its_side(park: Park, balances: str, problem: str) -> None:
    opens(park)
    [fault] = faults_of(park, balances=balances)
    assert problem in fault
    with reading(park.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(document)) == 0


def test_a_day_too_far_ahead_is_refused(park: Park) -> None:
    opens(park)
    assert faults_of(park, on="2027-09-01")[0].startswith("take-on: date '2027-09-01' is more than 31 days after today")


def test_an_allocation_to_a_brought_invoice_is_undone(taken: Park) -> None:
    receives(taken, order("2480.00", on="2026-09-04", pays={FIRST: "2480.00"}))
    undoes(taken, 1, on="2026-09-10")
    assert settled_of(taken, FIRST) == [("2066.67", "413.33")]
    assert check(taken.engine) == []


def test_the_files_may_be_a_spreadsheets_and_are_named_as_they_are(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain")
    tables = tables_of(plain)
    write_french(tmp_path / "french", tables)
    (tmp_path / "books").mkdir()
    for stem, table in tables.items():
        write_workbook(tmp_path / "books" / f"{stem}.xlsx", {"Feuil1": typed_rows(table)})

    def parsed(folder: Path) -> dict[str, list[list[object]]]:
        faults = new_faults()
        rows = rows_of_files(find_files(folder), faults)
        assert not faults
        return {
            stem: [[c.parse(cell) for c, cell in zip(LAYOUTS[stem].columns, row, strict=True)] for _, row in of]
            for stem, of in rows.items()
        }

    assert parsed(tmp_path / "french") == parsed(tmp_path / "books") == parsed(plain)
    with pytest.raises(Refused) as refused, naming(find_files(tmp_path / "books")):
        raise Refused([Fault("credits.csv", 2, "amount", "x", "is wrong")])
    assert [fault.file for fault in refused.value.faults] == ["credits.xlsx [Feuil1]"]


def test_what_stands_beside_the_files_is_named_as_no_file_of_a_take_on(tmp_path: Path) -> None:
    folder = written(tmp_path / "plain")
    (folder / "credits.csv").rename(folder / "Credits.CSV")
    (folder / "sites.csv").write_text("code\n", encoding="utf-8")
    write_workbook(folder / "network.xlsx", {"Leases": [["code"]]})
    tables = find_files(folder)
    assert tables.tables["credits"].label == "Credits.CSV"
    assert [(file, problem) for file, _, _, _, problem, _ in tables.warnings] == [
        ("network.xlsx [Leases]", "is not a sheet of a take-on, and was not read"),
        ("sites.csv", "is not a file of a take-on, and was not read"),
    ]
    with pytest.raises(Refused, match="give a folder that holds a take-on's files"):
        find_files(folder / "nowhere")
