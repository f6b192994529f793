"""Makes the texts of a document's page, ready to print, in the order they are read.

Pure text out of the snapshot (B9): no clock, no environment, no markup. The template escapes it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from invoices import formats
from invoices.document import CREDIT_NOTE, EDITION_SPELT_OUT, Document, DocumentLine, Party
from invoices.formats import noted
from invoices.logo import logo_markup
from invoices.rendering.qr import qr_code
from invoices.wording import OF_TENANT_AND_FRENCH, Wording, paper_language, wording, wording_of
from invoices.words import dirhams_in_words
from pricing.money import QUANTITY_SCALE, parse_decimal
from pricing.rating import PricedLine
from pricing.vat import STANDARD

SEPARATOR = " · "
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


class LinkText(NamedTuple):
    """The link of a paper as printed: what it is for, the address without its scheme, and the code to scan."""

    label: str
    shown: str
    address: str
    code: Markup


class PartyText(NamedTuple):
    """A party as printed: its name with legal form, its address by line, its identifiers by line."""

    name: str
    address: tuple[str, ...]
    identifiers: tuple[str, ...]
    # A seller's: its logo as an element, and the lines under its name.
    logo: Markup = Markup()
    letterhead: tuple[str, ...] = ()


class LineText(NamedTuple):
    """One line as printed. `forward` and `brought` are the running total, for the foot and head of a page."""

    item: str
    where: str
    corrects: str
    quantity: str
    lease: str
    days: str
    full_price: str
    discount: str
    price: str
    unit: str
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

    t: Wording
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
    # The legal mentions in French as well, on a document in another language.
    in_french: tuple[str, ...]
    link: LinkText | None
    # What a copy says that it is; blank on the original.
    duplicate: str


def sheet_of(document: Document) -> Sheet:
    """Return the page of a document, in the language that it was issued in."""
    t = wording_of(document.seller, paper_language(document.seller, document.buyer))
    title = title_of(document, t)
    return Sheet(
        t=t,
        density="compact" if len(document.lines) + 3 * len(document.counterparts) > ROOMY_LINES_MAX else "roomy",
        subject=_subject(document, t),
        issued_iso=document.issued_on.isoformat(),
        title=title,
        number=t("N° {number}", number=document.number),
        continued=continued(title, document.number, t),
        addressee_label=t("Avoir établi pour") if document.kind == CREDIT_NOTE else t("Facturé à"),
        seller=party_text(document.seller, t),
        buyer=party_text(document.buyer, t),
        facts=_facts(document, t),
        lines=_lines(document, t),
        totals=_totals(document, t),
        in_words=_in_words(document, t),
        payment=_payment(document, t),
        notes=_notes(document, t),
        legal=_legal(document, t),
        in_french=_in_french(document, t),
        link=link_text(document.link, t),
        duplicate=t("DUPLICATA") if document.is_duplicate else "",
    )


def title_of(document: Document, t: Wording) -> str:
    """Return what a document is called."""
    return t("Avoir") if document.kind == CREDIT_NOTE else t("Facture")


def continued(title: str, number: str, t: Wording) -> str:
    """Return what stands at the head of each further page."""
    return t("{title} n° {number}, suite", title=title, number=number)


def _subject(document: Document, t: Wording) -> str:
    titled = t("{title} n° {number}", title=title_of(document, t), number=document.number)
    return titled if document.period is None else t("{titled}, {month}", titled=titled, month=t.month(document.period))


def _named(party: Party, t: Wording) -> str:
    return t.paired(party.legal_name, party.legal_form) if party.legal_form else t.isolated(party.legal_name)


def _identifiers(party: Party, t: Wording) -> tuple[str, ...]:
    """Return every identifier that is known, labelled (law.md section 1)."""
    known = (
        (t("ICE"), party.ice),
        (t("IF"), party.tax_id),
        (t("RC"), party.trade_register),
        (t("TP"), party.business_tax),
        (t("CNSS"), party.social_security),
    )
    return tuple(f"{label} {t.isolated(value)}" for label, value in known if value)


def party_text(party: Party, t: Wording) -> PartyText:
    """Return a party as every paper prints it."""
    address = tuple(t.isolated(text) for text in (party.address, party.city) if text)
    # The ICE has a line of its own: it is what a bookkeeper looks for.
    ice, *others = _identifiers(party, t) or ("",)
    identifiers = tuple(text for text in (ice, SEPARATOR.join(others)) if text)
    letterhead = tuple(map(t.isolated, party.letterhead.splitlines()))
    return PartyText(_named(party, t), address, identifiers, logo_markup(party.logo), letterhead)


def _facts(document: Document, t: Wording) -> tuple[Fact, ...]:
    facts = [Fact(t("Date d’émission"), t.day(document.issued_on))]
    if document.kind == CREDIT_NOTE and document.period is None:
        # The reason last: the last fact has the room that is left.
        facts += [
            Fact(t("Facture corrigée"), t.listed(document.corrects)),
            Fact(t("Motif"), t.isolated(document.reason)),
        ]
        return tuple(facts)
    period = [] if document.period is None else [Fact(t("Période"), t.month(document.period))]
    if document.kind == CREDIT_NOTE:
        facts += [
            *period,
            Fact(t("Motif"), t("régularisation")),
            Fact(t("Factures corrigées"), t.listed(document.corrects)),
        ]
        return tuple(facts)
    if not document.gross and document.edition >= EDITION_SPELT_OUT:
        facts += period
        if document.is_one_off:
            facts.append(Fact(t("Objet"), t.isolated(document.reason)))
        return tuple(facts)
    days = (document.due_on - document.issued_on).days
    facts += [
        Fact(t("Échéance"), t.day(document.due_on)),
        *period,
        Fact(t("Conditions"), t.plural("{number} jour", "{number} jours", days) if days else t("à réception")),
        Fact(t("Référence de paiement"), t.isolated(document.printed_reference)),
    ]
    if document.is_one_off:
        facts.append(Fact(t("Objet"), t.isolated(document.reason)))
    return tuple(facts)


def _lines(document: Document, t: Wording) -> tuple[LineText, ...]:
    carried = 0
    texts = []
    for number, line in enumerate(document.lines, 1):
        carried += line.priced.amount
        text = _line(line, carried, t)
        if document.edition >= EDITION_SPELT_OUT:
            text = _spelt_out(text, document, number, t)
        if document.is_one_off:
            # It is of no month, and has one price alone.
            text = text._replace(where=t.isolated(line.site_name), full_price="", discount="")
        texts.append(text)
    return tuple(texts)


def _line(line: DocumentLine, carried: int, t: Wording) -> LineText:
    priced = line.priced
    label, amount = line.service_label, t.amount(carried)
    text = LineText(
        item=t.paired(label, line.office) if line.office else t.isolated(label),
        where=t("{site}, {period}", site=t.isolated(line.site_name), period=_period(line, t)),
        corrects=_corrects(line, t),
        quantity="",
        lease="",
        days="",
        full_price="",
        discount="",
        price="",
        unit="",
        vat=t.short_vat_rate(priced.vat_rate, priced.vat_treatment),
        amount=t.amount(priced.amount),
        forward=t("À reporter  {amount}", amount=amount),
        brought=t("Report  {amount}", amount=amount),
    )
    if line.unit_of_measure == LUMP_SUM:
        # A line that credits an amount, or bills it again, shows no figures that it was not computed from.
        return text
    discount = priced.full_price - priced.unit_price
    return text._replace(
        quantity=_quantity(priced.quantity, line.unit_of_measure, t),
        days=_days(priced),
        full_price=t.price(priced.full_price),
        discount=t.price(-discount) if discount else "–",
        price=t.price(priced.unit_price),
    )


def _spelt_out(text: LineText, document: Document, number: int, t: Wording) -> LineText:
    """Return a line with the unit of its price, its lease, and what a repair replaces and why (R13)."""
    line, other = document.lines[number - 1], document.counterparts.get(number)
    if text.price:
        units = {"m2_month": t("DH/m²/mois"), "hour": t("DH/h"), "each": t("DH/unité")}
        text = text._replace(unit=units.get(line.unit_of_measure, ""))
    if line.priced.lease is not None:
        text = text._replace(lease=t("bail {lease}", lease=line.priced.lease))
    if document.period is None:
        return text
    if other is None:
        not_again = t("{correction} : non refacturé", correction=text.corrects)
        return text._replace(corrects=not_again) if document.kind == CREDIT_NOTE else text
    if document.kind == CREDIT_NOTE:
        said, why = text.corrects, _changes(line.priced, other.priced, line.unit_of_measure, t)
    else:
        said = t(
            "Remplace {number} du {day}, crédité par {note}",
            number=other.number, day=t.day(other.issued_on), note=other.credited_by,
        )  # fmt: skip
        why = _changes(other.priced, line.priced, line.unit_of_measure, t)
    return text._replace(corrects=t("{label} : {value}", label=said, value=why) if why else said)


def _changes(before: PricedLine, after: PricedLine, unit: str, t: Wording) -> str:
    """Return what differs between two lines, from what to what."""

    def changed(text: str, one: str, other: str) -> str:
        return t(text, before=one, after=other) if one != other else ""

    said = (
        changed(
            noted("surface {before} → {after}") if unit == "m2_month" else noted("quantité {before} → {after}"),
            _quantity(before.quantity, unit, t),
            _quantity(after.quantity, unit, t),
        ),
        changed(noted("jours {before} → {after}"), _days(before), _days(after)),
        changed(noted("prix {before} → {after}"), t.price(before.unit_price), t.price(after.unit_price)),
        changed(
            noted("TVA {before} → {after}"),
            t.vat_rate(before.vat_rate, before.vat_treatment),
            t.vat_rate(after.vat_rate, after.vat_treatment),
        ),
    )
    return ", ".join(text for text in said if text)


def _days(priced: PricedLine) -> str:
    return "" if priced.first_day is None else f"{priced.days}/{priced.days_in_month}"


def _period(line: DocumentLine, t: Wording) -> str:
    """Return the days of an office line, or its month where that is billed whole; the month of any other line."""
    priced = line.priced
    first, last = priced.first_day, priced.last_day
    if first is None or last is None or priced.days == priced.days_in_month or line.unit_of_measure == LUMP_SUM:
        return t.month(priced.month)
    return t.days(first, last)


def _quantity(quantity: int, unit: str, t: Wording) -> str:
    said = t.quantity(quantity)
    if unit == "m2_month":
        text = t("{quantity} m²", quantity=said)
    elif unit == "hour":
        text = t("{quantity} h", quantity=said)
    elif unit == "each":
        # One and less are singular; Arabic asks for the whole number.
        number = max(1, quantity // QUANTITY_SCALE + (quantity > QUANTITY_SCALE and quantity % QUANTITY_SCALE > 0))
        text = t.plural("{quantity} unité", "{quantity} unités", number, quantity=said)
    else:
        text = said
    return text.replace(" ", formats.SPACE)


def _corrects(line: DocumentLine, t: Wording) -> str:
    if line.corrects is not None:
        number, _, line_no, issued_on = line.corrects
        if issued_on is None:
            return t("Corrige {number}, ligne {line}", number=number, line=line_no)
        return t("Corrige {number} du {day}, ligne {line}", number=number, day=t.day(issued_on), line=line_no)
    if line.withdraws is None:
        return ""
    number, _, line_no, issued_on = line.withdraws
    if issued_on is None:
        return t(
            "Reprend l’avoir {number}, ligne {line} : la ligne qu’il corrigeait est créditée en entier",
            number=number, line=line_no,
        )  # fmt: skip
    return t(
        "Reprend l’avoir {number} du {day}, ligne {line} : la ligne qu’il corrigeait est créditée en entier",
        number=number, day=t.day(issued_on), line=line_no,
    )  # fmt: skip


def _totals(document: Document, t: Wording) -> tuple[TotalRow, ...]:
    """Return the VAT of each rate beside the three totals, row by row."""
    left = [(t("Taux"), t("Base HT"), t("TVA"))]
    left += [(t.vat_rate(v.rate, v.treatment), t.amount(v.base), t.amount(v.amount)) for v in document.treated_vat]
    right = [
        (t("Total HT"), t.amount(document.net)),
        (t("Total TVA"), t.amount(document.tax)),
        (t("Total de l’avoir TTC") if document.kind == CREDIT_NOTE else t("Total TTC"), t.dirhams(document.gross)),
    ]
    rows = []
    for index in range(max(len(left), len(right))):
        vat = left[index] if index < len(left) else ("", "", "")
        total = right[index] if index < len(right) else ("", "")
        rows.append(TotalRow({0: "first", 2: "gross"}.get(index, ""), *vat, *total))
    return tuple(rows)


def _in_words(document: Document, t: Wording) -> InWords:
    if document.kind == CREDIT_NOTE:
        sentence = t("Arrêté le présent avoir à la somme de : {words}, toutes taxes comprises.", words="{words}")
    else:
        sentence = t("Arrêtée la présente facture à la somme de : {words}, toutes taxes comprises.", words="{words}")
    return amount_in_words(document.gross, sentence, t.language)


def amount_in_words(gross: int, sentence: str, language: str) -> InWords:
    """Return the sentence that closes a paper, with the amount in the place of `{words}`."""
    before, _, after = sentence.partition("{words}")
    return InWords(before, tuple(dirhams_in_words(gross, language).split(" ")), after)


def _given_in_kind(document: Document) -> int:
    """Return what the lines of an invoice are worth that have a full price and cost nothing (R37), in centimes."""
    if document.kind == CREDIT_NOTE or document.edition < EDITION_SPELT_OUT:
        return 0
    priced = (line.priced for line in document.lines)
    return sum(p.full_amount for p in priced if p.full_price > 0 == p.unit_price)


def _notes(document: Document, t: Wording) -> tuple[Note, ...]:
    """Return notes on why no VAT is charged, on the discount's worth and its end, and on the contribution (R16)."""
    credited = document.kind == CREDIT_NOTE
    mentions = vat_mentions(document, t)
    notes = [Note(t("TVA"), mentions)] if mentions else []
    given = _given_in_kind(document)
    if document.advantage > given:
        worth = t.dirhams(document.advantage - given)
        lines = [
            t("Sur les lignes corrigées, elle valait {amount} HT.", amount=worth)
            if credited
            else t("Elle vaut {amount} HT sur cette facture.", amount=worth)
        ]
        if document.discount_ends_on is not None and document.period is not None and not credited:
            day = t.day(document.discount_ends_on)
            if document.discount_ends_on >= document.period:
                lines.append(t("Dernier jour : {day}, plein tarif ensuite.", day=day))
            else:
                lines.append(t("Elle a pris fin le {day}, plein tarif depuis.", day=day))
        notes.append(Note(t("Remise pépinière, datée et conditionnelle"), tuple(lines)))
    if given:
        worth = t.dirhams(given)
        notes.append(
            Note(t("Offert"), (t("Ce qui est porté à 0,00 sur cette facture vaut {amount} HT.", amount=worth),))
        )
    if document.contribution > 0:
        brought = t.dirhams(document.contribution)
        text = (
            t("Contribution à l’accueil des jeunes entreprises reprise par cet avoir : {amount} HT.", amount=brought)
            if credited
            else t(
                "Sur cette facture, {amount} HT contribuent à l’accueil des jeunes entreprises du réseau.",
                amount=brought,
            )
        )
        notes.append(Note(t("Péréquation"), (text,)))
    return tuple(notes)


def vat_mentions(document: Document, t: Wording) -> tuple[str, ...]:
    """Return why no VAT is charged (CGI art. 145-III-6°), each once, with its base where there are several."""
    untaxed = [v for v in document.treated_vat if v.treatment != STANDARD]
    if len(untaxed) == 1:
        return (t.vat_mention(untaxed[0].treatment, untaxed[0].reason),)
    return tuple(
        t("{mention} : {amount}", mention=t.vat_mention(v.treatment, v.reason), amount=t.dirhams(v.base))
        for v in untaxed
    )


def _payment(document: Document, t: Wording) -> Note:
    if document.kind == CREDIT_NOTE:
        return Note(t("Règlement"), (t("Le montant de cet avoir vient en déduction des sommes dues."),))
    if not document.gross and document.edition >= EDITION_SPELT_OUT:
        return Note(t("Règlement"), (t("Rien à régler."),))
    by = t(
        "Par virement au plus tard le {day}, référence {number}",
        day=t.day(document.due_on), number=t.isolated(document.printed_reference),
    )  # fmt: skip
    return payment_note(by, document.seller, t)


def payment_note(by: str, seller: Party, t: Wording) -> Note:
    """Return how a paper is paid: a sentence, the seller's bank and its RIB, where they are known."""
    rib = formats.rib(seller.rib)
    known = (by, t.isolated(seller.bank), t("RIB {rib}", rib=t.isolated(rib)) if rib else "")
    return Note(t("Règlement"), tuple(text for text in known if text))


def _legal(document: Document, t: Wording) -> tuple[str, ...]:
    """Return the foot of a document: nobody pays a credit note late."""
    lines = legal_lines(document.seller, t)
    return lines[:-1] if document.kind == CREDIT_NOTE and document.edition >= EDITION_SPELT_OUT else lines


def link_text(link: str, t: Wording) -> LinkText | None:
    """Return the link of a paper as printed; None where it bears none."""
    if not link:
        return None
    return LinkText(t("Vérifier ce document :"), link.partition("://")[2], link, qr_code(link))


def legal_lines(seller: Party, t: Wording) -> tuple[str, ...]:
    """Return the foot of every page, by line: the seller with all mandatory identifiers, the law on late payment."""
    who = _named(seller, t)
    if seller.share_capital:
        capital = t.dirhams(parse_decimal(seller.share_capital, 2))
        who = t("{name} au capital de {amount}", name=who, amount=capital)
    seat = ", ".join(text for text in (seller.address, seller.city) if text)
    # French pages break a phone number where they always did.
    phone = seller.phone if t.language == formats.FRENCH else seller.phone.replace(" ", formats.SPACE)
    reach = SEPARATOR.join(t.isolated(text) for text in (phone, seller.email) if text)
    first = SEPARATOR.join((who, t("Siège : {address}", address=t.isolated(seat))))
    second = SEPARATOR.join(text for text in (*_identifiers(seller, t), reach) if text)
    return first, second, _late_payment(t)


def _late_payment(t: Wording) -> str:
    return t(
        "Paiement tardif : amende pécuniaire au profit du Trésor, articles 78-1 et suivants du code de commerce "
        "(loi n° 69-21 sur les délais de paiement)."
    )


def _in_french(document: Document, t: Wording) -> tuple[str, ...]:
    """Return what law and custom want in French as well, where a document is in another language."""
    if t.language == formats.FRENCH or document.seller.language != OF_TENANT_AND_FRENCH:
        return ()
    french = wording(formats.FRENCH)
    words = _in_words(document, french)
    return (
        f"{title_of(document, french)} n° {document.number} du {french.day(document.issued_on)} : "
        f"{french.amount(document.net)} HT, TVA {french.amount(document.tax)}, {french.dirhams(document.gross)} TTC.",
        f"{words.before}{' '.join(words.amount)}{words.after}",
        *vat_mentions(document, french),
        *(() if document.kind == CREDIT_NOTE else (_late_payment(french),)),
    )
