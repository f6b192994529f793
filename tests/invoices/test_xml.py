"""The EN 16931 XML of a document: what it says, and that it adds up as the standard asks (BR-CO rules)."""

import dataclasses
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from lxml import etree

from invoices.document import EDITION_NUMBERED, Document
from invoices.einvoice.cii import cii_xml
from tests.support import documents

NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}
EVERY = [
    documents.w1, documents.subsidised_split_month, documents.newcomer, documents.mature, documents.credit_note,
    documents.one_off, documents.long_invoice, documents.hostile, documents.named_in_other_scripts,
]  # fmt: skip


def _root(document: Document) -> Any:
    return etree.fromstring(cii_xml(document))


def _texts(root: Any, path: str) -> list[str]:
    return [element.text or "" for element in root.xpath(path, namespaces=NAMESPACES)]


def _text(root: Any, path: str) -> str:
    (text,) = _texts(root, path)
    return text


def _number(root: Any, path: str) -> Decimal:
    return Decimal(_text(root, path))


SETTLEMENT = "//ram:ApplicableHeaderTradeSettlement"
SUMS = f"{SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"


def test_each_edition_keeps_its_payment_reference() -> None:
    # B9: what was issued before invoices bore a structured reference is said to a machine as it was then.
    first = _root(dataclasses.replace(documents.w1(), edition=EDITION_NUMBERED))
    assert _text(first, f"{SETTLEMENT}/ram:PaymentReference") == "FA-2026-000012"
    credited = _root(documents.credit_note())
    assert _text(credited, f"{SETTLEMENT}/ram:PaymentReference") == documents.credit_note().number


def test_w1_is_said_to_a_machine_as_it_is_to_a_reader() -> None:
    root = _root(documents.w1())
    assert _text(root, "//rsm:ExchangedDocument/ram:ID") == "FA-2026-000012"
    assert _text(root, "//rsm:ExchangedDocument/ram:TypeCode") == "380"
    assert _text(root, "//rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString[@format='102']") == "20260901"
    assert _text(root, "//ram:DueDateDateTime/udt:DateTimeString") == "20261031"
    assert _text(root, f"{SETTLEMENT}/ram:InvoiceCurrencyCode") == "MAD"
    assert _text(root, f"{SETTLEMENT}/ram:PaymentReference") == "RF21FA2026000012"
    assert _text(root, "//ram:PayeePartyCreditorFinancialAccount/ram:ProprietaryID") == documents.SELLER.rib
    assert _number(root, f"{SUMS}/ram:TaxBasisTotalAmount") == Decimal("2700.00")
    assert _number(root, f"{SUMS}/ram:TaxTotalAmount[@currencyID='MAD']") == Decimal("540.00")
    assert _number(root, f"{SUMS}/ram:GrandTotalAmount") == Decimal("3240.00")
    assert _number(root, f"{SUMS}/ram:DuePayableAmount") == Decimal("3240.00")
    first = "//ram:IncludedSupplyChainTradeLineItem[1]"
    assert _text(root, f"{first}//ram:GrossPriceProductTradePrice/ram:ChargeAmount") == "150.00"
    assert _text(root, f"{first}//ram:AppliedTradeAllowanceCharge/ram:ActualAmount") == "100.00"
    assert _text(root, f"{first}//ram:SpecifiedTradeAllowanceCharge/ram:ActualAmount") == "787.50"
    assert _text(root, f"{first}//ram:NetPriceProductTradePrice/ram:ChargeAmount") == "50.00"
    assert _text(root, f"{first}//ram:NetPriceProductTradePrice/ram:BasisQuantity[@unitCode='MTK']") == "1"
    assert _text(root, f"{first}//ram:BilledQuantity[@unitCode='MTK']") == "22.5"
    assert _text(root, f"{first}//ram:BillingSpecifiedPeriod/ram:EndDateTime/udt:DateTimeString") == "20260909"
    # No discount, no allowance: the second line is charged the full price.
    assert len(root.xpath("//ram:AppliedTradeAllowanceCharge", namespaces=NAMESPACES)) == 1


def test_both_parties_bear_their_identifiers() -> None:
    root = _root(documents.w1())
    for party, of in ((documents.SELLER, "Seller"), (documents.STARTUP, "Buyer")):
        path = f"//ram:{of}TradeParty"
        assert _text(root, f"{path}/ram:ID") == party.ice
        assert _text(root, f"{path}/ram:Name") == party.legal_name
        assert _text(root, f"{path}/ram:SpecifiedLegalOrganization/ram:ID") == party.trade_register
        assert _text(root, f"{path}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']") == f"MA{party.tax_id}"
        assert _text(root, f"{path}/ram:PostalTradeAddress/ram:CountryID") == "MA"
    assert (
        _text(root, "//ram:SellerTradeParty/ram:Description") == "SA, capital 46000000.00 DH, TP 34567890, CNSS 7654321"
    )


def test_a_credit_note_names_the_invoices_it_corrects_with_their_dates_where_known() -> None:
    root = _root(documents.credit_note())
    assert _text(root, "//rsm:ExchangedDocument/ram:TypeCode") == "381"
    assert _texts(root, "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == ["FA-2026-000004", "FA-2026-000009"]
    assert _texts(root, "//ram:InvoiceReferencedDocument/ram:FormattedIssueDateTime/qdt:DateTimeString") == ["20260601"]
    assert _number(root, f"{SUMS}/ram:GrandTotalAmount") > 0


def test_a_transfer_is_asked_for_only_where_there_is_a_rib_and_something_to_pay() -> None:
    # BR-61: a transfer needs an account. A credit note is set off against what is owed.
    means = "//ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode"
    invoice = documents.w1()
    without = dataclasses.replace(invoice, seller=dataclasses.replace(invoice.seller, rib=""))
    for document, code, accounts in ((invoice, "30", 1), (without, "1", 0), (documents.credit_note(), "97", 0)):
        root = _root(document)
        assert _text(root, means) == code
        assert len(_texts(root, "//ram:PayeePartyCreditorFinancialAccount/ram:ProprietaryID")) == accounts


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
def test_every_document_adds_up_as_the_standard_asks(make: Any) -> None:
    document = make()
    root = _root(document)
    lines = root.xpath("//ram:IncludedSupplyChainTradeLineItem", namespaces=NAMESPACES)
    assert len(lines) == len(document.lines)
    net = Decimal(0)
    for line in lines:
        quantity = _number(line, ".//ram:BilledQuantity")
        price = _number(line, ".//ram:NetPriceProductTradePrice/ram:ChargeAmount")
        base = _number(line, ".//ram:NetPriceProductTradePrice/ram:BasisQuantity")
        amount = _number(line, ".//ram:LineTotalAmount")
        off = sum(map(Decimal, _texts(line, ".//ram:SpecifiedTradeAllowanceCharge/ram:ActualAmount")))
        # The line explains itself: quantity × price ÷ base quantity, rounded once (R1), less the days not billed (R9).
        assert (quantity * price / base).quantize(Decimal("0.01"), ROUND_HALF_UP) - off == amount
        gross = _number(line, ".//ram:GrossPriceProductTradePrice/ram:ChargeAmount")
        discount = _texts(line, ".//ram:AppliedTradeAllowanceCharge/ram:ActualAmount")
        assert price == gross - sum(map(Decimal, discount))
        net += amount
    tax = Decimal(0)
    for subtotal in root.xpath(f"{SETTLEMENT}/ram:ApplicableTradeTax", namespaces=NAMESPACES):
        rate, basis = _number(subtotal, "ram:RateApplicablePercent"), _number(subtotal, "ram:BasisAmount")
        calculated = _number(subtotal, "ram:CalculatedAmount")
        assert (basis * rate / 100).quantize(Decimal("0.01"), ROUND_HALF_UP) == calculated
        tax += calculated
    assert _number(root, f"{SUMS}/ram:LineTotalAmount") == net
    assert _number(root, f"{SUMS}/ram:TaxTotalAmount") == tax
    assert _number(root, f"{SUMS}/ram:GrandTotalAmount") == net + tax


def test_a_one_off_invoice_names_what_is_billed_and_no_days() -> None:
    root = _root(documents.one_off())
    assert _texts(root, "//ram:SpecifiedTradeProduct/ram:Name")[0] == "Badge perdu ; n° 117"
    units = root.xpath("//ram:BilledQuantity/@unitCode", namespaces=NAMESPACES)
    assert (units, _texts(root, "//ram:BillingSpecifiedPeriod")) == (["C62", "HUR"], [])


def test_what_xml_cannot_hold_is_left_out_and_markup_stays_text() -> None:
    root = _root(documents.hostile())
    assert _text(root, "//ram:BuyerTradeParty/ram:Name") == '<img src="file:///etc/passwd">'
    assert _text(root, "//ram:BuyerTradeParty//ram:CityName") == "Ta\u202enger[31m"


def test_the_same_document_gives_the_same_bytes() -> None:
    assert cii_xml(documents.mature()) == cii_xml(documents.mature())
