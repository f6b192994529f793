"""Mails of documents, as a delivery composes them."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from invoices.document import Document
from invoices.logo import checked_logo
from invoices.mail import Attached, Envelope, Mail, Mailbox, compose_mail, document_text
from tests.support.pages import in_language


def build_mail(
    document: Document,
    pdf: bytes,
    *,
    sender: Mailbox,
    sender_name: str,
    recipient: Mailbox | tuple[Mailbox, ...],
    now: datetime,
) -> Mail:
    """Compose the mail that carries `pdf` to the buyer, in the buyer's language, dated `now`."""
    text, file_name = document_text(document, sender_name)
    recipients = recipient if isinstance(recipient, tuple) else (recipient,)
    envelope = Envelope(
        sender, sender_name, recipients, document.buyer.legal_name, now, cndp_number="D-GC-123/2026",
        operator=replace(document.seller, legal_name=sender_name),
    )  # fmt: skip
    return compose_mail(document.number, text, [Attached(file_name, pdf)], envelope)


def with_face(document: Document, language: str) -> Document:
    """The document of an operator that has a logo and an address for links, to a tenant who reads a language."""
    link = "https://papiers.parcs.example/verify/abcdefghijklmnopqrstuvwx"
    logo = checked_logo((Path(__file__).parents[2] / "billing" / "demo" / "logo.png").read_bytes())
    return in_language(replace(document, link=link, seller=replace(document.seller, logo=logo)), language)
