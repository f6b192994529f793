"""Invoices by hand: a service, a text, a quantity, a price; nothing of the cross-subsidy, nothing of the runs (R27)."""

import csv
import json
import threading
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy import text as sql

from billing.books.periods.closing import close_period
from billing.check import check
from billing.documents.credit_notes.queries import all_credit_notes, creditable_lines
from billing.documents.export import pieces_of_days
from billing.documents.one_off.issuing import one_off_terms, prepare
from billing.documents.one_off.orders import OneOffOrder, parse_line
from billing.frame.database import reading, writing
from billing.frame.errors import Refused, RunRefused
from billing.receivables.receipts.applying_credits import apply_credits
from invoices.errors import IssueDateGoesBack
from invoices.reading import document_id, load_documents
from ledger.errors import PeriodClosed
from tests.oracle.service import NOW
from tests.support.credit_notes import cancels_by_hand, credits_by_hand
from tests.support.networks import Row
from tests.support.one_off import bills_by_hand
from tests.support.park import Park, text
from tests.support.spoiling import behind_its_back
from tests.support.till import order, receives, still_open

LARGE: Row = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
NEWCOMER: Row = {"code": "T2", "incorporated_on": "2026-01-15"}
WITHOUT_LEASE: Row = {"code": "T9", "email": None, "kind": "large", "incorporated_on": "2000-01-01"}
LOCK, MEALS = "OFFICE;Serrure du bureau 12;1;850.00", "MEAL;Repas du conseil ;3;33.3333"


def lease(number: int, tenant: str, ends_on: str | None = None) -> Row:
    return {
        "code": f"L{number}", "tenant": tenant, "site": "CAS", "unit": f"U{number}", "area_m2": "20",
        "starts_on": "2026-05-01", "ends_on": ends_on,
    }  # fmt: skip


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=[LARGE, NEWCOMER, WITHOUT_LEASE], leases=[lease(1, "T1"), lease(2, "T2")])
    park.bills("2026-06")
    return park


def test_r27_it_is_numbered_booked_and_due_like_any_invoice_and_of_no_month(billed: Park) -> None:
    issued = bills_by_hand(billed, LOCK, MEALS)
    assert (issued.number, issued.net, issued.tax, issued.gross) == ("FA-2026-000003", 95_000, 18_000, 113_000)
    assert billed.booked("VTE", "2026-06-02") == text("""
        2026-06-20 VTE/FA-2026-000003
          3421  T1                1130.00
          71243         CAS       -950.00
          44551                   -180.00
        """)
    with reading(billed.engine) as connection:
        [(_, document)] = load_documents(connection, [document_id(connection, issued.number)])
    assert (document.period, document.issued_on, document.due_on) == (None, date(2026, 6, 20), date(2026, 8, 19))
    assert (document.reason, document.advantage, document.contribution) == ("Dégâts du 12 juin", 0, 0)
    assert [line.service_label for line in document.lines] == ["Serrure du bureau 12", "Repas du conseil"]
    assert [(v.rate, v.base, v.amount) for v in document.vat] == [(1000, 10_000, 1000), (2000, 85_000, 17_000)]
    for line in document.lines:
        p = line.priced
        assert (p.tier, p.lease, p.full_price, p.unit_cost) == ("market", None, p.unit_price, p.unit_price)
    # A run issues the next number, and bills none of it.
    billed.bills("2026-07")
    assert [document.number for document in billed.documents("2026-07")] == ["FA-2026-000004", "FA-2026-000005"]
    assert "850.00" not in billed.issued("2026-07")
    assert check(billed.engine) == []


def test_the_vat_is_that_in_force_on_the_issue_date(billed: Park) -> None:
    billed.enters(vat_rates=[{"service": "OFFICE", "effective_from": "2026-06-21", "rate": "0.00"}])
    before, after = (bills_by_hand(billed, LOCK, on=f"2026-06-{day}") for day in (20, 21))
    assert (before.tax, after.tax) == (17_000, 0)
    assert check(billed.engine) == []


def test_a_tenant_without_lease_is_billed(billed: Park) -> None:
    issued = bills_by_hand(billed, "OFFICE;Dédit;1;5000", tenant="T9", site="TNG")
    assert issued.draft.buyer.code == "T9"
    # 3,480.00 and 1,159.92 of June, and 6,000.00.
    assert billed.balances()["3421"] == "10639.92"
    assert check(billed.engine) == []


def test_what_can_not_be_billed_is_refused_whole_each_fault_named(billed: Park) -> None:
    wrong = (
        "OFFICE;x;0;10", "OFFICE;x;-1;10", "OFFICE;x;1;0", "OFFICE;x;1;-10.00", "OFFICE;x;1.0000001;10",
        "OFFICE;x;1;0.00001", "OFFICE;x;1000001;1", "OFFICE;x;1;1000000.01", "OFFICE;x;1;0.0001", "GIFT;x;1;10",
        "OFFICE;;1;10", "OFFICE;\u202ex;1;10",
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        bills_by_hand(billed, *wrong, tenant="T0", site="RBA", reason=" ", on="2027-06-20")
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [
        (None, "tenant"), (None, "site"), (None, "reason"), (None, "issue_date"),
        (1, "quantity"), (2, "quantity"), (3, "price"), (4, "price"), (5, "quantity"), (6, "price"), (7, "quantity"),
        (8, "price"), (9, "price"), (10, "service"), (11, "text"), (12, "text"),
    ]  # fmt: skip
    assert str(refused.value.faults[4]) == "one-off-invoice:1: quantity '0' is zero (give more than zero)"
    with pytest.raises(Refused, match="is too large a sum"):
        bills_by_hand(billed, "OFFICE;x;1000000;1000000", "OFFICE;y;1;1")
    assert billed.booked("VTE", "2026-06-02") == ""


def test_r15_its_day_never_goes_back_nor_into_a_closed_month_nor_before_an_unfinished_run(billed: Park) -> None:
    with pytest.raises(IssueDateGoesBack):
        bills_by_hand(billed, LOCK, on="2026-05-31")
    with pytest.raises(Refused, match="is more than 31 days after today, 2026-11-22"):
        bills_by_hand(billed, LOCK, on="2026-12-24")
    with writing(billed.engine) as connection:
        close_period(
            connection,
            date(2026, 6, 1),
            today=NOW.date(),
            recorded_at=NOW,
            open_months_max=12,
            terms=billed.settings.terms,
        )
    with pytest.raises(PeriodClosed, match="2026-06 is closed"):
        bills_by_hand(billed, LOCK)
    with writing(billed.engine) as connection:
        connection.execute(sql("UPDATE billing_run SET status = 'running'"))
    unfinished = "the run of 2026-06 is not finished, and issues its documents on 2026-06-01"
    with pytest.raises(RunRefused, match=unfinished):
        bills_by_hand(billed, LOCK, on="2026-07-01")
    with pytest.raises(RunRefused, match=unfinished):
        credits_by_hand(billed, "FA-2026-000001", on="2026-07-01")


def test_it_is_dated_today_or_with_the_newest_document(billed: Park) -> None:
    with reading(billed.engine) as connection:
        assert one_off_terms(connection, billed.settings, None, NOW).issued_on == date(2026, 11, 22)
    bills_by_hand(billed, LOCK, on="2026-12-01")
    with reading(billed.engine) as connection:
        assert one_off_terms(connection, billed.settings, None, NOW).issued_on == date(2026, 12, 1)


def test_the_same_lines_again_on_one_day_are_billed_only_if_told_so(billed: Park) -> None:
    bills_by_hand(billed, LOCK)
    with pytest.raises(Refused, match=r"lines are those of FA-2026-000003, issued on the same day .give --again"):
        bills_by_hand(billed, "OFFICE; Serrure  du bureau 12 ;1.0;850", reason="une autre")
    bills_by_hand(billed, LOCK, again=True)
    bills_by_hand(billed, LOCK, on="2026-06-21")
    bills_by_hand(billed, LOCK, on="2026-06-21", tenant="T9")
    assert check(billed.engine) == []


def test_a_dry_run_shows_the_totals_and_issues_nothing(billed: Park) -> None:
    wanted = OneOffOrder("T9", "CAS", (parse_line("MEAL;Buffet;2.5;10.00"),), "réunion", "amina")
    with reading(billed.engine) as connection:
        terms = one_off_terms(connection, billed.settings, None, NOW)
        prepared = prepare(connection, wanted, terms)
    document = prepared.document(wanted, terms)
    assert (document.number, document.net, document.tax, document.gross) == ("", 2500, 250, 2750)
    assert prepared.warnings == (
        "line 1: its quantity is a part of something that is used as a whole",
        "T9 has no mail address: enter one, or print the invoice",
    )
    assert billed.booked("VTE", "2026-06-02") == ""


@pytest.mark.parametrize(
    ("written", "quantity", "price", "description"),
    [
        ('OFFICE;"Badge ; n° 117";1;150.00', "1", "150.00", "Badge ; n° 117"),
        ('OFFICE; "dit ""le badge"""; 2 ;12,50', "2", "12.50", 'dit "le badge"'),
        ("OFFICE;Heures;1,5;0,3333", "1.5", "0.3333", "Heures"),
    ],
)
def test_a_line_is_a_row_of_csv(written: str, quantity: str, price: str, description: str) -> None:
    line = parse_line(written)
    assert (line.service, line.text, line.quantity, line.price) == ("OFFICE", description, quantity, price)


@pytest.mark.parametrize("number", ["1,500", "1.500"])
def test_a_number_that_can_be_read_two_ways_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match=r"has a number that can be read as 1\.500 or 1500"):
        parse_line(f"OFFICE;Heures;{number};10")


@pytest.mark.parametrize("written", ["", "OFFICE;x;1", "OFFICE;x;y;1;2", 'OFFICE;"x;1;2', "OFFICE;x;1;2\nMEAL;y;1;2"])
def test_what_is_no_such_row_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse_line(written)


def test_credit_settles_it_at_once_and_its_vat_falls_due_as_it_is_paid(billed: Park) -> None:
    receives(billed, order("4000.00", reference="V1", tenant="T1"))
    # 520.00 of 1,020.00: VAT 86.67 of 170.00.
    bills_by_hand(billed, LOCK)
    assert still_open(billed) == {"FA-2026-000002": "1159.92", "FA-2026-000003": "500.00"}
    assert billed.balances()["4455"] == "-666.67"
    receives(billed, order("500.00", reference="V2", tenant="T1", text="REGLT FA-2026-000003"))
    assert (billed.balances()["4455"], billed.balances()["44551"]) == ("-750.00", "-193.32")
    assert still_open(billed) == {"FA-2026-000002": "1159.92"}
    assert check(billed.engine) == []


def test_r28_a_cancellation_counts_nothing_in_the_waterfall_and_is_not_billed_anew(billed: Park) -> None:
    plain = billed.preview("2026-07", date(2026, 7, 1))
    bills_by_hand(billed, LOCK, MEALS, site="TNG")
    cancels_by_hand(billed, "FA-2026-000003", 1)
    assert billed.booked("VTE", "2026-06-21") == ""
    assert (
        billed.booked("VTE", "2026-06-20").splitlines()[-4:]
        == text("""
        2026-06-20 VTE/AV-2026-000001
          3421  T1               -1020.00
          71243         TNG        850.00
          44551                    170.00
        """).splitlines()
    )
    cancels_by_hand(billed, "FA-2026-000003")
    preview = billed.preview("2026-07", date(2026, 7, 1))
    report = billed.bills("2026-07")
    assert report.cross_subsidy == preview.cross_subsidy == plain.cross_subsidy
    assert (report.invoices, report.credit_notes) == (plain.invoices, plain.credit_notes)
    assert "9202" in billed.balances()
    assert billed.booked("PER", "2026-07-01").count("TNG") == 0
    with reading(billed.engine) as connection:
        assert [(line.left, line.stands) for line in creditable_lines(connection, "FA-2026-000003")] == [(0, False)] * 2
        # The list of credit notes by hand holds these alone.
        assert [note.number for note in all_credit_notes(connection)] == ["AV-2026-000001", "AV-2026-000002"]
    assert check(billed.engine) == []
    billed.bills("2026-08")
    assert check(billed.engine) == []


def test_r28_a_rebate_is_booked_apart_and_billed_again_once_the_line_is_cancelled(billed: Park) -> None:
    plain = billed.preview("2026-07", date(2026, 7, 1))
    bills_by_hand(billed, LOCK)
    credits_by_hand(billed, "FA-2026-000003", (1, 10_001))
    assert billed.balances()["7129"] == "100.01"
    cancels_by_hand(billed, "FA-2026-000003")
    report = billed.bills("2026-07")
    assert report.withdrawn == (("AV-2026-000001", "T1", 10_001),)
    assert report.cross_subsidy == plain.cross_subsidy
    # All of it comes to 0.00: what is left are the two months of both tenants.
    assert "7129" not in billed.balances()
    with writing(billed.engine) as connection:
        apply_credits(connection, recorded_at=NOW)
    assert billed.balances()["3421"] == "9279.84"
    assert check(billed.engine) == []


def test_r13_a_repair_leaves_it_alone(billed: Park) -> None:
    bills_by_hand(billed, LOCK)
    billed.enters(leases=[lease(1, "T1", "2026-06-10")])
    billed.bills("2026-07")
    assert "FA-2026-000003" not in billed.issued("2026-07")
    with reading(billed.engine) as connection:
        assert [line.left for line in creditable_lines(connection, "FA-2026-000003")] == [85_000]
    assert check(billed.engine) == []


def test_the_sales_register_says_what_was_billed_by_hand(billed: Park) -> None:
    bills_by_hand(billed, LOCK, MEALS)
    with reading(billed.engine) as connection:
        days = date(2026, 6, 20), date(2026, 6, 20)
        (issued,) = json.loads(b"".join(pieces_of_days(connection, *days, "json")))
        rows = b"".join(pieces_of_days(connection, *days, "csv")).decode().splitlines()
    assert [line["text"] for line in issued["lines"]] == ["Serrure du bureau 12", "Repas du conseil"]
    assert [(row["service"], row["text"]) for row in csv.DictReader(rows)] == [
        ("OFFICE", "Serrure du bureau 12"),
        ("MEAL", "Repas du conseil"),
    ]


def test_eight_at_once_take_eight_numbers_without_gap(engine: Engine, tmp_path: Path) -> None:
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=[LARGE], leases=[lease(1, "T1")])
    barrier = threading.Barrier(8)
    numbers: list[str] = []

    def bill(place: int) -> None:
        barrier.wait()
        numbers.append(bills_by_hand(park, f"OFFICE;Clé {place};1;10").number)

    threads = [threading.Thread(target=bill, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [f"FA-2026-{place:06d}" for place in range(1, 9)]
    assert check(engine) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM credit_reason", "FA-2026-000003 was issued outside a run, and does not say why"),
        ("UPDATE document_line SET unit_cost = 1 WHERE document_id = 3", "it is not at its own full price"),
        ("UPDATE document_line SET tier = 'subsidised' WHERE document_id = 3", "it is not at its own full price"),
        ("UPDATE document_line SET month = '2026-07-01' WHERE document_id = 3", "it is of 2026-07"),
        ("UPDATE document_line SET days = 2 WHERE document_id = 3", "it is of a lease or of some days"),
        ("UPDATE document_line SET amount = 1 WHERE document_id = 3", "is not 850.00 × 1 × 1/1 = 850.00"),
        ("UPDATE document_line SET revenue_account = '71271' WHERE document_id = 3", "in its entry VTE/FA-2026-000003"),
        ("UPDATE document SET contribution = 5 WHERE id = 3", "contribution 0.05 is not that of its lines"),
        ("UPDATE document SET period = '2026-06-01' WHERE id = 3", "FA-2026-000003"),
        ("DELETE FROM document WHERE id = 3", "FA-2026-000003"),
    ],
)
def test_check_names_what_is_spoilt(billed: Park, statement: str, named: str) -> None:
    bills_by_hand(billed, LOCK, tenant="T9")
    behind_its_back(billed.engine, statement)
    problems = check(billed.engine)
    assert any(named in problem for problem in problems), problems
