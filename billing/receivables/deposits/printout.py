"""The printout of a call for a deposit: the same bytes for ever, from what was stored when it was asked."""

import json
from typing import Any

from sqlalchemy import Row

from billing.frame.codes import DEPOSIT
from invoices.document import Party
from invoices.links import Linked, PaperKind, link_of
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import Fact, Note, amount_in_words, payment_note
from invoices.wording import paper_language, wording_of


def deposit_call(head: Row[Any]) -> Letter:
    """Return the call for a deposit: what is asked and from what it is computed, how it is paid, when it comes back."""
    seller, buyer = Party(**json.loads(head.seller)), Party(**json.loads(head.buyer))
    t = wording_of(seller, paper_language(seller, buyer))
    number, due = DEPOSIT.format(head.id), t.day(head.due_on)
    by = t("Par virement au plus tard le {day}, référence {number}", day=due, number=t.isolated(number))
    return Letter(
        issued_on=head.asked_on,
        seller=seller,
        buyer=buyer,
        subject=t("Appel de dépôt de garantie n° {number}", number=number),
        title=t("Appel de dépôt de garantie"),
        number=t("N° {number}", number=number),
        addressee=t("Adressé à"),
        facts=(
            Fact(t("Date"), t.day(head.asked_on)),
            Fact(t("Échéance"), due),
            Fact(t("Bail"), head.lease),
            Fact(t("Bureau"), t.paired(head.office, head.site_name)),
        ),
        paragraphs=(
            t(
                "Le bail désigné ci-dessus prévoit un dépôt de garantie, que nous vous prions de verser à l’échéance. "
                "Ce document n’est pas une facture : le dépôt n’est pas un prix et ne supporte pas de TVA."
            ),
        ),
        columns=(
            Column(t("Désignation"), "100mm", True),
            Column(t("Loyer mensuel HT"), "30mm", False),
            Column(t.sense("nombre", "Mois"), "16mm", False),
            Column(t("Montant (DH)"), "34mm", False),
        ),
        rows=(
            (
                t("Dépôt de garantie, en mois de loyer hors taxe"),
                t.amount(head.monthly_rent),
                str(head.months),
                t.amount(head.amount),
            ),
        ),
        sums=((t("Dépôt demandé"), t.dirhams(head.amount)),),
        in_words=amount_in_words(head.amount, t("Soit la somme de : {words}.", words="{words}"), t.language),
        notes=(
            payment_note(by, seller, t),
            Note(
                t("Restitution"),
                (t("Le dépôt est restitué à la fin du bail, déduction faite des sommes restant dues."),),
            ),
        ),
        language=t.language,
        link=link_of(seller, head.link_secret, Linked(PaperKind.DEPOSIT_CALL, head.id)),
    )


def deposit_call_pdf(head: Row[Any]) -> bytes:
    """Return the call as PDF. Raises RenderingFailed."""
    return render_letter(deposit_call(head))
