"""Writes an e-invoice in UN/CEFACT CII syntax: Factur-X, profile EN 16931, as it lies within the PDF."""

from datetime import date

from lxml import etree

from invoices.document import Document
from invoices.einvoice.model import (
    PROFILE,
    EDelivery,
    EInvoice,
    ELine,
    EParty,
    ETax,
    einvoice_of,
    text,
)
from pricing.money import format_amount, format_price, format_quantity

ATTACHMENT_NAME = "factur-x.xml"
# Codes of the standard's lists: an allowance for a discount (UNCL5189), a line's object (UNCL1153).
DISCOUNT, LINE_OBJECT = "95", "130"
_NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}


def cii_xml(document: Document) -> bytes:
    """Return the document as a Cross Industry Invoice, profile EN 16931; the same bytes every time."""
    invoice = einvoice_of(document)
    root = etree.Element(_name("rsm:CrossIndustryInvoice"), nsmap=_NAMESPACES)
    context = _add(root, "rsm:ExchangedDocumentContext")
    _add(_add(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", PROFILE)
    exchanged = _add(root, "rsm:ExchangedDocument")
    _add(exchanged, "ram:ID", document.number)
    _add(exchanged, "ram:TypeCode", invoice.type_code)
    _add_day(exchanged, "ram:IssueDateTime", document.issued_on)
    for note in invoice.notes:
        _add(_add(exchanged, "ram:IncludedNote"), "ram:Content", note)
    trade = _add(root, "rsm:SupplyChainTradeTransaction")
    for index, line in enumerate(invoice.lines, start=1):
        _add_line(trade, index, line)
    agreement = _add(trade, "ram:ApplicableHeaderTradeAgreement")
    _add_party(agreement, "ram:SellerTradeParty", invoice.seller)
    _add_party(agreement, "ram:BuyerTradeParty", invoice.buyer)
    _add_delivery(_add(trade, "ram:ApplicableHeaderTradeDelivery"), invoice.delivery)
    _add_settlement(trade, invoice)
    xml: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return xml


def _name(prefixed: str) -> str:
    prefix, local = prefixed.split(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _add(parent: etree._Element, name: str, content: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, _name(name), attributes)
    if content is not None:
        element.text = text(content)
    return element


def _add_day(parent: etree._Element, name: str, value: date, kind: str = "udt:DateTimeString") -> None:
    _add(_add(parent, name), kind, f"{value:%Y%m%d}", format="102")


def _add_period(parent: etree._Element, days: tuple[date, date] | None) -> None:
    if days is None:
        return
    period = _add(parent, "ram:BillingSpecifiedPeriod")
    _add_day(period, "ram:StartDateTime", days[0])
    _add_day(period, "ram:EndDateTime", days[1])


def _add_vat(parent: etree._Element, tax: ETax, *, is_subtotal: bool) -> None:
    """Add the VAT of a line, or with its base, amount and reason a document's."""
    element = _add(parent, "ram:ApplicableTradeTax")
    if is_subtotal:
        _add(element, "ram:CalculatedAmount", format_amount(tax.amount))
    _add(element, "ram:TypeCode", "VAT")
    if is_subtotal:
        if tax.reason:
            _add(element, "ram:ExemptionReason", tax.reason)
        _add(element, "ram:BasisAmount", format_amount(tax.base))
    _add(element, "ram:CategoryCode", tax.category)
    if tax.category != "O":
        _add(element, "ram:RateApplicablePercent", format_quantity(tax.rate * 10_000))


def _add_line(trade: etree._Element, index: int, line: ELine) -> None:
    item = _add(trade, "ram:IncludedSupplyChainTradeLineItem")
    head = _add(item, "ram:AssociatedDocumentLineDocument")
    _add(head, "ram:LineID", str(index))
    if line.note:
        _add(_add(head, "ram:IncludedNote"), "ram:Content", line.note)
    product = _add(item, "ram:SpecifiedTradeProduct")
    _add(product, "ram:Name", line.name)
    _add(product, "ram:Description", line.description)
    agreement = _add(item, "ram:SpecifiedLineTradeAgreement")
    base = format_quantity(line.base_quantity)
    gross = _add(agreement, "ram:GrossPriceProductTradePrice")
    _add(gross, "ram:ChargeAmount", format_price(line.full_price))
    _add(gross, "ram:BasisQuantity", base, unitCode=line.unit)
    if line.full_price != line.price:
        allowance = _add(gross, "ram:AppliedTradeAllowanceCharge")
        _add(_add(allowance, "ram:ChargeIndicator"), "udt:Indicator", "false")
        _add(allowance, "ram:ActualAmount", format_price(line.full_price - line.price))
    net = _add(agreement, "ram:NetPriceProductTradePrice")
    _add(net, "ram:ChargeAmount", format_price(line.price))
    _add(net, "ram:BasisQuantity", base, unitCode=line.unit)
    delivery = _add(item, "ram:SpecifiedLineTradeDelivery")
    _add(delivery, "ram:BilledQuantity", format_quantity(line.quantity), unitCode=line.unit)
    settlement = _add(item, "ram:SpecifiedLineTradeSettlement")
    _add_vat(settlement, line.tax, is_subtotal=False)
    _add_period(settlement, line.days)
    if line.allowance is not None:
        allowance = _add(settlement, "ram:SpecifiedTradeAllowanceCharge")
        _add(_add(allowance, "ram:ChargeIndicator"), "udt:Indicator", "false")
        _add(allowance, "ram:ActualAmount", format_amount(line.allowance.amount))
        _add(allowance, "ram:ReasonCode", DISCOUNT)
        _add(allowance, "ram:Reason", line.allowance.reason)
    summation = _add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _add(summation, "ram:LineTotalAmount", format_amount(line.amount))
    if line.lease:
        reference = _add(settlement, "ram:AdditionalReferencedDocument")
        _add(reference, "ram:IssuerAssignedID", line.lease)
        _add(reference, "ram:TypeCode", LINE_OBJECT)


def _add_party(agreement: etree._Element, name: str, of: EParty) -> None:
    party = of.party
    element = _add(agreement, name)
    if party.ice:
        _add(element, "ram:ID", party.ice)
    _add(element, "ram:Name", party.legal_name)
    if of.legal_information:
        _add(element, "ram:Description", of.legal_information)
    if party.trade_register:
        _add(_add(element, "ram:SpecifiedLegalOrganization"), "ram:ID", party.trade_register)
    if of.has_contact:
        contact = _add(element, "ram:DefinedTradeContact")
        _add(contact, "ram:PersonName", party.legal_name)
        if party.phone:
            _add(_add(contact, "ram:TelephoneUniversalCommunication"), "ram:CompleteNumber", party.phone)
        if of.email:
            _add(_add(contact, "ram:EmailURIUniversalCommunication"), "ram:URIID", of.email)
    address = _add(element, "ram:PostalTradeAddress")
    if party.address:
        _add(address, "ram:LineOne", party.address)
    if party.city:
        _add(address, "ram:CityName", party.city)
    _add(address, "ram:CountryID", party.country)
    if of.email:
        _add(_add(element, "ram:URIUniversalCommunication"), "ram:URIID", of.email, schemeID="EM")
    if of.vat_identifier:
        registration = _add(element, "ram:SpecifiedTaxRegistration")
        _add(registration, "ram:ID", of.vat_identifier, schemeID="VA")


def _add_delivery(element: etree._Element, delivery: EDelivery | None) -> None:
    """Add the site, or the last day [BG-13, BG-15, BT-72]; documents of earlier editions say neither."""
    if delivery is None:
        return
    if delivery.site:
        ship_to = _add(element, "ram:ShipToTradeParty")
        _add(ship_to, "ram:Name", delivery.site)
        _add(_add(ship_to, "ram:PostalTradeAddress"), "ram:CountryID", delivery.country)
    if delivery.day is not None:
        _add_day(_add(element, "ram:ActualDeliverySupplyChainEvent"), "ram:OccurrenceDateTime", delivery.day)


def _add_settlement(trade: etree._Element, invoice: EInvoice) -> None:
    """Add the means of payment, VAT by rate [BG-23], totals [BG-22], the invoices corrected [BG-3]."""
    document = invoice.document
    settlement = _add(trade, "ram:ApplicableHeaderTradeSettlement")
    _add(settlement, "ram:PaymentReference", document.payment_reference)
    _add(settlement, "ram:InvoiceCurrencyCode", document.currency)
    means = _add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
    _add(means, "ram:TypeCode", invoice.means)
    if invoice.account:
        _add(_add(means, "ram:PayeePartyCreditorFinancialAccount"), "ram:ProprietaryID", invoice.account)
    for tax in invoice.taxes:
        _add_vat(settlement, tax, is_subtotal=True)
    _add_period(settlement, invoice.days)
    terms = _add(settlement, "ram:SpecifiedTradePaymentTerms")
    if invoice.terms:
        _add(terms, "ram:Description", invoice.terms)
    _add_day(terms, "ram:DueDateDateTime", document.due_on)
    summation = _add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _add(summation, "ram:LineTotalAmount", format_amount(document.net))
    _add(summation, "ram:TaxBasisTotalAmount", format_amount(document.net))
    _add(summation, "ram:TaxTotalAmount", format_amount(document.tax), currencyID=document.currency)
    _add(summation, "ram:GrandTotalAmount", format_amount(document.gross))
    _add(summation, "ram:DuePayableAmount", format_amount(document.gross))
    for number, issued_on in invoice.corrects:
        reference = _add(settlement, "ram:InvoiceReferencedDocument")
        _add(reference, "ram:IssuerAssignedID", number)
        if issued_on is not None:
            _add_day(reference, "ram:FormattedIssueDateTime", issued_on, "qdt:DateTimeString")
