"""The receipt given for cash, on paper, from what was kept when the cash was taken: the same bytes for ever.

Once it was cancelled its paper says so: *annulé*, the day and the reason.
"""

import json
from typing import Any

from sqlalchemy import Row

from billing.receivables.cash_desk.taking import cash_number
from invoices.document import Party
from invoices.links import Linked, PaperKind, link_of
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import Fact, Note, amount_in_words
from invoices.wording import Wording, paper_language, wording_of
from pricing.cash import DAY
from pricing.money import AMOUNT_DECIMALS, parse_decimal


def cash_receipt_letter(head: Row[Any]) -> Letter:
    """Lay out a receipt for cash: from whom, how much, what it settles, the stamp duty; in figures and in words."""
    content = json.loads(head.content)
    seller, payer = Party(**content["seller"]), Party(**content["payer"])
    t = wording_of(seller, paper_language(seller, payer))
    number = cash_number(head.year, head.serial)
    on_top = head.stamp_duty if head.stamp_on_top else 0
    settled = [(part["number"], parse_decimal(part["amount"], AMOUNT_DECIMALS)) for part in content["settles"]]
    left = head.amount - sum(amount for _, amount in settled)
    rows = [(t("Facture {number}", number=t.isolated(document)), t.amount(amount)) for document, amount in settled]
    if left > 0:
        rows.append((t("À valoir sur votre compte"), t.amount(left)))
    rate = t.percentage(content["stamp_rate"])
    sums = [(t("Montant réglé"), t.dirhams(head.amount))]
    if on_top:
        sums.append((t("Droit de timbre ({rate})", rate=rate), t.dirhams(on_top)))
    sums.append((t("Total encaissé"), t.dirhams(head.amount + on_top)))
    facts = [Fact(t("Date"), t.day(head.taken_on)), Fact(t("Mode"), t("Espèces"))]
    if content["site"]:
        facts.append(Fact(t("Caisse"), t.isolated(content["site"])))
    facts.append(Fact(t("Référence"), t.isolated(content["reference"])))
    sentence = t("Reçu en espèces la somme de : {words}.", words="{words}")
    return Letter(
        issued_on=head.taken_on,
        seller=seller,
        buyer=payer,
        subject=t("Reçu d’espèces n° {number}", number=number),
        title=t("Reçu") if head.cancelled_on is None else t("Reçu annulé"),
        number=t("N° {number}", number=number),
        addressee=t("Reçu de"),
        facts=tuple(facts),
        paragraphs=(),
        columns=(Column(t("Objet du règlement"), "140mm", True), Column(t("Montant (DH)"), "40mm", False)),
        rows=tuple(rows),
        sums=tuple(sums),
        in_words=amount_in_words(head.amount + on_top, sentence, t.language),
        notes=tuple(_notes(head, content, rate, t)),
        language=t.language,
        link=link_of(seller, head.link_secret, Linked(PaperKind.CASH_RECEIPT, head.receipt_id)),
    )


def _notes(head: Row[Any], content: dict[str, Any], rate: str, t: Wording) -> list[Note]:
    notes = []
    if head.cancelled_on is not None:
        cancelled = t("Reçu annulé le {day} : il ne vaut plus quittance.", day=t.day(head.cancelled_on))
        notes.append(Note(t("ANNULÉ"), (cancelled, t.isolated(head.cancelled_for))))
    if head.stamp_duty:
        duty = t.dirhams(head.stamp_duty)
        if head.stamp_on_top:
            text = t("{duty} ({rate}), ajouté au montant réglé, payé sur déclaration.", duty=duty, rate=rate)
        else:
            text = t("{duty} ({rate}), supporté par nos soins, payé sur déclaration.", duty=duty, rate=rate)
        notes.append(Note(t("Droit de timbre de quittance"), (text,)))
    if content["notices"]:
        ceilings = []
        for notice in content["notices"]:
            amount = t.dirhams(parse_decimal(notice["threshold"], AMOUNT_DECIMALS))
            by_day, by_month = t("{amount} par jour", amount=amount), t("{amount} par mois", amount=amount)
            ceilings.append(by_day if notice["span"] == DAY else by_month)
        lines = (
            t("Vos règlements en espèces dépassent {ceilings} :", ceilings=t(" et ").join(ceilings)),
            t("au-delà, la charge n’est pas déductible (CGI, art. 11)."),
        )
        notes.append(Note(t("Déductibilité"), lines))
    return notes


def cash_receipt_pdf(head: Row[Any]) -> bytes:
    """Render the receipt as PDF. Raises RenderingFailed."""
    return render_letter(cash_receipt_letter(head))
