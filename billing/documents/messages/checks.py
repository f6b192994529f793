"""Proof of the messages: each can be read and is queued once, what was sent has its papers and its attempts."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from billing.documents.delivery.resending import RESENT
from billing.frame.checking import Proof, Step, streamed
from billing.frame.database import among
from billing.receivables.dunning.sending import KIND as DUNNING
from invoices.delivery import SENT
from invoices.errors import InvoicingError
from invoices.messages.message import number_of, stored_message
from invoices.messages.tables import STOPPED, message, message_attempt, message_delivery, message_file
from invoices.models import document


def messages(connection: Connection, _step: Step) -> Iterator[str]:
    """Each message has its delivery, says what it says, and if it was sent: by as many attempts, with its papers."""
    d, a, f = message_delivery.c, message_attempt.c, message_file.c
    tried = select(a.message_id, func.count().label("n")).group_by(a.message_id).subquery()
    stored = select(f.message_id, func.count().label("n")).group_by(f.message_id).subquery()
    rows = streamed(
        connection,
        select(
            message,
            d.state,
            d.attempts,
            d.last_error,
            func.coalesce(tried.c.n, 0).label("attempted"),
            func.coalesce(stored.c.n, 0).label("files"),
        )
        .outerjoin(message_delivery, d.message_id == message.c.id)
        .outerjoin(tried, tried.c.message_id == message.c.id)
        .outerjoin(stored, stored.c.message_id == message.c.id)
        .order_by(message.c.id),
    )
    for row in rows:
        number = number_of(row.id)
        if row.state is None:
            yield f"message {number} was never queued for delivery"
        elif row.state == STOPPED and (row.kind != DUNNING or not row.last_error):
            yield f"message {number} was stopped, and is no reminder or does not say why"
        elif row.attempts != row.attempted:
            yield f"message {number} counts {row.attempts} attempts, {row.attempted} are recorded"
        try:
            papers = len(stored_message(row).message.papers)
        except (InvoicingError, KeyError, TypeError, ValueError) as error:
            yield f"message {number} can't be read: {error!r}"
            continue
        if row.files not in (0, papers) or (row.state == SENT and row.files != papers):
            yield f"message {number} carries {papers} papers, {row.files} are kept"


def resent_documents(connection: Connection, _step: Step) -> Iterator[str]:
    """Each message that brings a document once more carries that document, of that tenant, and nothing else."""
    rows = connection.execute(select(message).where(message.c.kind == RESENT).order_by(message.c.id)).all()
    numbers = sorted({row.key.partition("/")[0] for row in rows})
    d = document.c
    tenant_of = dict(connection.execute(select(d.number, d.tenant).where(among(connection, d.number, numbers))).all())
    for row in rows:
        number = row.key.partition("/")[0]
        try:
            content = stored_message(row).message
        except (InvoicingError, KeyError, TypeError, ValueError):
            # `messages` says so.
            continue
        if tenant_of.get(number) != row.tenant or content.copies != (number,) or content.papers:
            yield f"message {number_of(row.id)} to {row.tenant} does not bring {number}, which it is about"


CHECKS: tuple[Proof, ...] = (messages, resent_documents)
