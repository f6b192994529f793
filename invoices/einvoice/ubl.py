"""Writes an e-invoice in UBL 2.1 syntax, the other one of EN 16931, as networks like Peppol carry it.

What Peppol asks beyond the standard is an address of its network for both parties, which Moroccan identifiers have no
scheme for: the customization named is the standard's own.
"""

from datetime import date

from lxml import etree

from invoices.document import CREDIT_NOTE, Document
from invoices.einvoice.cii import DISCOUNT, LINE_OBJECT
from invoices.einvoice.model import PROFILE, EDelivery, EInvoice, ELine, EParty, ETax, einvoice_of, text
from pricing.money import format_amount, format_price, format_quantity

_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_ROOTS = {name: f"urn:oasis:names:specification:ubl:schema:xsd:{name}-2" for name in ("Invoice", "CreditNote")}


def ubl_xml(document: Document) -> bytes:
    """Return the document as a UBL Invoice or CreditNote that conforms to EN 16931; the same bytes every time."""
    root = _Writer(einvoice_of(document)).written()
    xml: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return xml


def _add(parent: etree._Element, name: str, content: str | None = None, **attributes: str) -> etree._Element:
    """Add an element: one with content is a basic one, one without an aggregate."""
    space = _CAC if content is None else _CBC
    element = etree.SubElement(parent, f"{{{space}}}{name}", attributes)
    if content is not None:
        element.text = text(content)
    return element


def _add_period(parent: etree._Element, days: tuple[date, date] | None) -> None:
    if days is not None:
        period = _add(parent, "InvoicePeriod")
        _add(period, "StartDate", days[0].isoformat())
        _add(period, "EndDate", days[1].isoformat())


class _Writer:
    """Writes one e-invoice, whose currency every amount bears."""

    def __init__(self, invoice: EInvoice) -> None:
        self._invoice = invoice
        self._document = invoice.document
        self._is_credit = invoice.document.kind == CREDIT_NOTE

    def written(self) -> etree._Element:
        """Return the whole document, in the order of the schema."""
        invoice, document = self._invoice, self._document
        name = "CreditNote" if self._is_credit else "Invoice"
        namespaces: dict[str | None, str] = {None: _ROOTS[name], "cac": _CAC, "cbc": _CBC}
        root = etree.Element(f"{{{_ROOTS[name]}}}{name}", nsmap=namespaces)  # type: ignore[arg-type]
        _add(root, "CustomizationID", PROFILE)
        _add(root, "ID", document.number)
        _add(root, "IssueDate", document.issued_on.isoformat())
        if not self._is_credit:
            _add(root, "DueDate", document.due_on.isoformat())
        _add(root, f"{name}TypeCode", invoice.type_code)
        for note in invoice.notes:
            _add(root, "Note", note)
        _add(root, "DocumentCurrencyCode", document.currency)
        _add_period(root, invoice.days)
        for number, issued_on in invoice.corrects:
            reference = _add(_add(root, "BillingReference"), "InvoiceDocumentReference")
            _add(reference, "ID", number)
            if issued_on is not None:
                _add(reference, "IssueDate", issued_on.isoformat())
        self._add_party(_add(root, "AccountingSupplierParty"), invoice.seller)
        self._add_party(_add(root, "AccountingCustomerParty"), invoice.buyer)
        self._add_delivery(root, invoice.delivery)
        self._add_payment(root)
        self._add_taxes(root)
        totals = _add(root, "LegalMonetaryTotal")
        for label, amount in (
            ("LineExtensionAmount", document.net), ("TaxExclusiveAmount", document.net),
            ("TaxInclusiveAmount", document.gross), ("PayableAmount", document.gross),
        ):  # fmt: skip
            self._amount(totals, label, amount)
        for index, line in enumerate(invoice.lines, start=1):
            self._add_line(_add(root, f"{name}Line"), index, line)
        return root

    def _amount(self, parent: etree._Element, name: str, amount: int) -> None:
        _add(parent, name, format_amount(amount), currencyID=self._document.currency)

    def _price(self, parent: etree._Element, name: str, price: int) -> None:
        _add(parent, name, format_price(price), currencyID=self._document.currency)

    def _add_party(self, parent: etree._Element, of: EParty) -> None:
        party, element = of.party, _add(parent, "Party")
        if of.email:
            _add(element, "EndpointID", of.email, schemeID="EM")
        if party.ice:
            _add(_add(element, "PartyIdentification"), "ID", party.ice)
        address = _add(element, "PostalAddress")
        if party.address:
            _add(address, "StreetName", party.address)
        if party.city:
            _add(address, "CityName", party.city)
        _add(_add(address, "Country"), "IdentificationCode", party.country)
        if of.vat_identifier:
            scheme = _add(element, "PartyTaxScheme")
            _add(scheme, "CompanyID", of.vat_identifier)
            _add(_add(scheme, "TaxScheme"), "ID", "VAT")
        entity = _add(element, "PartyLegalEntity")
        _add(entity, "RegistrationName", party.legal_name)
        if party.trade_register:
            _add(entity, "CompanyID", party.trade_register)
        if of.legal_information:
            _add(entity, "CompanyLegalForm", of.legal_information)
        if of.has_contact:
            contact = _add(element, "Contact")
            _add(contact, "Name", party.legal_name)
            if party.phone:
                _add(contact, "Telephone", party.phone)
            if of.email:
                _add(contact, "ElectronicMail", of.email)

    def _add_delivery(self, root: etree._Element, delivery: EDelivery | None) -> None:
        if delivery is None:
            return
        element = _add(root, "Delivery")
        if delivery.day is not None:
            _add(element, "ActualDeliveryDate", delivery.day.isoformat())
        if delivery.site:
            address = _add(_add(element, "DeliveryLocation"), "Address")
            _add(_add(address, "Country"), "IdentificationCode", delivery.country)
            _add(_add(_add(element, "DeliveryParty"), "PartyName"), "Name", delivery.site)

    def _add_payment(self, root: etree._Element) -> None:
        means = _add(root, "PaymentMeans")
        _add(means, "PaymentMeansCode", self._invoice.means)
        if self._is_credit:
            # A credit note has no other place for the day [BT-9].
            _add(means, "PaymentDueDate", self._document.due_on.isoformat())
        _add(means, "PaymentID", self._document.payment_reference)
        if self._invoice.account:
            _add(_add(means, "PayeeFinancialAccount"), "ID", self._invoice.account)
        if self._invoice.terms:
            _add(_add(root, "PaymentTerms"), "Note", self._invoice.terms)

    def _add_taxes(self, root: etree._Element) -> None:
        total = _add(root, "TaxTotal")
        self._amount(total, "TaxAmount", self._document.tax)
        for tax in self._invoice.taxes:
            subtotal = _add(total, "TaxSubtotal")
            self._amount(subtotal, "TaxableAmount", tax.base)
            self._amount(subtotal, "TaxAmount", tax.amount)
            self._add_category(_add(subtotal, "TaxCategory"), tax)

    def _add_category(self, element: etree._Element, tax: ETax) -> None:
        _add(element, "ID", tax.category)
        if tax.category != "O":
            _add(element, "Percent", format_quantity(tax.rate * 10_000))
        if tax.reason:
            _add(element, "TaxExemptionReason", tax.reason)
        _add(_add(element, "TaxScheme"), "ID", "VAT")

    def _add_line(self, item: etree._Element, index: int, line: ELine) -> None:
        _add(item, "ID", str(index))
        if line.note:
            _add(item, "Note", line.note)
        quantity = "CreditedQuantity" if self._is_credit else "InvoicedQuantity"
        _add(item, quantity, format_quantity(line.quantity), unitCode=line.unit)
        self._amount(item, "LineExtensionAmount", line.amount)
        _add_period(item, line.days)
        if line.lease:
            reference = _add(item, "DocumentReference")
            _add(reference, "ID", line.lease)
            _add(reference, "DocumentTypeCode", LINE_OBJECT)
        if line.allowance is not None:
            allowance = _add(item, "AllowanceCharge")
            _add(allowance, "ChargeIndicator", "false")
            _add(allowance, "AllowanceChargeReasonCode", DISCOUNT)
            _add(allowance, "AllowanceChargeReason", line.allowance.reason)
            self._amount(allowance, "Amount", line.allowance.amount)
        product = _add(item, "Item")
        _add(product, "Description", line.description)
        _add(product, "Name", line.name)
        self._add_category(_add(product, "ClassifiedTaxCategory"), line.tax)
        price = _add(item, "Price")
        self._price(price, "PriceAmount", line.price)
        _add(price, "BaseQuantity", format_quantity(line.base_quantity), unitCode=line.unit)
        if line.full_price != line.price:
            allowance = _add(price, "AllowanceCharge")
            _add(allowance, "ChargeIndicator", "false")
            self._price(allowance, "Amount", line.full_price - line.price)
            self._price(allowance, "BaseAmount", line.full_price)
