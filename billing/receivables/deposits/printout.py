"""The printout of a call for a deposit: the same bytes for ever, from what was stored when it was asked."""

import json
from typing import Any

from sqlalchemy import Row

from billing.frame.codes import DEPOSIT
from invoices import formats
from invoices.document import Party
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.sheet import RIB_GROUPS, Fact, Note, amount_in_words


def deposit_call(head: Row[Any]) -> Letter:
    """Return the call for a deposit: what is asked and from what it is computed, how it is paid, when it comes back."""
    seller, buyer = Party(**json.loads(head.seller)), Party(**json.loads(head.buyer))
    number = DEPOSIT.format(head.id)
    rib = formats.grouped(seller.rib, RIB_GROUPS)
    payment = (
        f"Par virement au plus tard le {formats.day(head.due_on)}, référence {number}",
        seller.bank,
        f"RIB {rib}" if rib else "",
    )
    return Letter(
        issued_on=head.asked_on,
        seller=seller,
        buyer=buyer,
        subject=f"Appel de dépôt de garantie n° {number}",
        title="Appel de dépôt de garantie",
        number=f"N° {number}",
        addressee="Adressé à",
        facts=(
            Fact("Date", formats.day(head.asked_on)),
            Fact("Échéance", formats.day(head.due_on)),
            Fact("Bail", head.lease),
            Fact("Bureau", f"{head.office}, {head.site_name}"),
        ),
        paragraphs=(
            "Le bail désigné ci-dessus prévoit un dépôt de garantie, que nous vous prions de verser à "
            "l’échéance. Ce document n’est pas une facture : le dépôt n’est pas un prix et ne supporte pas de TVA.",
        ),
        columns=(
            Column("Désignation", "100mm", True),
            Column("Loyer mensuel HT", "30mm", False),
            Column("Mois", "16mm", False),
            Column("Montant (DH)", "34mm", False),
        ),
        rows=(
            (
                "Dépôt de garantie, en mois de loyer hors taxe",
                formats.amount(head.monthly_rent),
                str(head.months),
                formats.amount(head.amount),
            ),
        ),
        sums=(("Dépôt demandé", formats.dirhams(head.amount)),),
        in_words=amount_in_words(head.amount, "Soit la somme de : {words}.", "fr"),
        notes=(
            Note("Règlement", tuple(text for text in payment if text)),
            Note("Restitution", ("Le dépôt est restitué à la fin du bail, déduction faite des sommes restant dues.",)),
        ),
    )


def deposit_call_pdf(head: Row[Any]) -> bytes:
    """Return the call as PDF. Raises RenderingFailed."""
    return render_letter(deposit_call(head))
