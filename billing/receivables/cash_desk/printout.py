"""The receipt given for cash, on paper, from what was kept when the cash was taken: the same bytes for ever.

Once it was cancelled its paper says so: *annulé*, the day and the reason.
"""

import json
from typing import Any

from sqlalchemy import Row

from billing.receivables.cash_desk.taking import cash_number
from invoices import formats
from invoices.document import Party
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import Fact, Note, amount_in_words
from pricing.cash import DAY
from pricing.money import AMOUNT_DECIMALS, parse_decimal

_SPANS = {DAY: "par jour", "month": "par mois"}


def cash_receipt_letter(head: Row[Any]) -> Letter:
    """Lay out a receipt for cash: from whom, how much, what it settles, the stamp duty; in figures and in words."""
    content = json.loads(head.content)
    number = cash_number(head.year, head.serial)
    on_top = head.stamp_duty if head.stamp_on_top else 0
    settled = [(part["number"], parse_decimal(part["amount"], AMOUNT_DECIMALS)) for part in content["settles"]]
    left = head.amount - sum(amount for _, amount in settled)
    rows = [(f"Facture {document}", formats.amount(amount)) for document, amount in settled]
    if left > 0:
        rows.append(("À valoir sur votre compte", formats.amount(left)))
    rate = formats.percentage(content["stamp_rate"])
    sums = [("Montant réglé", formats.dirhams(head.amount))]
    if on_top:
        sums.append((f"Droit de timbre ({rate})", formats.dirhams(on_top)))
    sums.append(("Total encaissé", formats.dirhams(head.amount + on_top)))
    facts = [Fact("Date", formats.day(head.taken_on)), Fact("Mode", "Espèces")]
    if content["site"]:
        facts.append(Fact("Caisse", content["site"]))
    facts.append(Fact("Référence", content["reference"]))
    return Letter(
        issued_on=head.taken_on,
        seller=Party(**content["seller"]),
        buyer=Party(**content["payer"]),
        subject=f"Reçu d’espèces n° {number}",
        title="Reçu" if head.cancelled_on is None else "Reçu annulé",
        number=f"N° {number}",
        addressee="Reçu de",
        facts=tuple(facts),
        paragraphs=(),
        columns=(Column("Objet du règlement", "140mm", True), Column("Montant (DH)", "40mm", False)),
        rows=tuple(rows),
        sums=tuple(sums),
        in_words=amount_in_words(head.amount + on_top, "Reçu en espèces la somme de : {words}.", "fr"),
        notes=tuple(_notes(head, content, rate)),
    )


def _notes(head: Row[Any], content: dict[str, Any], rate: str) -> list[Note]:
    borne = "ajouté au montant réglé" if head.stamp_on_top else "supporté par nos soins"
    notes = []
    if head.cancelled_on is not None:
        lines = (f"Reçu annulé le {formats.day(head.cancelled_on)} : il ne vaut plus quittance.", head.cancelled_for)
        notes.append(Note("ANNULÉ", lines))
    if head.stamp_duty:
        duty = f"{formats.dirhams(head.stamp_duty)} ({rate}), {borne}, payé sur déclaration."
        notes.append(Note("Droit de timbre de quittance", (duty,)))
    if content["notices"]:
        ceilings = [
            f"{formats.dirhams(parse_decimal(notice['threshold'], AMOUNT_DECIMALS))} {_SPANS[notice['span']]}"
            for notice in content["notices"]
        ]
        lines = (
            f"Vos règlements en espèces dépassent {' et '.join(ceilings)} :",
            "au-delà, la charge n’est pas déductible (CGI, art. 11).",
        )
        notes.append(Note("Déductibilité", lines))
    return notes


def cash_receipt_pdf(head: Row[Any]) -> bytes:
    """Render the receipt as PDF. Raises RenderingFailed."""
    return render_letter(cash_receipt_letter(head))
