"""Tenants' credit that bears VAT on receipt, from the day a setting says so (law.md section 3)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billing.audit.trail.following import follow
from billing.books.periods.closing import close_accounts_of, close_period, reopen_period
from billing.books.vat_return.files import vat_return_pieces
from billing.books.vat_return.paper import VatReturn, vat_return, vat_return_shape
from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.terms import Term, Terms
from ledger.journal import load_entry
from ledger.year_end import opening_reference
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park, text
from tests.support.spoiling import behind_its_back
from tests.support.till import (
    allocates,
    bounces,
    centimes,
    clears,
    closes,
    order,
    places,
    receives,
    refunds,
    taxing_advances,
)

# T1 rents and eats, T2 eats alone, T3 was never billed.
TENANTS: list[Row] = [{"code": code, "kind": "large", "incorporated_on": "2000-01-01"} for code in ("T1", "T2", "T3")]
LEASES: list[Row] = [{"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}]
USAGE: list[Row] = [
    {"event_id": f"E{n}", "tenant": f"T{n}", "site": "CAS", "service": "MEAL", "quantity": "10",
     "occurred_on": "2026-05-04"}
    for n in (1, 2)
]  # fmt: skip
OFFICE = "FA-2026-000001"


@pytest.fixture
def billed(park: Park) -> Park:
    """A park where advances bear VAT from 10 June on."""
    park.opens(tenants=TENANTS, leases=LEASES, usage=USAGE)
    park.settings = replace(park.settings, terms=taxing_advances(park.settings.terms, date(2026, 6, 10)))
    park.bills("2026-06")
    return park


def paper(park: Park, month: str) -> VatReturn:
    with reading(park.engine) as connection:
        return vat_return(connection, date.fromisoformat(f"{month}-01"), park.settings.terms)


def moved(park: Park, month: str) -> list[str]:
    found = paper(park, month)
    assert found.difference == 0
    return [f"{m.what} {m.piece} {m.rate} {format_amount(m.base)} {format_amount(m.vat)}" for m in found.movements]


def reopens(park: Park, month: str) -> None:
    with writing(park.engine) as connection:
        reopen_period(connection, date.fromisoformat(f"{month}-01"), "encaissement oublié", recorded_at=NOW)


def test_credit_is_declared_as_it_is_held_and_taken_back_as_it_settles_or_is_paid_back(billed: Park) -> None:
    before, held = receives(
        billed,
        order("600.00", reference="V1", on="2026-06-09", pays="none"),
        order("1200.00", reference="V2", on="2026-06-10", pays="none"),
    )
    june = paper(billed, "2026-06")
    assert (june.to_book, june.difference, billed.booked("OD")) == (20_000, 0, "")
    assert [(x.account, x.amount) for x in june.held] == [("4428", 60_000)]
    assert moved(billed, "2026-06") == ["Avance reçue RG-000002 2000 1000.00 200.00"]
    closes(billed, "2026-06")
    assert billed.booked("OD") == text(
        """
        2026-06-30 OD/AR-1
          34587 T1                 200.00
          4455                    -200.00
        """
    )
    assert (paper(billed, "2026-06").to_book, moved(billed, "2026-06")) == (
        0, ["Avance reçue RG-000002 2000 1000.00 200.00"]
    )  # fmt: skip
    # A half of it pays an invoice, at 20 % and 10 %; a tenth goes back. What was held before stays as it was.
    allocates(billed, held, {OFFICE: "600.00"}, on="2026-07-03")
    refunds(billed, "120.00", receipt=held, tenant="T1", on="2026-07-10")
    allocates(billed, before, {OFFICE: "600.00"}, on="2026-07-12")
    closes(billed, "2026-07")
    assert [line for line in moved(billed, "2026-07") if line.startswith("Avance")] == [
        "Avance reprise RG-000002 2000 -600.00 -120.00"
    ]
    receives(billed, order("9999.00", reference="V3", on="2026-08-02"))
    refunds(billed, receipt=held, tenant="T1", on="2026-08-03", reference="R2")
    closes(billed, "2026-08")
    declared = sum(paper(billed, f"2026-{month:02}").vat for month in (6, 7, 8))
    advance = centimes(billed.balances()["34587"])
    (invoice,) = (document for document in billed.documents("2026-06") if document.number == OFFICE)
    assert (declared - advance, check(billed.engine)) == (sum(vat.amount for vat in invoice.vat), [])


def test_the_rate_is_the_highest_of_what_the_tenant_was_billed_or_of_all(billed: Park) -> None:
    receives(
        billed,
        *(
            order("110.00", reference=f"V{n}", tenant=f"T{n}", on="2026-06-11", pays="none")
            for n in (1, 2, 3)
        ),
        order("500.00", reference="V4", tenant=None, pays="none"),
    )  # fmt: skip
    assert moved(billed, "2026-06") == [
        "Avance reçue RG-000001 2000 91.67 18.33",
        "Avance reçue RG-000003 2000 91.67 18.33",
        "Avance reçue RG-000002 1000 100.00 10.00",
    ]
    # Nobody's money is no advance; once it is a tenant's, it is one.
    assert [(x.account, x.amount) for x in paper(billed, "2026-06").held] == [("4497", 50_000)]
    places(billed, 4, "T1", on="2026-06-22")
    assert "Avance reçue RG-000004 2000 416.67 83.33" in moved(billed, "2026-06")
    # A tenant that was billed nothing but what bears no VAT owes none on its credit, which is shown below.
    billed.enters(vat_rates=[("MEAL", "2026-06-11", "0")])
    assert not [x for x in paper(billed, "2026-06").movements if x.tenant == "T2"]
    assert [(x.account, x.amount) for x in paper(billed, "2026-06").held] == [("4428", 11_000)]


def test_a_cheque_bears_vat_once_it_is_cleared_and_gives_it_back_when_it_bounces(billed: Park) -> None:
    (cheque,) = receives(billed, order("240.00", means="cheque", tenant="T1", pays="none"))
    assert moved(billed, "2026-06") == []
    clears(billed, cheque, on="2026-07-02")
    closes(billed, "2026-06", "2026-07")
    assert moved(billed, "2026-07") == ["Avance reçue RG-000001 2000 200.00 40.00"]
    bounces(billed, cheque, on="2026-07-03")
    closes(billed, "2026-08")
    assert moved(billed, "2026-08") == ["Avance reprise RG-000001 2000 -200.00 -40.00"]
    assert (billed.balances().get("34587"), check(billed.engine)) == (None, [])


def test_a_month_that_is_reopened_and_closed_again_books_the_difference(billed: Park) -> None:
    receives(billed, order("0.02", on="2026-06-20", pays="none"))
    closes(billed, "2026-06")
    receives(billed, order("0.02", reference="V2", on="2026-07-05", pays="none"))
    before = moved(billed, "2026-06"), moved(billed, "2026-07")
    closes(billed, "2026-07")
    reopens(billed, "2026-07")
    reopens(billed, "2026-06")
    receives(billed, order("300.00", reference="V3", on="2026-06-21", pays="none"))
    refunds(billed, receipt=1, tenant="T1", on="2026-06-22")
    assert moved(billed, "2026-06") == ["Avance reçue RG-000003 2000 250.00 50.00"]
    assert before == (["Avance reçue RG-000001 2000 0.02 0.00"], ["Avance reçue RG-000002 2000 0.02 0.00"])
    closes(billed, "2026-06")
    assert check(billed.engine) == []
    closes(billed, "2026-07")
    assert (moved(billed, "2026-07"), check(billed.engine)) == (["Avance reçue RG-000002 2000 0.02 0.00"], [])


def test_a_year_opens_with_the_vat_of_what_its_last_month_ends_with(billed: Park) -> None:
    receives(
        billed,
        order("120.00", on="2026-10-20", pays="none"),
        order("240.00", reference="V2", on="2026-11-20", pays="none"),
    )
    terms, later = billed.settings.terms, datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
    with writing(billed.engine) as connection:
        close_accounts_of(connection, 2026, today=later.date(), recorded_at=later, terms=terms)
        for month in range(6, 13):
            first = date(2026, month, 1)
            close_period(connection, first, today=later.date(), recorded_at=later, open_months_max=12, terms=terms)
        opening = load_entry(connection, opening_reference(connection, 2027) or "")
    assert opening is not None
    assert [posting.amount for posting in opening.postings if posting.account == "34587"] == [6_000]
    assert [moved(billed, month) for month in ("2026-10", "2026-11", "2026-12")] == [
        ["Avance reçue RG-000001 2000 100.00 20.00"], ["Avance reçue RG-000002 2000 200.00 40.00"], []
    ]  # fmt: skip
    assert check(billed.engine) == []


def test_what_came_while_the_setting_stood_is_declared_until_it_settles(billed: Park) -> None:
    receives(billed, order("120.00", on="2026-06-20", pays="none"))
    closes(billed, "2026-06")
    terms = billed.settings.terms
    name = "vat.advances_on_receipt"
    ended = (*terms.versions[name], Term(date(2026, 7, 1), False, "test"))
    billed.settings = replace(billed.settings, terms=Terms({**terms.versions, name: ended}))
    receives(billed, order("240.00", reference="V2", on="2026-07-02", pays="none"))
    assert (moved(billed, "2026-07"), [x.amount for x in paper(billed, "2026-07").held]) == ([], [24_000])


def test_an_advance_is_traced_to_its_receipt_and_printed_without_a_document(billed: Park) -> None:
    receives(billed, order("1200.00", on="2026-06-20", pays="none"))
    with reading(billed.engine) as connection:
        settings = billed.settings
        operator = settings.operator.party
        page = b"".join(vat_return_pieces(connection, date(2026, 6, 1), "pdf", operator=operator, terms=settings.terms))
    assert "TVA sur avances, que la clôture du mois portera au compte 4455 200,00" in text_of(page)
    told = vat_return_shape(paper(billed, "2026-06"))
    assert (told.to_book, told.movements[0].document) == ("200.00", None)
    closes(billed, "2026-06")
    with reading(billed.engine) as connection:
        trail = follow(connection, "OD/AR-1")
        assert [(step.kind, step.name) for step in trail.down] == [("receipt", "RG-000001")]
        assert "OD/AR-1" in [step.name for step in follow(connection, "RG-000001").up]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("UPDATE advance_vat SET vat = vat + 1", "entry OD/AR-1: account 34587 T1 moves by 200.00 instead of 200.01"),
        (
            "UPDATE advance_vat SET amount = 6000",
            "RG-000001 held 1200.00 of T1 on 2026-06-30, VAT is declared on 60.00",
        ),
        ("UPDATE advance_vat SET id = 2", "VAT on advances 2 follows 0: changes are missing"),
        ("DELETE FROM advance_vat", "entry OD/AR-1 books VAT on an advance that was not recorded"),
    ],
)
def test_check_finds_an_advance_that_was_tampered_with(billed: Park, spoil: str, problem: str) -> None:
    receives(billed, order("1200.00", on="2026-06-20", pays="none"))
    closes(billed, "2026-06")
    assert check(billed.engine) == []
    behind_its_back(billed.engine, spoil)
    assert any(problem in fault for fault in check(billed.engine)), check(billed.engine)
