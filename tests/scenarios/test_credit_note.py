"""A lease ended early after it was billed (R13, R14, R16, R20, R21; W9); two months taken back at once (R11; W11)."""

from datetime import date
from types import SimpleNamespace
from typing import Any

from billing.check import check
from billing.documents.checks.credits import expected_vat
from billing.documents.checks.holdings import Holdings
from billing.frame.database import reading
from billing.receivables.open_items.open_items import open_items
from invoices.document import CREDIT_NOTE
from invoices.einvoice.cii import cii_xml
from invoices.reading import document_ids, load_documents
from invoices.rendering.sheet import sheet_of
from tests.support.park import Park, text

JULY = date(2026, 7, 1)
LARGE = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}


def casablanca(ends_on: str | None = None) -> dict[str, str | None]:
    return {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01", "ends_on": ends_on}


def test_w9_the_billed_month_is_credited_and_the_half_month_billed(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    park.enters(leases=[casablanca("2026-06-15")])
    report = park.bills("2026-07")

    assert park.issued("2026-06") == text("""
        FA-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
        """)
    assert park.issued("2026-07") == text("""
        AV-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
        FA-2026-000002 T1: net 1450.00, VAT 290.00, due 1740.00
          CAS L1 2026-06-01 to 2026-06-15 market 1450.00
        """)
    assert park.booked("VTE") == text("""
        2026-06-01 VTE/FA-2026-000001
          3421  T1                3480.00
          71243         CAS      -2900.00
          44551                   -580.00
        2026-07-01 VTE/FA-2026-000002
          3421  T1                1740.00
          71243         CAS      -1450.00
          44551                   -290.00
        2026-07-01 VTE/AV-2026-000001
          3421  T1               -3480.00
          71243         CAS       2900.00
          44551                    580.00
        """)
    with reading(park.engine) as connection:
        note, invoice = (
            sheet_of(issued).lines[0] for _, issued in load_documents(connection, document_ids(connection, JULY))
        )
    assert note.corrects == "Corrige FA-2026-000001 du 1er juin 2026, ligne 1 : jours 30/30 → 15/30"
    assert (
        invoice.corrects == "Remplace FA-2026-000001 du 1er juin 2026, crédité par AV-2026-000001 : jours 30/30 → 15/30"
    )
    # Contribution −300.00 + 150.00: June brought too much into the pool; July takes it back from the reserve.
    assert park.booked("PER") == text("""
        2026-06-01 PER/2026-06/T1
          9201  T1      CAS        300.00
          9205          CAS       -300.00
        2026-06-01 PER/2026-06:cascade/1
          9205          CAS        300.00
          9206          CAS       -300.00
          9206                     300.00
          9207                    -300.00
        2026-07-01 PER/2026-07/T1
          9205          CAS        150.00
          9202  T1      CAS       -150.00
        2026-07-01 PER/2026-07:cascade/1
          9207          CAS        150.00
          9205          CAS       -150.00
        """)
    assert report.cross_subsidy["reserve_after"] == "150.00"
    assert park.balances() == {
        "3421": "1740.00",
        "44551": "-290.00",
        "71243": "-1450.00",
        "9201": "300.00",
        "9202": "-150.00",
        "9207": "-150.00",
    }


def test_r13_lines_that_still_stand_are_left_alone(park: Park) -> None:
    other = {"code": "L2", "tenant": "T1", "site": "TNG", "area_m2": "10", "starts_on": "2024-01-01"}
    park.opens(tenants=[LARGE], leases=[casablanca(), other])
    park.bills("2026-06")
    park.enters(leases=[casablanca("2026-06-15")])
    park.bills("2026-07")

    assert park.issued("2026-07") == text("""
        AV-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
        FA-2026-000002 T1: net 2950.00, VAT 590.00, due 3540.00
          CAS L1 2026-06-01 to 2026-06-15 market 1450.00
          TNG L2 2026-07-01 to 2026-07-31 market 1500.00
        """)


def test_r13_what_was_corrected_twice_is_credited_to_the_invoice_that_billed_it_last(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    park.enters(leases=[casablanca("2026-06-15")])
    park.bills("2026-07")
    park.enters(leases=[casablanca()])
    park.bills("2026-08")
    # The end was a mistake: June's half is taken back, June is billed again, and July for the first time.
    assert park.issued("2026-08") == text("""
        AV-2026-000002 T1: net 1450.00, VAT 290.00, due 1740.00
          CAS L1 2026-06-01 to 2026-06-15 market 1450.00, corrects FA-2026-000002
        FA-2026-000003 T1: net 8700.00, VAT 1740.00, due 10440.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
          CAS L1 2026-08-01 to 2026-08-31 market 2900.00
        """)


def test_r13_a_lease_entered_under_the_wrong_tenant_is_credited_to_the_one_and_billed_to_the_other(park: Park) -> None:
    park.opens(tenants=[LARGE, {**LARGE, "code": "T2"}], leases=[casablanca()])
    park.bills("2026-06")
    park.enters(leases=[{**casablanca("2026-06-30"), "tenant": "T2"}])
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        AV-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
        FA-2026-000002 T2: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
        """)


def test_r6_r13_the_credit_of_a_moved_lease_waits_while_its_former_tenant_cannot_be_billed(park: Park) -> None:
    park.opens(tenants=[LARGE, {**LARGE, "code": "T2"}], leases=[casablanca()])
    park.bills("2026-06")
    parking = {"code": "PARKING", "label": "Parking", "unit": "each", "billing": "arrears", "revenue_account": "71278"}
    used = {"event_id": "E1", "tenant": "T1", "site": "CAS", "service": "PARKING", "occurred_on": "2026-06-02"}
    park.enters(services=[parking], usage=[used], leases=[{**casablanca(), "tenant": "T2"}])
    report = park.bills("2026-07")
    assert [tenant for tenant, _ in report.errors] == ["T1"]
    assert park.issued("2026-07") == text("""
        FA-2026-000002 T2: net 5800.00, VAT 1160.00, due 6960.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
        """)
    # June stands on two invoices; nothing is wrong with the books, and the next bill of T1 sets it right.
    assert check(park.engine) == []
    park.enters(
        rates=[{"site": "CAS", "service": "PARKING", "market": "10.00", "subsidised": "0", "full_cost": "8.00"}],
        vat_rates=[("PARKING", "2015-01-01", "0.20")],
    )
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        AV-2026-000001 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
        FA-2026-000002 T2: net 5800.00, VAT 1160.00, due 6960.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
        FA-2026-000003 T1: net 10.00, VAT 2.00, due 12.00
          CAS PARKING 2026-06 market 10.00
        """)
    assert check(park.engine) == []


def test_r12_a_lease_back_dated_before_the_first_run_is_billed_from_the_first_run_on(park: Park) -> None:
    park.opens(tenants=[LARGE])
    park.bills("2026-06")
    park.enters(leases=[casablanca()])
    park.bills("2026-07")
    assert park.issued("2026-06") == ""
    assert park.issued("2026-07") == text("""
        FA-2026-000001 T1: net 5800.00, VAT 1160.00, due 6960.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
        """)


def test_w11_a_note_that_takes_back_two_invoices_brings_both_to_nothing(park: Park) -> None:
    office = {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "22.5"}
    park.opens(
        tenants=[{"code": "T1", "incorporated_on": "2026-01-15"}], leases=[{**office, "starts_on": "2026-06-01"}]
    )
    park.bills("2026-06")
    park.bills("2026-07")
    park.enters(leases=[{**office, "starts_on": "2026-08-01"}])
    preview = park.preview("2026-08", date(2026, 8, 1))
    report = park.bills("2026-08")

    # 20 % of 2,174.86 is 434.97; each invoice bore 217.49.
    assert park.issued("2026-08") == text("""
        AV-2026-000001 T1: net 2174.86, VAT 434.98, due 2609.84
          CAS L1 2026-06-01 to 2026-06-30 subsidised 1087.43, corrects FA-2026-000001
          CAS L1 2026-07-01 to 2026-07-31 subsidised 1087.43, corrects FA-2026-000002
        FA-2026-000003 T1: net 1087.43, VAT 217.49, due 1304.92
          CAS L1 2026-08-01 to 2026-08-31 subsidised 1087.43
        """)
    assert (preview.invoices, preview.credit_notes) == (report.invoices, report.credit_notes)
    with reading(park.engine) as connection:
        assert [(item.number, item.open) for item in open_items(connection)] == [("FA-2026-000003", 130_492)]
    assert (park.balances()["3421"], park.balances()["44551"]) == ("1304.92", "-217.49")
    assert check(park.engine) == []
    # On paper and for machines, too: the figures of EN 16931 stand within what its rules allow.
    (note,) = [found for found in park.documents("2026-08") if found.kind == CREDIT_NOTE]
    assert b"434.98" in cii_xml(note)


def test_a_credit_note_issued_before_keeps_the_vat_of_the_sum_of_its_lines() -> None:
    """R11 as it was until edition 3; what follows counts the bases alone, so that no centime is passed on."""

    def row(**values: object) -> SimpleNamespace:
        return SimpleNamespace(corrects_document_id=None, vat_rate=2000, amount=108_743, **values)

    heads = [
        SimpleNamespace(id=key, kind=kind, period=period, edition=edition)
        for key, kind, period, edition in (
            (1, "invoice", "2026-06", 2), (2, "invoice", "2026-07", 2), (3, "credit_note", "2026-08", 2),
            (4, "invoice", "2026-08", 3), (5, "invoice", "2026-09", 3), (6, "credit_note", "2026-10", 3),
        )
    ]  # fmt: skip
    lines = {key: [row(document_id=key, line_no=1)] for key in (1, 2, 4, 5)}
    for note, invoices in ((3, (1, 2)), (6, (4, 5))):
        lines[note] = [row(document_id=note, line_no=place) for place in (1, 2)]
        for line, invoice in zip(lines[note], invoices, strict=True):
            line.corrects_document_id = invoice
    nothing: dict[Any, Any] = {}
    held = Holdings(
        documents=heads, lines=lines, vat=nothing, sales=nothing, events=nothing, outcomes=nothing, positions=nothing,
        shares=nothing, receivables=nothing, settled=nothing, set_apart=nothing, parts=nothing, withdrawals=nothing,
        reasons=nothing,
    )  # fmt: skip
    assert [expected_vat(held)[note][0].amount for note in (3, 6)] == [43_497, 43_498]
