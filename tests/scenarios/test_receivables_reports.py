"""What tenants owe and paid, as reports: statement, aged balance, receipts, what nobody placed, certificates."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Unknown
from billing.frame.reports.tabled import Listed, listed_pieces
from billing.receivables.reports.aged_balance import aged_accounts, aged_balance
from billing.receivables.reports.ages import Ages, aged
from billing.receivables.reports.receipts import missing_certificates, receipts_journal, unplaced_receipts
from billing.receivables.reports.statement import of_account, statement
from billing.receivables.reports.statement_files import statement_pieces
from ledger.models import posting
from pricing.money import format_amount
from tests.support.credit_notes import credits_by_hand
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park, text
from tests.support.reminding import day
from tests.support.till import applies, bounces, order, places, receives

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": '=HYPERLINK("x")'},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Rif Conseil"},
]
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"},
]
# T1 owes 3,480.00 a month, T2 1,740.00; issued on the first of June, July, August, due 60 days later.
JUNE_T1, JUNE_T2, JULY_T1 = "FA-2026-000001", "FA-2026-000002", "FA-2026-000003"


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    for month in ("2026-06", "2026-07", "2026-08"):
        park.bills(month)
    return park


def paid(park: Park) -> None:
    """T1 pays June short of its withholding, T2 pays in advance, a cheque comes back, and 500.00 is nobody's."""
    receives(
        park,
        order("3335.00", on="2026-06-20", pays={JUNE_T1: "3480.00"}, rent_withholding="145.00", reason="attestation"),
        order("2000.00", tenant="T2", reference="V2", on="2026-06-25", pays={JUNE_T2: "1740.00"}),
        order("500.00", tenant=None, reference="V3", on="2026-07-02", text="=cmd|' /C calc'!A0"),
    )
    [cheque] = receives(
        park, order("1000.00", means="cheque", reference="C7", on="2026-08-10", pays={JULY_T1: "1000.00"})
    )
    bounces(park, cheque, on="2026-08-20")


def stated(park: Park, tenant: str, start: str | None, until: str) -> str:
    with reading(park.engine) as connection:
        found = statement(connection, tenant, None if start is None else day(start), day(until))
    lines = [f"= {format_amount(found.opening)}"] if start is not None else []
    lines += [f"{one.on} {one.piece} {one.label} = {format_amount(one.balance)}" for one in found.lines]
    return "\n".join(lines)


def listed(park: Park, report: Any, *arguments: Any) -> list[dict[str, Any]]:
    with reading(park.engine) as connection:
        found = report(connection, *arguments)
        content = json.loads(b"".join(listed_pieces(found, "json", operator=park.settings.operator.party)))
    items: list[dict[str, Any]] = content["items"]
    return items


def written(park: Park, found: Listed, file_format: str) -> bytes:
    return b"".join(listed_pieces(found, file_format, operator=park.settings.operator.party))


def in_the_books(park: Park, tenant: str, on: str) -> str:
    with reading(park.engine) as connection:
        kept = select(func.coalesce(func.sum(posting.c.amount), 0)).where(
            posting.c.auxiliary == tenant, of_account(), posting.c.effective_on <= day(on)
        )
        return format_amount(int(connection.scalar(kept) or 0))


def test_a_statement_says_what_came_and_went_with_the_balance_after_each(billed: Park) -> None:
    paid(billed)
    assert stated(billed, "T1", None, "2026-12-31") == text("""
        2026-06-01 FA-2026-000001 Facture, juin 2026 = 3480.00
        2026-06-20 RG-000001 Virement V1 : FA-2026-000001 = 0.00
        2026-07-01 FA-2026-000003 Facture, juillet 2026 = 3480.00
        2026-08-01 FA-2026-000005 Facture, août 2026 = 6960.00
        2026-08-10 RG-000004 Chèque C7 : FA-2026-000003 = 5960.00
        2026-08-20 RG-000004 Chèque C7 impayé = 6960.00
        """)
    assert stated(billed, "T2", "2026-06-25", "2026-07-31") == text("""
        = 1740.00
        2026-06-25 RG-000002 Virement V2 : FA-2026-000002 = -260.00
        2026-07-01 FA-2026-000004 Facture, juillet 2026 = 1480.00
        """)
    for tenant in ("T1", "T2"):
        for on in ("2026-06-30", "2026-08-15", "2026-12-31"):
            with reading(billed.engine) as connection:
                assert format_amount(statement(connection, tenant, None, day(on)).closing) == in_the_books(
                    billed, tenant, on
                )
    with reading(billed.engine) as connection, pytest.raises(Unknown, match="T9"):
        statement(connection, "T9", None, day("2026-12-31"))


def test_what_only_moves_within_the_account_is_left_out(billed: Park) -> None:
    paid(billed)
    before = stated(billed, "T2", None, "2026-12-31")
    applies(billed, on="2026-09-01")
    assert stated(billed, "T2", None, "2026-12-31") == before


@pytest.mark.parametrize(
    ("late", "column"),
    [(-10, "not_due"), (0, "not_due"), (1, "to_30"), (30, "to_30"), (31, "to_60"), (60, "to_60"), (61, "to_90"),
     (90, "to_90"), (91, "over_90"), (1000, "over_90")],
)  # fmt: skip
def test_an_item_stands_in_the_column_of_its_age(late: int, column: str) -> None:
    on = day("2026-09-30")
    due_on = on.fromordinal(on.toordinal() - late)
    assert aged(100, due_on, on) == Ages(**{column: 100})


def test_the_aged_balance_is_by_tenant_and_age_and_is_what_the_books_keep(billed: Park) -> None:
    paid(billed)
    for on, expected in {
        # June is due on 31 July, July on 30 August, August on 30 September.
        "2026-07-31": ["T1 3480.00 0.00 0.00 0.00 0.00 -0.00", "T2 1740.00 0.00 0.00 0.00 0.00 -260.00"],
        "2026-09-29": ["T1 3480.00 3480.00 0.00 0.00 0.00 -0.00", "T2 1740.00 1740.00 0.00 0.00 0.00 -260.00"],
        "2026-12-31": ["T1 0.00 0.00 0.00 0.00 6960.00 -0.00", "T2 0.00 0.00 0.00 0.00 3480.00 -260.00"],
        "2026-11-30": ["T1 0.00 0.00 0.00 3480.00 3480.00 -0.00", "T2 0.00 0.00 0.00 1740.00 1740.00 -260.00"],
    }.items():
        with reading(billed.engine) as connection:
            found = list(aged_accounts(connection, day(on)))
        told = [
            f"{one.tenant} {' '.join(format_amount(age) for age in one.ages)} -{format_amount(one.credit)}"
            for one in found
        ]
        assert told == expected, on
        for one in found:
            assert format_amount(one.balance) == in_the_books(billed, one.tenant, on)


def test_the_receipts_journal_tells_legs_states_and_what_they_settle(billed: Park) -> None:
    paid(billed)
    found = listed(billed, receipts_journal, None, day("2026-12-31"))
    assert [
        (one["receipt"], one["state"], one["money"], one["rent_withholding"], one["amount"], one["allocated"])
        for one in found
    ] == [
        ("RG-000001", "reçu", "3335.00", "145.00", "3480.00", "3480.00"),
        ("RG-000002", "reçu", "2000.00", "0.00", "2000.00", "1740.00"),
        ("RG-000003", "reçu", "500.00", "0.00", "500.00", "0.00"),
        ("RG-000004", "impayé", "1000.00", "0.00", "1000.00", "0.00"),
    ]
    assert [one["receipt"] for one in listed(billed, receipts_journal, day("2026-06-25"), day("2026-07-02"))] == [
        "RG-000002", "RG-000003",
    ]  # fmt: skip


def test_what_nobody_has_placed_is_listed_until_somebody_does(billed: Park) -> None:
    paid(billed)
    [one] = listed(billed, unplaced_receipts, day("2026-12-31"))
    assert (one["receipt"], one["left"], one["payer_text"]) == ("RG-000003", "500.00", "=cmd|' /C calc'!A0")
    assert listed(billed, unplaced_receipts, day("2026-07-01")) == []
    places(billed, 3, "T2", "400.00", on="2026-07-10")
    assert [one["left"] for one in listed(billed, unplaced_receipts, day("2026-07-09"))] == ["500.00"]
    assert [one["left"] for one in listed(billed, unplaced_receipts, day("2026-07-10"))] == ["100.00"]


def test_missing_certificates_are_listed_with_the_days_they_are_waited_for(billed: Park) -> None:
    paid(billed)
    [one] = listed(billed, missing_certificates, day("2026-07-20"))
    assert (one["receipt"], one["kind"], one["amount"], one["waiting"]) == (
        "RG-000001", "RAS sur loyer", "145.00", 30,
    )  # fmt: skip
    assert listed(billed, missing_certificates, day("2026-06-19")) == []


def reports(park: Park) -> Iterator[Listed]:
    with reading(park.engine) as connection:
        for report in (aged_balance, unplaced_receipts, missing_certificates):
            yield report(connection, day("2026-12-31"))
        yield receipts_journal(connection, None, day("2026-12-31"))


def test_no_text_is_a_formula_and_numbers_are_numbers_in_spreadsheets(billed: Park) -> None:
    paid(billed)
    for found in reports(billed):
        book = openpyxl.load_workbook(io.BytesIO(written(billed, found, "xlsx")))
        [sheet] = book.worksheets
        cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
        assert cells
        assert not [cell for cell in cells if cell.data_type == "f"]
    with reading(billed.engine) as connection:
        content = written(billed, aged_balance(connection, day("2026-12-31")), "xlsx")
    row = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(content)).worksheets[0][2]]
    assert row == ["T1", '=HYPERLINK("x")', 0, 0, 0, 0, 6960, 6960, 0, 6960]
    with reading(billed.engine) as connection:
        table = written(billed, aged_balance(connection, day("2026-12-31")), "csv").decode()
    header, first, _ = csv.reader(io.StringIO(table))
    assert header == [
        "Locataire", "Raison sociale", "Factures ouvertes - Non échu", "Factures ouvertes - 0 à 30 jours",
        "Factures ouvertes - 31 à 60 jours", "Factures ouvertes - 61 à 90 jours",
        "Factures ouvertes - Plus de 90 jours", "Factures ouvertes - Total", "Avoirs et avances", "Solde",
    ]  # fmt: skip
    assert first[:2] == ["T1", '\'=HYPERLINK("x")']


def test_a_statement_in_every_format_says_the_same(billed: Park) -> None:
    paid(billed)
    operator = billed.settings.operator.party

    def piece(file_format: str) -> bytes:
        with reading(billed.engine) as connection:
            return b"".join(
                statement_pieces(connection, "T1", day("2026-07-01"), day("2026-08-31"), file_format, operator=operator)
            )

    told = json.loads(piece("json"))
    assert (told["opening"], told["debit"], told["credit"], told["closing"]) == (
        "0.00", "7960.00", "1000.00", "6960.00",
    )  # fmt: skip
    rows = list(csv.reader(io.StringIO(piece("csv").decode())))
    assert [row[-1] for row in rows[1:]] == ["0.00", "3480.00", "6960.00", "5960.00", "6960.00"]
    sheet = openpyxl.load_workbook(io.BytesIO(piece("xlsx"))).worksheets[0]
    assert [cell.value for cell in sheet["G"]][1:] == [0, 3480, 6960, 5960, 6960]
    assert sheet["A3"].is_date
    page = " ".join(text_of(piece("pdf")).split())
    assert "Relevé de compte" in page
    assert "Solde à régler 6 960,00 DH" in page
    assert piece("pdf") == piece("pdf")


def test_reports_on_paper_are_the_same_bytes_again_and_bear_their_sums(billed: Park) -> None:
    paid(billed)
    for _ in range(2):
        papers = [written(billed, found, "pdf") for found in reports(billed)]
    assert papers == [written(billed, found, "pdf") for found in reports(billed)]
    page = " ".join(text_of(papers[0]).split())
    assert "Balance âgée" in page
    assert "10 440,00 260,00 10 180,00" in page
    assert check(billed.engine) == []


def test_credit_notes_lower_the_statement_and_count_as_credit(billed: Park) -> None:
    credits_by_hand(billed, JUNE_T2, (1, 100_00), on="2026-09-05")
    assert stated(billed, "T2", "2026-09-01", "2026-09-30").endswith("Avoir, septembre 2026 = 5100.00")
    with reading(billed.engine) as connection:
        one = list(aged_accounts(connection, day("2026-09-30")))[1]
    assert format_amount(one.balance) == in_the_books(billed, "T2", "2026-09-30") == "5100.00"
