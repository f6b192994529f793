"""E-invoices by the published rules of EN 16931, in both syntaxes: no error, no warning (tests/support/schematron)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from invoices.document import EDITION_TAGGED, Document, Party
from invoices.einvoice.cii import cii_xml
from invoices.einvoice.ubl import ubl_xml
from pricing.vat import EXEMPT, OUT_OF_SCOPE, SUSPENDED, vat_breakdown
from tests.support import documents
from tests.support.schematron import faults


def untaxed(treatment: str, *, lines: slice = slice(None)) -> Document:
    """An invoice some lines of which bear no VAT, or all."""
    of = documents.mature()
    untouched = {id(line) for line in of.lines} - {id(line) for line in of.lines[lines]}
    changed = tuple(
        line
        if id(line) in untouched
        else line._replace(
            priced=line.priced._replace(vat_rate=0, vat_treatment=treatment, vat_reason="Attestation n° 12")
        )
        for line in of.lines
    )
    vat = vat_breakdown((line.priced.vat_rate, line.priced.amount) for line in changed)
    tax = sum(one.amount for one in vat)
    return dataclasses.replace(of, lines=changed, vat=vat, tax=tax, gross=of.net + tax)


def nothing_to_pay() -> Document:
    of = documents.mature()
    free = of.lines[0]._replace(priced=of.lines[0].priced._replace(full_price=0, unit_price=0, amount=0, full_amount=0))
    return dataclasses.replace(of, lines=(free,), vat=vat_breakdown([(2000, 0)]), net=0, tax=0, gross=0, contribution=0)


def in_kind() -> Document:
    """What is free has a value in the market tier too (R37)."""
    of = nothing_to_pay()
    priced = documents.mature().lines[0].priced
    given = of.lines[0]._replace(priced=priced._replace(unit_price=0, amount=0))
    return dataclasses.replace(of, lines=(given,), advantage=priced.full_amount)


def known_by_name_alone() -> Document:
    of = documents.w1()
    bare = Party(code="T0001", legal_name="Sans papiers")
    return dataclasses.replace(of, buyer=bare, seller=dataclasses.replace(of.seller, rib="", phone=""))


EVERY: dict[str, Callable[[], Any]] = {
    make.__name__: make
    for make in (
        documents.w1, documents.subsidised_split_month, documents.newcomer, documents.mature, documents.credit_note,
        documents.credit_note_by_hand, documents.one_off, documents.long_invoice, documents.hostile,
        documents.named_in_other_scripts, documents.long_names, nothing_to_pay, in_kind, known_by_name_alone,
    )
} | {
    "exempt": lambda: untaxed(EXEMPT),
    "suspended": lambda: untaxed(SUSPENDED),
    "out_of_scope": lambda: untaxed(OUT_OF_SCOPE),
    "partly_exempt": lambda: untaxed(EXEMPT, lines=slice(1)),
    "partly_out_of_scope": lambda: untaxed(OUT_OF_SCOPE, lines=slice(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("write", [cii_xml, ubl_xml])
def test_every_kind_of_document_breaks_no_rule(name: str, write: Callable[[Document], bytes]) -> None:
    assert faults(write(EVERY[name]())) == []


def test_rules_are_run() -> None:
    wrong = cii_xml(documents.w1()).replace(b">3240.00<", b">3241.00<")
    assert any("BR-CO-15" in fault for fault in faults(wrong))
    assert any("BR-CO-15" in fault for fault in faults(ubl_xml(documents.w1()).replace(b">3240.00<", b">3241.00<")))


def _said(xml: bytes, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(xml).iter(f"{{*}}{name}")]


def test_a_line_says_the_quantity_of_the_paper_and_takes_off_the_days() -> None:
    # F8: 22.5 m² for 9 of 30 days at 50.00: 1,125.00 less 787.50.
    cii, ubl = cii_xml(documents.w1()), ubl_xml(documents.w1())
    assert _said(cii, "BilledQuantity") == _said(ubl, "InvoicedQuantity") == ["22.5", "22.5"]
    assert _said(cii, "Reason") == _said(ubl, "AllowanceChargeReason") == [
        "Prorata : 21/30 jours non facturés", "Prorata : 9/30 jours non facturés"
    ]  # fmt: skip
    assert "787.50" in _said(cii, "ActualAmount")
    assert "787.50" in _said(ubl, "Amount")
    old = dataclasses.replace(documents.w1(), edition=EDITION_TAGGED - 1)
    assert _said(cii_xml(old), "BilledQuantity") == ["202.5", "472.5"]


def test_both_syntaxes_say_reason_terms_contact_site_lease_and_exemption() -> None:
    for write in (cii_xml, ubl_xml):
        invoice = write(documents.w1()).decode()
        for told in ("60 jours", "+212 5 22 00 00 00", "facturation@parcs.example", "Technopark Tanger", ">L00007<"):
            assert told in invoice
        assert "Motif : Climatisation en panne du 3 au 9 juin" in write(documents.credit_note_by_hand()).decode()
        assert "Objet : Badge perdu, salle prolongée le 2 juillet" in write(documents.one_off()).decode()
        assert "Attestation n° 12" in write(untaxed(SUSPENDED)).decode()


def test_a_credit_note_in_ubl_is_one_and_names_its_invoices() -> None:
    root = etree.fromstring(ubl_xml(documents.credit_note()))
    assert etree.QName(root).localname == "CreditNote"
    assert _said(ubl_xml(documents.credit_note()), "CreditedQuantity")[0] == "20"
    referred = root.findall("{*}BillingReference/{*}InvoiceDocumentReference/{*}ID")
    assert [one.text for one in referred] == ["FA-2026-000004", "FA-2026-000009"]
    assert ubl_xml(documents.mature()) == ubl_xml(documents.mature())
