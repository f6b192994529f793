"""Mails of documents, as a delivery composes them."""

from datetime import datetime

from invoices.document import Document
from invoices.mail import Attached, Envelope, Mail, Mailbox, compose_mail, document_text


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
    envelope = Envelope(sender, sender_name, recipients, document.buyer.legal_name, now)
    return compose_mail(document.number, text, [Attached(file_name, pdf)], envelope)
