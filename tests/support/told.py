"""Messages ready to be queued: what the tests of messages start from."""

from datetime import date
from typing import Any

from sqlalchemy import Engine

from billing.frame.database import writing
from billing.frame.messages import queue_messages
from invoices.document import Party
from invoices.mail import MailText
from invoices.messages.message import Message, Paper
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, Note, amount_in_words
from tests.support.documents import SELLER, STARTUP
from tests.support.queued import NOON

DAY = date(2026, 9, 1)


def letter(buyer: Party = STARTUP, title: str = "Relevé de compte") -> Letter:
    """A short letter."""
    return Letter(
        issued_on=DAY,
        seller=SELLER,
        buyer=buyer,
        subject=title,
        title=title,
        number="Au 1er septembre 2026",
        addressee="Client",
        facts=(Fact("Date", "1er septembre 2026"),),
        paragraphs=("Voici où en est votre compte.",),
        columns=(Column("Pièce", "100mm", True), Column("Montant (DH)", "34mm", False)),
        rows=(("FA-2026-000001", "120,00"), ("FA-2026-000002", "240,00")),
        sums=(("Solde", "360,00 DH"),),
        in_words=amount_in_words(36000, "Soit la somme de : {words}.", "fr"),
        notes=(Note("Règlement", ("Par virement", "RIB 123")),),
    )


def to_tell(number: int, papers: int = 1, recipient: str | None = None) -> Message:
    """A message to tenant `number`, with so many papers."""
    text = MailText(
        "fr",
        f"Relance n° {number} – Parc",
        ("Bonjour,", "Sauf erreur de notre part, ces factures restent à régler :"),
        (("Reste à payer", "360,00\u00a0DH"),),
        ("Cordialement,", "Le Parc"),
    )
    return Message(
        key=f"T{number:04d} 2026-09-01",
        tenant=f"T{number:04d}",
        recipient=f"t{number}@tenants.example" if recipient is None else recipient,
        recipient_name=STARTUP.legal_name,
        text=text,
        papers=tuple(Paper(f"Releve-{n}.pdf", letter(title=f"Relevé {n}")) for n in range(1, papers + 1)),
    )


def tell(engine: Engine, messages: list[Message], kind: Any = "notice") -> dict[str, int]:
    """Queue messages in a transaction of their own."""
    with writing(engine) as connection:
        return queue_messages(connection, kind, messages, written_on=DAY, queued_at=NOON)
