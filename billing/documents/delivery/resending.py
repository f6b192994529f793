"""A document sent once more, at a person's order: a message that carries a copy, which says DUPLICATA."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, and_, func, select

from billing.documents.credit_notes.queries import creditable_lines
from billing.frame.audit_log import record_change
from billing.frame.civil_time import today
from billing.frame.database import change_receivables
from billing.frame.errors import Conflict, Fault, Refused
from billing.frame.messages import queue_messages
from billing.register.recipients import present_recipient
from billing.register.tables import tenant
from invoices.delivery import DOCUMENTS, QUEUED, retry
from invoices.document import INVOICE, Document
from invoices.errors import NotPrintedHere, UnknownDocument, UnusableAddress
from invoices.mail import copy_text, parse_mailboxes
from invoices.messages.message import Message, number_of
from invoices.messages.queueing import MESSAGES
from invoices.messages.tables import message, message_delivery
from invoices.models import credit_withdrawal, credited_part, delivery, document, document_line
from invoices.reading import load_documents

# The kind of message that brings a document once more; its key is the document's number, a slash, and 1, 2, 3 …
RESENT: Final = "document"


class Resent(NamedTuple):
    """A further mail with a document: its message, where it goes, how far it is and why, if it was tried.

    `is_new` is false for one that was ordered before and has not left: queued still, or failed.
    """

    number: str
    recipient: str
    is_new: bool
    state: str = QUEUED
    reason: str = ""


def resend(connection: Connection, number: str, to: str | None, *, operator: str, now: datetime) -> Resent:
    """Queue a further mail with an issued document, to its tenant's present address or to another one.

    It carries a copy that says DUPLICATA; the original stays as it is kept. While a mail ordered before that goes to
    the same address has not left, no other is queued. Raises UnknownDocument, Refused; Conflict for an invoice that was
    credited whole, while the document's own mail to that address has not left, and where a mail may have arrived.
    """
    # One order after the other: they are counted.
    change_receivables(connection)
    head = connection.execute(
        select(document.c.id, document.c.tenant, tenant.c.email)
        .outerjoin(tenant, tenant.c.code == document.c.tenant)
        .where(document.c.number == number)
    ).one_or_none()
    if head is None:
        raise UnknownDocument(number)
    ((_, issued),) = load_documents(connection, [head.id])
    if issued.is_brought:
        raise NotPrintedHere(number)
    _require_standing(connection, head.id, issued)
    _require_sent(connection, head.id, number, to)
    recipient = _usable((head.email or "") if to is None else to)
    ordered = _ordered(connection, number)
    standing = next((row for row in ordered if row.is_unsent and _is_same(row.goes_to, recipient)), None)
    if standing is not None:
        copy_number = number_of(standing.id)
        if standing.in_doubt:
            raise Conflict(
                f"nobody knows whether {copy_number}, a copy of {number}, has arrived at {standing.goes_to}: settle it "
                f"first (deliveries settle {copy_number})"
            )
        reason = standing.last_error or ""
        return Resent(copy_number, standing.goes_to, is_new=False, state=standing.state, reason=reason)
    text = copy_text(issued, operator)
    key = f"{number}/{len(ordered) + 1}"
    copy = Message(key, head.tenant, recipient, issued.buyer.legal_name, text, (), (number,))
    queued = queue_messages(connection, RESENT, [copy], written_on=today(now), queued_at=now)
    if to is not None:
        retry(connection, [queued[key]], now=now, recipients={queued[key]: to}, queue=MESSAGES)
        chosen = {"recipient": head.email or ""}, {"recipient": to}
        record_change(connection, "message-deliveries", number_of(queued[key]), *chosen)
    made = Resent(number_of(queued[key]), recipient, is_new=True)
    record_change(connection, "deliveries", number, None, {"resent": made.number, "recipient": recipient})
    return made


def _ordered(connection: Connection, number: str) -> list[Row[Any]]:
    """Return the further mails with a document ordered so far, oldest first."""
    c = message_delivery.c
    rows = (
        select(
            message.c.id, c.state, c.last_error, present_recipient(MESSAGES),
            MESSAGES.unsent.label("is_unsent"), MESSAGES.in_doubt.label("in_doubt"),
        )
        .join(message_delivery, c.message_id == message.c.id)
        .where(message.c.kind == RESENT, message.c.key.like(f"{number}/%"))
        .order_by(message.c.id)
    )  # fmt: skip
    return list(connection.execute(rows).all())


def _require_standing(connection: Connection, key: int, issued: Document) -> None:
    """Refuse an invoice of which nothing is left: sent again, it would ask for what is not due."""
    if issued.kind != INVOICE or not issued.gross or any(x.left for x in creditable_lines(connection, issued.number)):
        return
    x, part, note = document_line.c, credited_part.c, document.c
    credited = (
        select(note.number)
        .join(document_line, x.document_id == note.id)
        .outerjoin(credited_part, and_(part.document_id == x.document_id, part.line_no == x.line_no))
        .outerjoin(
            credit_withdrawal,
            and_(
                credit_withdrawal.c.credit_note_id == part.document_id,
                credit_withdrawal.c.credit_line_no == part.line_no,
            ),
        )
        .where(func.coalesce(x.corrects_document_id, part.invoice_id) == key, credit_withdrawal.c.document_id.is_(None))
        .distinct()
        .order_by(note.number)
    )
    notes = ", ".join(connection.scalars(credited))
    raise Conflict(f"{issued.number} was credited whole by {notes}: it asks for nothing any more, send {notes} instead")


def _require_sent(connection: Connection, key: int, number: str, to: str | None) -> None:
    """Refuse a document whose own mail is still to leave for that address: it would come twice."""
    c = delivery.c
    row = connection.execute(
        select(c.last_error, present_recipient(DOCUMENTS), DOCUMENTS.in_doubt.label("in_doubt"))
        .join(document, document.c.id == c.document_id)
        .where(c.document_id == key, DOCUMENTS.unsent)
    ).one_or_none()
    if row is None or (to is not None and not _is_same(row.goes_to, to)):
        return
    if row.in_doubt:
        raise Conflict(f"nobody knows whether {number} has arrived: settle it first (deliveries settle {number})")
    why = f" ({row.last_error})" if row.last_error else ""
    raise Conflict(
        f"{number} has not been sent yet{why}: the next delivery sends it to {row.goes_to or 'its tenant'}; to send it "
        "to another address too, name that address"
    )


def _is_same(recipient: str, other: str) -> bool:
    """Return whether two recipients are the same addresses, in any order."""
    try:
        return set(parse_mailboxes(recipient)[0]) == set(parse_mailboxes(other)[0])
    except UnusableAddress:
        return False


def _usable(recipient: str) -> str:
    """Return an address or several, at least one of which can be used; raises Refused."""
    try:
        parse_mailboxes(recipient)
    except UnusableAddress as error:
        remedy = "name one that can be used, or mend the tenant's"
        raise Refused([Fault("documents", None, "email", None, str(error), remedy)]) from None
    return recipient
