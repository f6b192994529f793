"""Why no VAT is charged, where none is: from the register to paper, XML, return and bundle (CGI art. 145-III-6°)."""

import json
import re
from datetime import date
from typing import Any

import pytest
from lxml import etree

from billing.audit.bundle import register
from billing.books.vat_return.files import vat_return_pieces
from billing.books.vat_return.paper import vat_return, vat_return_shape
from billing.check import check
from billing.documents.explanation.explaining import explain
from billing.documents.export import pieces
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.receivables.reports.open_documents import vat_not_due
from billing.register.catalogue import load_vat_book
from billing.register.network_import import import_folder
from invoices.document import Document
from invoices.einvoice.cii import cii_xml
from invoices.rendering.pdf import render_pdf
from tests.oracle.service import NOW
from tests.support.credit_notes import credits_by_hand
from tests.support.networks import COLUMNS, Row, write_network
from tests.support.one_off import bills_by_hand
from tests.support.pages import text_of
from tests.support.park import Park
from tests.support.till import order, receives

LARGE: Row = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
LEASE: Row = {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}
USAGE: list[Row] = [
    {"event_id": "E1", "tenant": "T1", "site": "CAS", "service": "MEAL", "quantity": "10", "occurred_on": "2026-05-04"},
    {
        "event_id": "E2", "tenant": "T1", "site": "CAS", "service": "MEETING", "quantity": "2",
        "occurred_on": "2026-05-05",
    },
]  # fmt: skip
HEADER = "service,effective_from,rate,treatment,reason"
EXEMPT = "article 91-I-A du CGI"
SUSPENDED = "attestation n° 4512/2026 du 12/01/2026, article 94 du CGI"
BARE = "locaux nus, sans option (article 90-4° du CGI)"
OFFICE, MEAL, MEETING = (
    f'OFFICE,2015-01-01,0,out_of_scope,"{BARE}"',
    f"MEAL,2015-01-01,0,exempt,{EXEMPT}",
    f'MEETING,2015-01-01,0,suspended,"{SUSPENDED}"',
)


def rates(*rows: str) -> Any:
    """The whole file: other tests have the three columns that must be there."""
    return "\n".join((HEADER, *rows)) + "\n"


def opened(park: Park, *rows: str) -> None:
    park.opens(vat_rates=rates(*rows), tenants=[LARGE], leases=[LEASE], usage=USAGE)
    park.bills("2026-06")


def first(park: Park) -> Document:
    return park.documents("2026-06")[0]


def printed(document: Document) -> str:
    return text_of(render_pdf(document))


def breakdown(document: Document) -> list[tuple[str | None, ...]]:
    """The VAT of the XML: category, rate, base, reason."""
    root: Any = etree.fromstring(cii_xml(document))
    spaces = {k: v for k, v in root.nsmap.items() if k}
    names = ("CategoryCode", "RateApplicablePercent", "BasisAmount", "ExemptionReason")
    taxes = root.xpath("//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax", namespaces=spaces)
    return [tuple(tax.findtext(f"ram:{name}", namespaces=spaces) for name in names) for tax in taxes]


def test_three_treatments_on_one_invoice_stay_apart_on_paper_in_json_and_the_return(park: Park) -> None:
    opened(park, OFFICE, MEAL, MEETING)
    document = first(park)
    assert [(v.rate, v.base, v.amount) for v in document.vat] == [(0, 366_000, 0)]
    assert [(v.treatment, v.reason, v.base) for v in document.treated_vat] == [
        ("exempt", EXEMPT, 36_000), ("out_of_scope", BARE, 290_000), ("suspended", SUSPENDED, 40_000),
    ]  # fmt: skip
    page = " ".join(printed(document).split())
    for mention in (
        f"Exonéré de TVA — {EXEMPT}", f"Hors champ de la TVA — {BARE}", f"TVA en suspension — {SUSPENDED}",
    ):  # fmt: skip
        assert mention in page
    assert "%" not in page
    with reading(park.engine) as connection:
        (told,) = json.loads(b"".join(pieces(connection, date(2026, 6, 1), "json")))
        csv = b"".join(pieces(connection, date(2026, 6, 1), "csv")).decode()
    assert told["vat"] == [
        {"rate": "0.00", "base": "360.00", "amount": "0.00", "treatment": "exempt", "reason": EXEMPT},
        {"rate": "0.00", "base": "2900.00", "amount": "0.00", "treatment": "out_of_scope", "reason": BARE},
        {"rate": "0.00", "base": "400.00", "amount": "0.00", "treatment": "suspended", "reason": SUSPENDED},
    ]
    assert {line["service"]: (line["vat_treatment"], line["vat_reason"]) for line in told["lines"]} == {
        "OFFICE": ("out_of_scope", BARE), "MEAL": ("exempt", EXEMPT), "MEETING": ("suspended", SUSPENDED),
    }  # fmt: skip
    assert SUSPENDED in csv
    receives(park, order("1830.00"))
    with reading(park.engine) as connection:
        paper = vat_return(connection, date(2026, 6, 1), park.settings.terms)
        shown = vat_return_shape(paper)
        operator, terms = park.settings.operator.party, park.settings.terms
        page = text_of(b"".join(vat_return_pieces(connection, date(2026, 6, 1), "pdf", operator=operator, terms=terms)))
        vat = b"".join(register.vat_pieces(connection, 2026, "csv")).decode()
        waiting = list(vat_not_due(connection, date(2026, 6, 30)).lines)
    # Half of each is paid, half waits.
    assert waiting == [
        (0, "Exonéré", 1, 18_000, 0), (0, "Hors\xa0champ", 1, 145_000, 0), (0, "Suspension", 1, 20_000, 0),
    ]  # fmt: skip
    assert [(x.treatment, x.base, x.vat) for x in shown.lines] == [
        ("exempt", "180.00", "0.00"), ("out_of_scope", "1450.00", "0.00"), ("suspended", "200.00", "0.00"),
    ]  # fmt: skip
    assert "Exonéré de TVA" in page
    assert f"Exonéré de TVA — {EXEMPT}" in vat
    assert check(park.engine) == []


def test_the_xml_names_category_and_reason(park: Park) -> None:
    opened(park, "OFFICE,2015-01-01,0.20,,", MEAL, MEETING)
    # BR-E-01: one breakdown a category; each line says its own reason.
    assert breakdown(first(park)) == [
        ("E", "0", "760.00", f"Exonéré de TVA — {EXEMPT} ; TVA en suspension — {SUSPENDED}"),
        ("S", "20", "2900.00", None),
    ]
    assert f"<ram:Content>Exonéré de TVA — {EXEMPT}</ram:Content>" in cii_xml(first(park)).decode()


def test_what_is_wholly_out_of_scope_has_neither_rate_nor_vat_identifier(park: Park) -> None:
    park.opens(vat_rates=rates(OFFICE), tenants=[LARGE], leases=[LEASE])
    park.bills("2026-06")
    assert breakdown(first(park)) == [("O", None, "2900.00", f"Hors champ de la TVA — {BARE}")]
    assert "SpecifiedTaxRegistration" not in cii_xml(first(park)).decode()


def test_out_of_scope_beside_what_is_taxed_is_said_to_be_exempt(park: Park) -> None:
    # BR-O-11: nothing else stands beside category O.
    opened(park, OFFICE, "MEAL,2015-01-01,0.10,,", "MEETING,2015-01-01,0.20,,")
    assert [row[:2] for row in breakdown(first(park))] == [("E", "0"), ("S", "10"), ("S", "20")]
    assert [v.treatment for v in first(park).treated_vat] == ["out_of_scope", "standard", "standard"]


def test_a_rate_of_0_that_says_no_reason_stays_as_it_was_and_is_warned_of(park: Park) -> None:
    write_network(park.folder, vat_rates=rates("OFFICE,2015-01-01,0,,", "MEAL,2015-01-01,0.10,,"))
    report = import_folder(park.engine, park.folder, now=NOW, dry_run=True)
    (warning,) = (w for w in report.warnings if w.column == "rate")
    assert (warning.file, warning.line, warning.value) == ("vat_rates.csv", 2, "0")
    assert "without a treatment" in warning.problem
    opened(park, "OFFICE,2015-01-01,0,,", "MEAL,2015-01-01,0.10,,", "MEETING,2015-01-01,0.20,,")
    assert breakdown(first(park))[0] == ("Z", "0", "2900.00", None)
    assert re.search(r"\b0\s%", printed(first(park)))


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ("OFFICE,2015-01-01,0.20,exempt,article 91", "treatment", "is no treatment of the rate 0.20"),
        ("OFFICE,2015-01-01,0,exempt,", "reason", "is blank"),
        ("OFFICE,2015-01-01,0,out_of_scope,", "reason", "is blank"),
        ("OFFICE,2015-01-01,0,suspended,article 94", "reason", "does not name the attestation's number and day"),
        ("OFFICE,2015-01-01,0.20,,article 91", "reason", "is the reason of no treatment"),
        ("OFFICE,2015-01-01,0,free,article 91", "treatment", "is not known"),
    ],
)
def test_a_treatment_that_says_too_little_is_refused(park: Park, row: str, column: str, problem: str) -> None:
    write_network(park.folder, vat_rates=rates(row))
    with pytest.raises(Refused) as refused:
        import_folder(park.engine, park.folder, now=NOW)
    (fault,) = refused.value.faults
    assert (fault.file, fault.line, fault.column, fault.problem) == ("vat_rates.csv", 2, column, problem)


def test_the_columns_may_be_missing(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[LEASE])
    commas = "service,rate,effective_from\nOFFICE,0.20,2015-01-01\n"
    french = "service;rate;effective_from\nOFFICE;0,2;01/01/2015\n"
    for content in (commas, french):
        write_network(park.folder, **{**dict.fromkeys(COLUMNS), "vat_rates": content})
        report = import_folder(park.engine, park.folder, now=NOW)
        assert report.changes == ()


def test_a_file_that_knows_no_treatment_leaves_it_as_it_stands(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[LEASE], vat_rates=rates(OFFICE))
    for content in ("service,effective_from,rate\nOFFICE,2015-01-01,0\n", rates("OFFICE,2015-01-01,0,,")):
        write_network(park.folder, **{**dict.fromkeys(COLUMNS), "vat_rates": content})
        assert import_folder(park.engine, park.folder, now=NOW).changes == ()
    park.enters(vat_rates=rates("OFFICE,2015-01-01,0.20,,"))
    park.bills("2026-06")
    assert [(v.rate, v.treatment) for v in first(park).treated_vat] == [(2000, "standard")]
    park.enters(vat_rates=rates(OFFICE))
    park.enters(vat_rates=rates("OFFICE,2015-01-01,0,standard,"))
    with reading(park.engine) as connection:
        assert load_vat_book(connection).at("OFFICE", date(2026, 6, 1)).treatment == "standard"
    assert check(park.engine) == []


def test_r13_a_treatment_that_is_entered_late_is_repaired_and_the_credit_note_keeps_what_was_said(park: Park) -> None:
    opened(park, "OFFICE,2015-01-01,0,,", "MEAL,2015-01-01,0.10,,", "MEETING,2015-01-01,0.20,,")
    park.enters(vat_rates=rates(f"OFFICE,2015-01-01,0,exempt,{EXEMPT}"))
    park.bills("2026-07")
    invoice, note = sorted(park.documents("2026-07"), key=lambda document: document.kind, reverse=True)
    assert [(v.treatment, v.base) for v in note.treated_vat] == [("standard", 290_000)]
    assert [(v.treatment, v.base) for v in invoice.treated_vat] == [("exempt", 580_000)]
    # From here on nothing has changed.
    park.enters(vat_rates=rates(f"OFFICE,2015-01-01,0,exempt,{EXEMPT}"))
    assert len(park.bills("2026-08").errors) == 0
    assert [document.kind for document in park.documents("2026-08")] == ["invoice"]
    assert check(park.engine) == []


def test_invoices_and_credit_notes_by_hand_keep_the_treatment(park: Park) -> None:
    opened(park, OFFICE, MEAL, MEETING)
    issued = bills_by_hand(park, "MEETING;Salle du conseil;3;200.00")
    assert [line.priced.vat_reason for line in issued.draft.lines] == [SUSPENDED]
    with reading(park.engine) as connection:
        (line,) = explain(connection, issued.number).lines
    assert f"TVA en suspension — {SUSPENDED}" in line.why
    credits_by_hand(park, issued.number)
    assert check(park.engine) == []
