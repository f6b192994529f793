"""Writes a document as EN 16931 XML, in UN/CEFACT CII syntax, for machines; people read the PDF.

Terms in brackets (BT, BG) are those of the standard. The incubation discount is the item price
discount [BT-147]: full price [BT-148] less discount is the price charged [BT-146] (R7). An office is
billed for some days of a month: its quantity is then area × days, and its price counts for as many as
the month has days [BT-149], so that the amount [BT-131] is exact (R9).
"""

import re
from datetime import date

from lxml import etree

from invoices import formats
from invoices.document import CREDIT_NOTE, INVOICE, Document, DocumentLine, Party
from pricing.money import format_amount, format_price, format_quantity
from pricing.period import month_period
from pricing.vat import OUT_OF_SCOPE, STANDARD

ATTACHMENT_NAME = "factur-x.xml"
PROFILE = "urn:cen.eu:en16931:2017"
TYPE_CODES = {INVOICE: "380", CREDIT_NOTE: "381"}
# Means of payment (UNCL4461): a transfer to the RIB, not defined, or set off against what is owed.
CREDIT_TRANSFER, NOT_DEFINED, SET_OFF = "30", "1", "97"
UNIT_CODES = {"m2_month": "MTK", "hour": "HUR", "each": "C62"}
DISCOUNT_REASON = "Remise pépinière"

_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": _RAM,
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document_xml(document: Document) -> bytes:
    """Return the document as a Cross Industry Invoice, profile EN 16931; the same bytes every time."""
    root = etree.Element(_name("rsm:CrossIndustryInvoice"), nsmap=_NAMESPACES)
    context = _add(root, "rsm:ExchangedDocumentContext")
    _add(_add(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", PROFILE)
    exchanged = _add(root, "rsm:ExchangedDocument")
    _add(exchanged, "ram:ID", document.number)
    _add(exchanged, "ram:TypeCode", TYPE_CODES[document.kind])
    _add_day(exchanged, "ram:IssueDateTime", document.issued_on)
    trade = _add(root, "rsm:SupplyChainTradeTransaction")
    is_taxable = any(line.priced.vat_treatment != OUT_OF_SCOPE for line in document.lines)
    for index, line in enumerate(document.lines, start=1):
        _add_line(trade, index, line, is_one_off=document.is_one_off, is_taxable=is_taxable)
    agreement = _add(trade, "ram:ApplicableHeaderTradeAgreement")
    _add_party(agreement, "ram:SellerTradeParty", document.seller, is_taxable=is_taxable)
    _add_party(agreement, "ram:BuyerTradeParty", document.buyer, is_taxable=is_taxable)
    _add(trade, "ram:ApplicableHeaderTradeDelivery")
    _add_settlement(trade, document, is_taxable=is_taxable)
    xml: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return xml


def _name(prefixed: str) -> str:
    prefix, local = prefixed.split(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, _name(name), attributes)
    if text is not None:
        element.text = _NOT_XML.sub("", text)
    return element


def _add_day(parent: etree._Element, name: str, value: date, kind: str = "udt:DateTimeString") -> None:
    _add(_add(parent, name), kind, f"{value:%Y%m%d}", format="102")


def _add_period(parent: etree._Element, first: date, last: date) -> None:
    period = _add(parent, "ram:BillingSpecifiedPeriod")
    _add_day(period, "ram:StartDateTime", first)
    _add_day(period, "ram:EndDateTime", last)


def _vat_category(rate: int, treatment: str, *, is_taxable: bool) -> str:
    """Return the category of a rate (UNCL5305) [BT-118, BT-151].

    The standard has none for suspended VAT: it is exempt, on an attestation. What is out of scope is O where the whole
    document is (BR-O-11), with no rate and no VAT identifier (BR-O-02, BR-O-05); beside others it is exempt.
    """
    if treatment == STANDARD:
        return "S" if rate else "Z"
    return "E" if is_taxable else "O"


def _add_vat(parent: etree._Element, category: str, rate: int, sums: tuple[int, int, str] | None = None) -> None:
    """Add the VAT of a line, or with its base, amount and reason a document's."""
    tax = _add(parent, "ram:ApplicableTradeTax")
    if sums is not None:
        _add(tax, "ram:CalculatedAmount", format_amount(sums[1]))
    _add(tax, "ram:TypeCode", "VAT")
    if sums is not None:
        if sums[2]:
            _add(tax, "ram:ExemptionReason", sums[2])
        _add(tax, "ram:BasisAmount", format_amount(sums[0]))
    _add(tax, "ram:CategoryCode", category)
    if category != "O":
        _add(tax, "ram:RateApplicablePercent", _percent(rate))


def _add_breakdown(settlement: etree._Element, document: Document, *, is_taxable: bool) -> None:
    """Add VAT once a category and rate [BG-23], with the reasons why none is charged [BT-120]."""
    sums: dict[tuple[str, int], tuple[int, int, str]] = {}
    for rate, treatment, reason, base, amount in document.treated_vat:
        key = _vat_category(rate, treatment, is_taxable=is_taxable), rate
        bases, amounts, reasons = sums.get(key, (0, 0, ""))
        mentions = " ; ".join(text for text in (reasons, formats.vat_mention(treatment, reason)) if text)
        sums[key] = bases + base, amounts + amount, mentions
    for (category, rate), of in sums.items():
        _add_vat(settlement, category, rate, of)


def _percent(rate: int) -> str:
    return format_quantity(rate * 10_000)


def _days_of(line: DocumentLine) -> tuple[date, date]:
    """Return the first and last day a line is for: its own, or those of its month [BT-134, BT-135]."""
    whole = month_period(line.priced.month)
    return line.priced.first_day or whole.start, line.priced.last_day or whole.last_day


def _add_line(trade: etree._Element, index: int, line: DocumentLine, *, is_one_off: bool, is_taxable: bool) -> None:
    """Add a line [BG-25]; a one-off invoice's is of no days."""
    priced = line.priced
    prorated = priced.days != priced.days_in_month
    unit = UNIT_CODES.get(line.unit_of_measure, "C62")
    item = _add(trade, "ram:IncludedSupplyChainTradeLineItem")
    head = _add(item, "ram:AssociatedDocumentLineDocument")
    _add(head, "ram:LineID", str(index))
    if note := _note(line, prorated):
        _add(_add(head, "ram:IncludedNote"), "ram:Content", note)
    product = _add(item, "ram:SpecifiedTradeProduct")
    _add(product, "ram:Name", line.service_label or priced.service)
    _add(product, "ram:Description", ", ".join(text for text in (line.site_name, line.office) if text))
    agreement = _add(item, "ram:SpecifiedLineTradeAgreement")
    base = str(priced.days_in_month) if prorated else "1"
    gross = _add(agreement, "ram:GrossPriceProductTradePrice")
    _add(gross, "ram:ChargeAmount", format_price(priced.full_price))
    _add(gross, "ram:BasisQuantity", base, unitCode=unit)
    if priced.full_price != priced.unit_price:
        allowance = _add(gross, "ram:AppliedTradeAllowanceCharge")
        _add(_add(allowance, "ram:ChargeIndicator"), "udt:Indicator", "false")
        _add(allowance, "ram:ActualAmount", format_price(priced.full_price - priced.unit_price))
    net = _add(agreement, "ram:NetPriceProductTradePrice")
    _add(net, "ram:ChargeAmount", format_price(priced.unit_price))
    _add(net, "ram:BasisQuantity", base, unitCode=unit)
    quantity = priced.quantity * priced.days if prorated else priced.quantity
    delivery = _add(item, "ram:SpecifiedLineTradeDelivery")
    _add(delivery, "ram:BilledQuantity", format_quantity(quantity), unitCode=unit)
    settlement = _add(item, "ram:SpecifiedLineTradeSettlement")
    _add_vat(settlement, _vat_category(priced.vat_rate, priced.vat_treatment, is_taxable=is_taxable), priced.vat_rate)
    if not is_one_off:
        _add_period(settlement, *_days_of(line))
    summation = _add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _add(summation, "ram:LineTotalAmount", format_amount(priced.amount))


def _note(line: DocumentLine, prorated: bool) -> str:
    """Explain what the figures don't show: proration, a reduced price, no VAT, what is taken back [BT-127]."""
    priced = line.priced
    texts = []
    if prorated:
        texts.append(f"{format_quantity(priced.quantity)} m² × {priced.days}/{priced.days_in_month} jours")
    if priced.full_price != priced.unit_price:
        texts.append(DISCOUNT_REASON)
    if line.corrects is not None:
        texts.append(f"Corrige la facture {line.corrects.number}, ligne {line.corrects.line_no}")
    if line.withdraws is not None:
        texts.append(f"Reprend l'avoir {line.withdraws.number}, ligne {line.withdraws.line_no}")
    if mention := formats.vat_mention(priced.vat_treatment, priced.vat_reason):
        texts.append(mention)
    return " ; ".join(texts)


def _add_party(agreement: etree._Element, name: str, party: Party, *, is_taxable: bool) -> None:
    """Add seller [BG-4] or buyer [BG-7]: ICE is the identifier, IF the tax number, RC the legal registration."""
    element = _add(agreement, name)
    if party.ice:
        _add(element, "ram:ID", party.ice)
    _add(element, "ram:Name", party.legal_name)
    if name == "ram:SellerTradeParty" and (description := _legal_information(party)):
        _add(element, "ram:Description", description)
    if party.trade_register:
        _add(_add(element, "ram:SpecifiedLegalOrganization"), "ram:ID", party.trade_register)
    address = _add(element, "ram:PostalTradeAddress")
    if party.address:
        _add(address, "ram:LineOne", party.address)
    if party.city:
        _add(address, "ram:CityName", party.city)
    _add(address, "ram:CountryID", party.country)
    if party.email:
        # Of several addresses the first: the standard knows one.
        first = re.split(r"\s*[;,]\s*", party.email.strip("; ,"))[0]
        _add(_add(element, "ram:URIUniversalCommunication"), "ram:URIID", first, schemeID="EM")
    if party.tax_id and is_taxable:
        registration = _add(element, "ram:SpecifiedTaxRegistration")
        _add(registration, "ram:ID", f"{party.country}{party.tax_id}", schemeID="VA")


def _legal_information(seller: Party) -> str:
    """Return legal form, capital and the registrations EN 16931 has no term for [BT-33]."""
    known = (
        (seller.legal_form, seller.legal_form),
        (seller.share_capital, f"capital {seller.share_capital} {formats.CURRENCY_SIGN}"),
        (seller.business_tax, f"TP {seller.business_tax}"),
        (seller.social_security, f"CNSS {seller.social_security}"),
    )
    return ", ".join(text for value, text in known if value)


def _add_settlement(trade: etree._Element, document: Document, *, is_taxable: bool) -> None:
    """Add the means of payment, VAT by rate [BG-23], totals [BG-22], the invoices corrected [BG-3]."""
    settlement = _add(trade, "ram:ApplicableHeaderTradeSettlement")
    _add(settlement, "ram:PaymentReference", document.payment_reference)
    _add(settlement, "ram:InvoiceCurrencyCode", document.currency)
    means = _add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
    by_transfer = document.kind == INVOICE and document.seller.rib
    otherwise = SET_OFF if document.kind == CREDIT_NOTE else NOT_DEFINED
    _add(means, "ram:TypeCode", CREDIT_TRANSFER if by_transfer else otherwise)
    if by_transfer:
        _add(_add(means, "ram:PayeePartyCreditorFinancialAccount"), "ram:ProprietaryID", document.seller.rib)
    _add_breakdown(settlement, document, is_taxable=is_taxable)
    if not document.is_one_off:
        days = [_days_of(line) for line in document.lines]
        _add_period(settlement, min(first for first, _ in days), max(last for _, last in days))
    _add_day(_add(settlement, "ram:SpecifiedTradePaymentTerms"), "ram:DueDateDateTime", document.due_on)
    summation = _add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _add(summation, "ram:LineTotalAmount", format_amount(document.net))
    _add(summation, "ram:TaxBasisTotalAmount", format_amount(document.net))
    _add(summation, "ram:TaxTotalAmount", format_amount(document.tax), currencyID=document.currency)
    _add(summation, "ram:GrandTotalAmount", format_amount(document.gross))
    _add(summation, "ram:DuePayableAmount", format_amount(document.gross))
    for number, issued_on in sorted(_corrected(document).items()):
        reference = _add(settlement, "ram:InvoiceReferencedDocument")
        _add(reference, "ram:IssuerAssignedID", number)
        if issued_on is not None:
            _add_day(reference, "ram:FormattedIssueDateTime", issued_on, "qdt:DateTimeString")


def _corrected(document: Document) -> dict[str, date | None]:
    """Return the invoices a credit note corrects, with their dates where known [BT-25, BT-26]."""
    return {line.corrects.number: line.corrects.issued_on for line in document.lines if line.corrects is not None}
