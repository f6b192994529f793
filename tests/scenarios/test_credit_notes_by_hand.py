"""Credit notes made by hand: part or whole of an invoice taken back, and what the next runs make of it (R13, R14)."""

from datetime import date

import pytest
from sqlalchemy import select

from billing.check import check
from billing.documents.credit_notes.queries import creditable_lines
from billing.frame.audit_log import Act, on_behalf
from billing.frame.database import reading
from billing.frame.errors import Refused
from invoices.document import Document
from invoices.errors import IssueDateGoesBack
from invoices.models import delivery
from invoices.reading import document_id, load_documents
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.credit_notes import credits_by_hand
from tests.support.networks import Row
from tests.support.park import Park, text, told

LARGE = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}


def casablanca(ends_on: str | None = None) -> dict[str, str | None]:
    return {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01", "ends_on": ends_on}


def document(park: Park, number: str) -> Document:
    with reading(park.engine) as connection:
        ((_, found),) = load_documents(connection, [document_id(connection, number)])
    return found


def left(park: Park, invoice: str) -> list[str]:
    with reading(park.engine) as connection:
        return [format_amount(found.left) for found in creditable_lines(connection, invoice)]


def test_a_part_of_a_line_is_credited_with_its_reason_and_booked_as_a_rebate(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    issued = credits_by_hand(park, "FA-2026-000001", (1, 50000))

    found = document(park, issued.number)
    assert told(found) == [
        "AV-2026-000001 T1: net 500.00, VAT 100.00, due 600.00",
        "  CAS OFFICE 2026-06 market 500.00, corrects FA-2026-000001",
    ]
    assert (found.period, found.reason) == (None, "Climatisation en panne du 3 au 9 juin")
    assert park.booked("VTE", "2026-06-02") == text("""
        2026-06-20 VTE/AV-2026-000001
          3421  T1                -600.00
          7129          CAS        500.00
          44551                    100.00
        """)
    assert left(park, "FA-2026-000001") == ["2400.00"]
    with reading(park.engine) as connection:
        queued = connection.execute(select(delivery.c.state).where(delivery.c.document_id == issued.id)).scalar_one()
    assert queued == "queued"
    assert check(park.engine) == []


def test_r14_it_is_no_document_of_the_run_and_takes_nothing_from_it(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    before = park.booked("PER")
    credits_by_hand(park, "FA-2026-000001", (1, 50000))
    credits_by_hand(park, "FA-2026-000001", (1, 1))
    assert [found.number for found in park.documents("2026-06")] == ["FA-2026-000001"]
    # R16, R18: who funded whom in June stays as it was.
    assert park.booked("PER") == before
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        FA-2026-000002 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
        """)
    assert check(park.engine) == []


def test_r13_what_was_credited_by_hand_is_not_billed_again_when_another_fact_changes(park: Park) -> None:
    other = {"code": "L2", "tenant": "T1", "site": "TNG", "area_m2": "10", "starts_on": "2024-01-01"}
    park.opens(tenants=[LARGE], leases=[casablanca(), other])
    park.bills("2026-06")
    credits_by_hand(park, "FA-2026-000001", (1, None))
    park.enters(leases=[{**other, "area_m2": "8"}])
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        AV-2026-000002 T1: net 1500.00, VAT 300.00, due 1800.00
          TNG L2 2026-06-01 to 2026-06-30 market 1500.00, corrects FA-2026-000001
        FA-2026-000002 T1: net 5300.00, VAT 1060.00, due 6360.00
          TNG L2 2026-06-01 to 2026-06-30 market 1200.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
          TNG L2 2026-07-01 to 2026-07-31 market 1200.00
        """)
    assert check(park.engine) == []


def test_r13_a_line_credited_in_part_by_hand_and_then_whole_by_a_run_is_not_credited_twice(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    credits_by_hand(park, "FA-2026-000001", (1, 50000))
    credits_by_hand(park, "FA-2026-000001", (1, 10000))
    park.enters(leases=[casablanca("2026-06-15")])
    preview = park.preview("2026-07", date(2026, 7, 1))
    report = park.bills("2026-07")
    # Nobody takes back what a person gave without saying so, before and after.
    assert preview.withdrawn == report.withdrawn == (("AV-2026-000001", "T1", 50000), ("AV-2026-000002", "T1", 10000))
    assert preview.lines()[-2:] == [
        f"  would take back {number}, given by hand to T1: {amount} MAD without VAT is billed again, since the line it "
        f"credits was wrong"
        for number, amount in (("AV-2026-000001", "500.00"), ("AV-2026-000002", "100.00"))
    ]
    (invoice,) = [found for found in park.exported_documents("2026-07") if found["kind"] == "invoice"]
    assert [(line["withdraws"], line["account"]) for line in invoice["lines"]] == [
        (None, "71243"), ("AV-2026-000001", "7129"), ("AV-2026-000002", "7129"),
    ]  # fmt: skip
    assert park.issued("2026-07") == text("""
        AV-2026-000003 T1: net 2900.00, VAT 580.00, due 3480.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
        FA-2026-000002 T1: net 2050.00, VAT 410.00, due 2460.00
          CAS L1 2026-06-01 to 2026-06-15 market 1450.00
          CAS OFFICE 2026-06 market 500.00
          CAS OFFICE 2026-06 market 100.00
        """)
    # Half of June is owed, and nothing else: 1,450.00 and VAT.
    assert park.balances()["3421"] == "1740.00"
    assert park.balances()["71243"] == "-1450.00"
    assert "7129" not in park.balances()
    # The waterfall is that of W9: the rebates never were a part of it.
    assert report.cross_subsidy["reserve_after"] == "150.00"
    assert left(park, "FA-2026-000001") == ["0.00"]
    assert left(park, "FA-2026-000002") == ["1450.00", "500.00", "100.00"]
    assert check(park.engine) == []
    # It is over: a later run finds nothing more to take back or to bill again.
    park.bills("2026-08")
    assert park.issued("2026-08") == ""
    assert check(park.engine) == []


def test_never_more_than_was_invoiced_less_what_was_credited(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    credits_by_hand(park, "FA-2026-000001", (1, 289999))
    with pytest.raises(Refused, match=r"'0\.02' is more than what line 1 was invoiced, less what was credited"):
        credits_by_hand(park, "FA-2026-000001", (1, 2))
    credits_by_hand(park, "FA-2026-000001", (1, 1))
    with pytest.raises(Refused, match="is credited in full already"):
        credits_by_hand(park, "FA-2026-000001")
    assert park.balances()["7129"] == "2900.00"
    assert "3421" not in park.balances()
    assert "44551" not in park.balances()
    assert check(park.engine) == []


def test_every_fault_of_an_order_is_told_at_once_and_nothing_is_written(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    with pytest.raises(Refused) as refused:
        credits_by_hand(park, "FA-2026-000001", (1, 0), (1, 5), (2, 5), reason=" ")
    assert [fault.column for fault in refused.value.faults] == ["reason", "lines", "lines", "lines"]
    credits_by_hand(park, "FA-2026-000001", (1, 100))
    with pytest.raises(Refused, match="is no invoice"):
        credits_by_hand(park, "AV-2026-000001", (1, 50))
    with pytest.raises(IssueDateGoesBack):
        credits_by_hand(park, "FA-2026-000001", (1, 100), on="2026-06-19")
    assert document(park, "AV-2026-000001").gross == 120
    assert check(park.engine) == []


def test_w7_an_invoice_credited_line_by_line_is_credited_to_the_centime(park: Park) -> None:
    # Three lines whose VAT rounds up each by itself: 3 × 6.67 is a centime more than 20.00.
    leases: list[Row] = [
        {
            "code": f"L{n}",
            "tenant": "T1",
            "site": "CAS",
            "unit": f"B{n}",
            "area_m2": "0.22986",
            "starts_on": "2024-01-01",
        }
        for n in (1, 2, 3)
    ]
    park.opens(tenants=[LARGE], leases=leases)
    park.bills("2026-06")
    assert park.balances()["3421"] == "119.99"
    taxes = [format_amount(credits_by_hand(park, "FA-2026-000001", (line, None)).tax) for line in (1, 2, 3)]
    assert taxes == ["6.67", "6.66", "6.67"]
    assert "3421" not in park.balances()
    assert "44551" not in park.balances()
    assert check(park.engine) == []


def test_who_gave_it_is_on_record(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[casablanca()])
    park.bills("2026-06")
    engine = on_behalf(park.engine, Act("amina", "cli", "credit-notes issue", "r1", "geste commercial"), lambda: NOW)
    park.engine = engine
    credits_by_hand(park, "FA-2026-000001", (1, 100))
    assert check(park.engine) == []
