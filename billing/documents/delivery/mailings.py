"""The differences between documents and messages when they are delivered."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, select, update

from billing.documents.delivery.pdf_files import kept_documents, record_documents
from billing.documents.delivery.rendering import Files
from billing.register.tables import tenant
from invoices import models as invoices_models
from invoices.delivery import DOCUMENTS, Queue
from invoices.document import Document
from invoices.mail import Attached, Envelope, Mail, compose_mail, document_text
from invoices.messages.papers import compose, record_papers, recorded_papers
from invoices.messages.queueing import MESSAGES, load_messages
from invoices.messages.tables import message
from invoices.reading import load_documents


@dataclass(frozen=True, slots=True, eq=False)
class Mailing:
    """The differences between documents and messages: where they queue, how they are read, kept, worded, mended."""

    queue: Queue
    # The name of their deliveries in the audit log.
    subject: str
    load: Callable[[Connection, Sequence[int]], Iterable[tuple[int, Any]]]
    # The files of papers as recorded, of those that have them all.
    kept: Callable[[Connection, Mapping[int, Any]], dict[int, Files]]
    # Record files as the papers', unless some stand already; the files that count.
    record: Callable[[Connection, Mapping[int, Any], Mapping[int, Files], datetime], dict[int, Files]]
    compose: Callable[[Any, Sequence[bytes], Envelope], Mail]
    # The papers that failed: key, where it goes, where it was first addressed to, the tenant's present address.
    misaddressed: Callable[[Connection], Iterable[tuple[int, str, str, str]]]


def _compose(document: Document, pdfs: Sequence[bytes], envelope: Envelope) -> Mail:
    text, file_name = document_text(document, envelope.sender_name)
    return compose_mail(document.number, text, [Attached(file_name, pdfs[0])], envelope)


def _misaddressed(
    connection: Connection, queue: Queue, first: ColumnElement[Any], papers: FromClause
) -> list[tuple[int, str, str, str]]:
    """Return what failed and is due elsewhere by now; `first` holds where it was first addressed to."""
    c = queue.delivery.c
    rows = connection.execute(
        select(queue.delivered, c.recipient, first, tenant.c.email)
        .select_from(queue.delivery.join(papers, queue.papers.c.id == queue.delivered))
        .join(tenant, tenant.c.code == queue.papers.c.tenant)
        .where(c.state == "failed", c.claimed_by.is_(None), tenant.c.email != c.recipient)
    )
    return [(key, recipient, addressed, email) for key, recipient, addressed, email in rows]


def _misaddressed_documents(connection: Connection) -> Iterator[tuple[int, str, str, str]]:
    document, party = invoices_models.document, invoices_models.party
    bought = document.join(party, party.c.digest == document.c.buyer)
    for key, recipient, buyer, email in _misaddressed(connection, DOCUMENTS, party.c.content, bought):
        yield key, recipient, json.loads(buyer)["email"], email


def _misaddressed_messages(connection: Connection) -> Iterator[tuple[int, str, str, str]]:
    yield from _misaddressed(connection, MESSAGES, message.c.recipient, message)


MAILINGS = (
    Mailing(
        queue=DOCUMENTS,
        subject="deliveries",
        load=load_documents,
        kept=kept_documents,
        record=record_documents,
        compose=_compose,
        misaddressed=_misaddressed_documents,
    ),
    Mailing(
        queue=MESSAGES,
        subject="message-deliveries",
        load=load_messages,
        kept=recorded_papers,
        record=record_papers,
        compose=compose,
        misaddressed=_misaddressed_messages,
    ),
)


def mend_addresses(connection: Connection) -> None:
    """Give what failed to the address a paper was made with the address its tenant has now.

    One that a person has chosen for a delivery stays.
    """
    for mailing in MAILINGS:
        for key, recipient, first, email in list(mailing.misaddressed(connection)):
            if first == recipient:
                mended = update(mailing.queue.delivery).where(mailing.queue.delivered == key)
                connection.execute(mended.values(recipient=email))
