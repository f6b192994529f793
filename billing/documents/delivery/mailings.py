"""The differences between documents and messages when they are delivered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from billing.documents.delivery.pdf_files import kept_documents, record_documents
from billing.documents.delivery.rendering import Files
from billing.register.tables import tenant
from invoices.delivery import DOCUMENTS, Claim, Queue
from invoices.document import Document
from invoices.einvoice.ubl import ubl_xml
from invoices.mail import Attached, Envelope, Mail, compose_mail, document_text
from invoices.messages.papers import compose, record_papers, recorded_papers
from invoices.messages.queueing import MESSAGES, load_messages
from invoices.reading import load_documents


@dataclass(frozen=True, slots=True, eq=False)
class Mailing:
    """The differences between documents and messages: where they queue, how they are read, kept, worded."""

    queue: Queue
    # The name of their deliveries in the audit log.
    subject: str
    load: Callable[[Connection, Sequence[int]], Iterable[tuple[int, Any]]]
    # The files of papers as recorded, of those that have them all.
    kept: Callable[[Connection, Mapping[int, Any]], dict[int, Files]]
    # Record files as the papers', unless some stand already; the files that count.
    record: Callable[[Connection, Mapping[int, Any], Mapping[int, Files], datetime], dict[int, Files]]
    compose: Callable[[Any, Sequence[bytes], Envelope], Mail]
    # The invoices, by number, of which a copy goes with a paper.
    copies: Callable[[Any], Sequence[str]]


def _compose(document: Document, pdfs: Sequence[bytes], envelope: Envelope) -> Mail:
    text, file_name = document_text(document, envelope.sender_name)
    attached = [Attached(file_name, pdfs[0])]
    if envelope.attaches_ubl:
        attached.append(Attached(f"{document.number}.xml", ubl_xml(document), "xml"))
    return compose_mail(document.number, text, attached, envelope)


MAILINGS = (
    Mailing(
        queue=DOCUMENTS,
        subject="deliveries",
        load=load_documents,
        kept=kept_documents,
        record=record_documents,
        compose=_compose,
        copies=lambda _document: (),
    ),
    Mailing(
        queue=MESSAGES,
        subject="message-deliveries",
        load=load_messages,
        kept=recorded_papers,
        record=record_papers,
        compose=compose,
        copies=lambda stored: stored.message.copies,
    ),
)


def use_present_addresses(connection: Connection, queue: Queue, claims: Sequence[Claim]) -> list[Claim]:
    """Address what is claimed to where its tenant is reached now, unless a person chose an address for it."""
    c = queue.delivery.c
    rows = connection.execute(
        select(queue.delivered, tenant.c.email)
        .join(queue.papers, queue.papers.c.id == queue.delivered)
        .join(tenant, tenant.c.code == queue.papers.c.tenant)
        .where(queue.delivered.in_([claimed.key for claimed in claims]))
        .where(c.chosen_recipient.is_(None), tenant.c.email != c.recipient)
    )
    present = {key: email for key, email in rows}  # noqa: C416 - rows are no pairs to dict's type
    for key, email in present.items():
        connection.execute(update(queue.delivery).where(queue.delivered == key).values(recipient=email))
    return [replace(claimed, recipient=present.get(claimed.key, claimed.recipient)) for claimed in claims]
