"""Makes the e-invoice of a document: the terms of EN 16931, in whichever syntax they are written.

Terms in brackets (BT, BG) are those of the standard. The incubation discount is the item price discount [BT-147]: full
price [BT-148] less discount is the price charged [BT-146] (R7). An office is billed for some days of a month: its
quantity is the area, as on paper, and an allowance [BG-27] takes off the days that are not billed, so that the amount
[BT-131] is exact (R9). In editions before EDITION_TAGGED the quantity was area × days, and the price counted for as
many as the month has days [BT-149]; these stay as they were.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from invoices import formats
from invoices.document import CREDIT_NOTE, EDITION_TAGGED, INVOICE, Document, DocumentLine, Party
from pricing.money import QUANTITY_SCALE, format_quantity, line_amount
from pricing.period import month_period
from pricing.vat import OUT_OF_SCOPE, STANDARD

PROFILE = "urn:cen.eu:en16931:2017"
TYPE_CODES = {INVOICE: "380", CREDIT_NOTE: "381"}
# Means of payment (UNCL4461): a transfer to the RIB, not defined, or set off against what is owed.
CREDIT_TRANSFER, NOT_DEFINED, SET_OFF = "30", "1", "97"
UNIT_CODES = {"m2_month": "MTK", "hour": "HUR", "each": "C62"}
DISCOUNT_REASON = "Remise pépinière"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ETax(NamedTuple):
    """VAT of a rate [BG-23, BG-30]: its category (UNCL5305), and of a document base, amount and why none is charged."""

    category: str
    rate: int
    base: int = 0
    amount: int = 0
    reason: str = ""


class EAllowance(NamedTuple):
    """What is taken off a line [BG-27], in centimes, and why."""

    amount: int
    reason: str


class ELine(NamedTuple):
    """A line [BG-25]: quantities in millionths, prices in ten-thousandths, amounts in centimes."""

    note: str
    name: str
    description: str
    lease: str
    full_price: int
    price: int
    base_quantity: int
    quantity: int
    unit: str
    tax: ETax
    days: tuple[date, date] | None
    allowance: EAllowance | None
    amount: int


class EParty(NamedTuple):
    """Seller [BG-4] or buyer [BG-7]: ICE is the identifier, IF the tax number, RC the legal registration."""

    party: Party
    email: str
    vat_identifier: str
    legal_information: str
    has_contact: bool


class EDelivery(NamedTuple):
    """Where or when it was delivered [BG-13]: to the site, or by the last day where there are several."""

    site: str
    country: str
    day: date | None


@dataclass(frozen=True, slots=True)
class EInvoice:
    """An invoice or credit note of EN 16931; texts are as XML can hold them."""

    document: Document
    type_code: str
    notes: tuple[str, ...]
    seller: EParty
    buyer: EParty
    delivery: EDelivery | None
    means: str
    account: str
    terms: str
    taxes: tuple[ETax, ...]
    days: tuple[date, date] | None
    lines: tuple[ELine, ...]
    # The invoices a credit note corrects, with their dates where known [BT-25, BT-26].
    corrects: tuple[tuple[str, date | None], ...]


def einvoice_of(document: Document) -> EInvoice:
    """Return the e-invoice of a document, in the edition that it was issued in."""
    is_taxable = any(line.priced.vat_treatment != OUT_OF_SCOPE for line in document.lines)
    is_told = document.edition >= EDITION_TAGGED
    days = [_days_of(line) for line in document.lines]
    by_transfer = document.kind == INVOICE and document.seller.rib
    otherwise = SET_OFF if document.kind == CREDIT_NOTE else NOT_DEFINED
    return EInvoice(
        document=document,
        type_code=TYPE_CODES[document.kind],
        notes=_notes(document) if is_told else (),
        seller=_party(document.seller, is_taxable=is_taxable, is_seller=True, is_told=is_told),
        buyer=_party(document.buyer, is_taxable=is_taxable, is_seller=False, is_told=is_told),
        delivery=_delivery(document, max(last for _, last in days)) if is_told else None,
        means=CREDIT_TRANSFER if by_transfer else otherwise,
        account=document.seller.rib if by_transfer else "",
        terms=_terms(document) if is_told else "",
        taxes=_taxes(document, is_taxable=is_taxable),
        days=None if document.is_one_off else (min(first for first, _ in days), max(last for _, last in days)),
        lines=tuple(
            _line(line, is_one_off=document.is_one_off, is_taxable=is_taxable, is_told=is_told)
            for line in document.lines
        ),
        corrects=tuple(sorted(_corrected(document).items())),
    )


def text(value: str) -> str:
    """Return a text without what XML can't hold."""
    return _NOT_XML.sub("", value)


def _notes(document: Document) -> tuple[str, ...]:
    """Return why the document is issued [BT-22]."""
    if document.kind == CREDIT_NOTE:
        return (f"Motif : {document.reason or 'régularisation'}",)
    return (f"Objet : {document.reason}",) if document.reason else ()


def _terms(document: Document) -> str:
    """Return the terms of payment in words [BT-20]."""
    if document.kind == CREDIT_NOTE:
        return "En déduction des sommes dues"
    days = (document.due_on - document.issued_on).days
    return f"{days} jour{'s' if days > 1 else ''}" if days else "À réception"


def _delivery(document: Document, last_day: date) -> EDelivery:
    sites = {line.site_name for line in document.lines if line.site_name}
    if len(sites) == 1:
        return EDelivery(sites.pop(), document.seller.country, None)
    return EDelivery("", "", document.issued_on if document.is_one_off else last_day)


def _party(party: Party, *, is_taxable: bool, is_seller: bool, is_told: bool) -> EParty:
    # Of several addresses the first: the standard knows one.
    email = re.split(r"\s*[;,]\s*", party.email.strip("; ,"))[0] if party.email else ""
    return EParty(
        party=party,
        email=email,
        vat_identifier=f"{party.country}{party.tax_id}" if party.tax_id and is_taxable else "",
        legal_information=_legal_information(party) if is_seller else "",
        has_contact=is_told and bool(party.phone or email),
    )


def _legal_information(seller: Party) -> str:
    """Return legal form, capital and the registrations EN 16931 has no term for [BT-33]."""
    known = (
        (seller.legal_form, seller.legal_form),
        (seller.share_capital, f"capital {seller.share_capital} {formats.CURRENCY_SIGN}"),
        (seller.business_tax, f"TP {seller.business_tax}"),
        (seller.social_security, f"CNSS {seller.social_security}"),
    )
    return ", ".join(text for value, text in known if value)


def _category(rate: int, treatment: str, *, is_taxable: bool) -> str:
    """Return the category of a rate (UNCL5305) [BT-118, BT-151].

    The standard has none for suspended VAT: it is exempt, on an attestation. What is out of scope is O where the whole
    document is (BR-O-11), with no rate and no VAT identifier (BR-O-02, BR-O-05); beside others it is exempt.
    """
    if treatment == STANDARD:
        return "S" if rate else "Z"
    return "E" if is_taxable else "O"


def _taxes(document: Document, *, is_taxable: bool) -> tuple[ETax, ...]:
    """Return VAT once a category and rate [BG-23], with the reasons why none is charged [BT-120]."""
    sums: dict[tuple[str, int], ETax] = {}
    for rate, treatment, reason, base, amount in document.treated_vat:
        key = _category(rate, treatment, is_taxable=is_taxable), rate
        before = sums.get(key, ETax(*key))
        mentions = " ; ".join(part for part in (before.reason, formats.vat_mention(treatment, reason)) if part)
        sums[key] = ETax(*key, before.base + base, before.amount + amount, mentions)
    return tuple(sums.values())


def _days_of(line: DocumentLine) -> tuple[date, date]:
    """Return the first and last day a line is for: its own, or those of its month [BT-134, BT-135]."""
    whole = month_period(line.priced.month)
    return line.priced.first_day or whole.start, line.priced.last_day or whole.last_day


def _line(line: DocumentLine, *, is_one_off: bool, is_taxable: bool, is_told: bool) -> ELine:
    """Return a line; a one-off invoice's is of no days."""
    priced = line.priced
    prorated = priced.days != priced.days_in_month
    quantity, base, allowance = priced.quantity, QUANTITY_SCALE, None
    if prorated and is_told:
        days = priced.days_in_month - priced.days
        off = line_amount(priced.unit_price, priced.quantity) - priced.amount
        allowance = EAllowance(off, f"Prorata : {days}/{priced.days_in_month} jours non facturés") if off else None
    elif prorated:
        quantity, base = priced.quantity * priced.days, priced.days_in_month * QUANTITY_SCALE
    return ELine(
        note=_note(line, prorated=prorated),
        name=line.service_label or priced.service,
        description=", ".join(part for part in (line.site_name, line.office) if part),
        lease=(priced.lease or "") if is_told else "",
        full_price=priced.full_price,
        price=priced.unit_price,
        base_quantity=base,
        quantity=quantity,
        unit=UNIT_CODES.get(line.unit_of_measure, "C62"),
        tax=ETax(_category(priced.vat_rate, priced.vat_treatment, is_taxable=is_taxable), priced.vat_rate),
        days=None if is_one_off else _days_of(line),
        allowance=allowance,
        amount=priced.amount,
    )


def _note(line: DocumentLine, *, prorated: bool) -> str:
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


def _corrected(document: Document) -> dict[str, date | None]:
    return {line.corrects.number: line.corrects.issued_on for line in document.lines if line.corrects is not None}
