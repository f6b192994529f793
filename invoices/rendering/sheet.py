"""Makes the texts of a document's page, ready to print, in the order they are read.

Pure text out of the snapshot (B9): no clock, no environment, no markup. The template escapes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from invoices import formats
from invoices.document import CREDIT_NOTE, Document, DocumentLine, Party
from invoices.rendering.texts import Catalogue, catalogue, language_of
from invoices.structured_reference import printed
from invoices.words import dirhams_in_words
from pricing.money import parse_decimal
from pricing.rating import PricedLine
from pricing.vat import STANDARD

SEPARATOR = " · "
RIB_GROUPS = (3, 3, 16, 2)
# The unit of measure of a line that is nothing but an amount: no quantity and no price are printed beside it.
LUMP_SUM = "lump_sum"
# Beyond so many lines a page is set closer, so that fifteen still stand on one.
ROOMY_LINES_MAX = 6


class Fact(NamedTuple):
    """A labelled value of the strip under the title."""

    label: str
    value: str


class Note(NamedTuple):
    """A short text under the totals, by line."""

    title: str
    lines: tuple[str, ...]


class InWords(NamedTuple):
    """The sentence that closes the document; the amount apart, word by word, for no line may end in "vingt-"."""

    before: str
    amount: tuple[str, ...]
    after: str


class PartyText(NamedTuple):
    """A party as printed: its name with legal form, its address by line, its identifiers by line."""

    name: str
    address: tuple[str, ...]
    identifiers: tuple[str, ...]


class LineText(NamedTuple):
    """One line as printed. `forward` and `brought` are the running total, for the foot and head of a page."""

    item: str
    where: str
    corrects: str
    quantity: str
    days: str
    full_price: str
    discount: str
    price: str
    vat: str
    amount: str
    forward: str
    brought: str


class TotalRow(NamedTuple):
    """One row of the closing table: VAT of a rate on the left, a total on the right; either may be blank."""

    kind: str
    rate: str
    base: str
    vat: str
    label: str
    amount: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole document as text."""

    language: str
    density: str
    subject: str
    issued_iso: str
    title: str
    number: str
    continued: str
    addressee_label: str
    seller: PartyText
    buyer: PartyText
    facts: tuple[Fact, ...]
    lines: tuple[LineText, ...]
    totals: tuple[TotalRow, ...]
    in_words: InWords
    payment: Note
    notes: tuple[Note, ...]
    legal: tuple[str, ...]


def sheet_of(document: Document) -> Sheet:
    """Return the page of a document, in its buyer's language where a catalogue exists."""
    language = language_of(document.buyer.language)
    t = catalogue(language)
    of_kind = t[document.kind]
    return Sheet(
        language=language,
        density="compact" if len(document.lines) > ROOMY_LINES_MAX else "roomy",
        subject=_subject(document, of_kind),
        issued_iso=document.issued_on.isoformat(),
        title=of_kind["title"],
        number=t["heading"]["number"].format(number=document.number),
        continued=t["heading"]["continued"].format(title=of_kind["title"], number=document.number),
        addressee_label=of_kind["addressee"],
        seller=party_text(document.seller, t),
        buyer=party_text(document.buyer, t),
        facts=_facts(document, t),
        lines=_lines(document, t),
        totals=_totals(document, t),
        in_words=amount_in_words(document.gross, of_kind["in_words"]),
        payment=_payment(document, t),
        notes=_notes(document, t),
        legal=legal_lines(document.seller, t),
    )


def _subject(document: Document, of_kind: Mapping[str, str]) -> str:
    if document.period is None:
        return of_kind["subject_by_hand"].format(number=document.number)
    return of_kind["subject"].format(number=document.number, month=formats.month(document.period))


def _named(party: Party, t: Catalogue) -> str:
    if not party.legal_form:
        return party.legal_name
    return t["party"]["with_form"].format(name=party.legal_name, form=party.legal_form)


def _identifiers(party: Party, t: Catalogue) -> tuple[str, ...]:
    """Return every identifier that is known, labelled (law.md section 1)."""
    known = (
        (t["party"]["ice"], party.ice),
        (t["party"]["tax_id"], party.tax_id),
        (t["party"]["trade_register"], party.trade_register),
        (t["party"]["business_tax"], party.business_tax),
        (t["party"]["social_security"], party.social_security),
    )
    return tuple(f"{label} {value}" for label, value in known if value)


def party_text(party: Party, t: Catalogue) -> PartyText:
    """Return a party as every paper prints it."""
    address = tuple(text for text in (party.address, party.city) if text)
    # The ICE has a line of its own: it is what a bookkeeper looks for.
    ice, *others = _identifiers(party, t) or ("",)
    return PartyText(_named(party, t), address, tuple(text for text in (ice, SEPARATOR.join(others)) if text))


def _facts(document: Document, t: Catalogue) -> tuple[Fact, ...]:
    heading = t["heading"]
    facts = [Fact(heading["issued"], formats.day(document.issued_on))]
    if document.kind == CREDIT_NOTE and document.period is None:
        # The reason last: the last fact has the room that is left.
        facts += [
            Fact(heading["corrected_by_hand"], ", ".join(document.corrects)),
            Fact(heading["reason"], document.reason),
        ]
        return tuple(facts)
    period = [] if document.period is None else [Fact(heading["period"], formats.month(document.period))]
    if document.kind == CREDIT_NOTE:
        facts += [
            *period,
            Fact(heading["reason"], heading["reason_correction"]),
            Fact(heading["corrected"], ", ".join(document.corrects)),
        ]
        return tuple(facts)
    days = (document.due_on - document.issued_on).days
    terms = heading["terms_days"].format(days=days) if days else heading["terms_at_sight"]
    facts += [
        Fact(t["invoice"]["due"], formats.day(document.due_on)),
        *period,
        Fact(heading["terms"], terms),
        Fact(heading["reference"], _payment_reference(document)),
    ]
    if document.is_one_off:
        facts.append(Fact(heading["subject"], document.reason))
    return tuple(facts)


def _lines(document: Document, t: Catalogue) -> tuple[LineText, ...]:
    carried = 0
    texts = []
    for line in document.lines:
        carried += line.priced.amount
        text = _line(line, formats.amount(carried), t)
        if document.is_one_off:
            # It is of no month, and has one price alone.
            text = text._replace(where=line.site_name, full_price="", discount="")
        texts.append(text)
    return tuple(texts)


def _line(line: DocumentLine, carried: str, t: Catalogue) -> LineText:
    if line.unit_of_measure == LUMP_SUM:
        return _lump_sum(line, carried, t)
    priced, texts = line.priced, t["line"]
    is_office = priced.first_day is not None and priced.last_day is not None
    discount = priced.full_price - priced.unit_price
    return LineText(
        item=texts["item"].format(label=line.service_label, office=line.office) if line.office else line.service_label,
        where=texts["where"].format(site=line.site_name, period=_period(priced)),
        corrects=_corrects(line, t),
        quantity=_quantity(priced.quantity, line.unit_of_measure, t),
        days=texts["days"].format(days=priced.days, days_in_month=priced.days_in_month) if is_office else "",
        full_price=formats.price(priced.full_price),
        discount=formats.price(-discount) if discount else texts["no_discount"],
        price=formats.price(priced.unit_price),
        vat=formats.short_vat_rate(priced.vat_rate, priced.vat_treatment),
        amount=formats.amount(priced.amount),
        forward=t["carry"]["forward"].format(amount=carried),
        brought=t["carry"]["brought"].format(amount=carried),
    )


def _lump_sum(line: DocumentLine, carried: str, t: Catalogue) -> LineText:
    """Return a line that credits an amount, or bills it again, without the figures it was not computed from."""
    texts = t["line"]
    return LineText(
        item=texts["item"].format(label=line.service_label, office=line.office) if line.office else line.service_label,
        where=texts["where"].format(site=line.site_name, period=formats.month(line.priced.month)),
        corrects=_corrects(line, t),
        quantity="",
        days="",
        full_price="",
        discount="",
        price="",
        vat=formats.short_vat_rate(line.priced.vat_rate, line.priced.vat_treatment),
        amount=formats.amount(line.priced.amount),
        forward=t["carry"]["forward"].format(amount=carried),
        brought=t["carry"]["brought"].format(amount=carried),
    )


def _period(priced: PricedLine) -> str:
    """Return the days of an office line, or its month where that is billed whole; the month of a usage line."""
    if priced.first_day is None or priced.last_day is None or priced.days == priced.days_in_month:
        return formats.month(priced.month)
    return formats.days(priced.first_day, priced.last_day)


def _quantity(quantity: int, unit: str, t: Catalogue) -> str:
    key = f"{unit}_one" if f"{unit}_one" in t["unit"] and quantity <= 1_000_000 else unit
    text = t["unit"].get(key, "{quantity}").format(quantity=formats.quantity(quantity))
    return text.replace(" ", formats.SPACE)


def _corrects(line: DocumentLine, t: Catalogue) -> str:
    texts = t["line"]
    for what, named in (("corrects", line.corrects), ("withdraws", line.withdraws)):
        if named is not None:
            number, _, line_no, issued_on = named
            if issued_on is None:
                return texts[what].format(number=number, line=line_no)
            return texts[f"{what}_dated"].format(number=number, line=line_no, day=formats.day(issued_on))
    return ""


def _totals(document: Document, t: Catalogue) -> tuple[TotalRow, ...]:
    """Return the VAT of each rate beside the three totals, row by row."""
    texts = t["totals"]
    left = [(texts["rate"], texts["base"], texts["vat"])]
    left += [
        (formats.vat_rate(v.rate, v.treatment), formats.amount(v.base), formats.amount(v.amount))
        for v in document.treated_vat
    ]
    right = [
        (texts["net"], formats.amount(document.net)),
        (texts["tax"], formats.amount(document.tax)),
        (t[document.kind]["gross"], formats.dirhams(document.gross)),
    ]
    rows = []
    for index in range(max(len(left), len(right))):
        vat = left[index] if index < len(left) else ("", "", "")
        total = right[index] if index < len(right) else ("", "")
        rows.append(TotalRow({0: "first", 2: "gross"}.get(index, ""), *vat, *total))
    return tuple(rows)


def amount_in_words(gross: int, sentence: str) -> InWords:
    """Return the sentence that closes a paper, with the amount in the place of `{words}`."""
    before, _, after = sentence.partition("{words}")
    return InWords(before, tuple(dirhams_in_words(gross).split(" ")), after)


def _notes(document: Document, t: Catalogue) -> tuple[Note, ...]:
    """Return notes on why no VAT is charged, on the discount's worth and its end, and on the contribution (R16)."""
    texts = t["notes"]
    credited = document.kind == CREDIT_NOTE
    mentions = vat_mentions(document)
    notes = [Note(t["columns"]["vat"], mentions)] if mentions else []
    if document.advantage > 0:
        worth = texts["discount_credited"] if credited else texts["discount_worth"]
        lines = [worth.format(amount=formats.dirhams(document.advantage))]
        if document.discount_ends_on is not None and document.period is not None and not credited:
            last = document.discount_ends_on
            tense = texts["discount_ends"] if last >= document.period else texts["discount_ended"]
            lines.append(tense.format(day=formats.day(last)))
        notes.append(Note(texts["discount"], tuple(lines)))
    if document.contribution > 0:
        worth = texts["contribution_credited"] if credited else texts["contribution_worth"]
        notes.append(Note(texts["contribution"], (worth.format(amount=formats.dirhams(document.contribution)),)))
    return tuple(notes)


def vat_mentions(document: Document) -> tuple[str, ...]:
    """Return why no VAT is charged (CGI art. 145-III-6°), each once, with its base where there are several."""
    untaxed = [v for v in document.treated_vat if v.treatment != STANDARD]
    several = len(untaxed) > 1
    return tuple(
        formats.vat_mention(v.treatment, v.reason) + (f" : {formats.dirhams(v.base)}" if several else "")
        for v in untaxed
    )


def _payment_reference(document: Document) -> str:
    """Return the payment reference as printed: a structured one in groups of four (ISO 11649), which no line parts."""
    if document.payment_reference == document.number:
        return document.number
    return printed(document.payment_reference, formats.SPACE)


def _payment(document: Document, t: Catalogue) -> Note:
    texts = t["notes"]
    if document.kind == CREDIT_NOTE:
        return Note(texts["payment"], (texts["refund"],))
    by = texts["payment_by"].format(day=formats.day(document.due_on), number=_payment_reference(document))
    rib = formats.grouped(document.seller.rib, RIB_GROUPS)
    known = (by, document.seller.bank, texts["payment_rib"].format(rib=rib) if rib else "")
    return Note(texts["payment"], tuple(text for text in known if text))


def legal_lines(seller: Party, t: Catalogue) -> tuple[str, ...]:
    """Return the foot of every page, by line: the seller with all mandatory identifiers, the law on late payment."""
    texts = t["legal"]
    who = _named(seller, t)
    if seller.share_capital:
        capital = parse_decimal(seller.share_capital, 2)
        who = f"{who} {texts['capital'].format(amount=formats.dirhams(capital))}"
    seat = texts["seat"].format(address=", ".join(text for text in (seller.address, seller.city) if text))
    reach = SEPARATOR.join(text for text in (seller.phone, seller.email) if text)
    first = SEPARATOR.join(text for text in (who, seat) if text)
    second = SEPARATOR.join(text for text in (*_identifiers(seller, t), reach) if text)
    return first, second, texts["late"]
