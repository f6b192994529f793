"""Proof of what was sent to whom, and that each PDF is kept as it was first rendered."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, Row, and_, null, or_, select

from billing.documents.delivery.mailings import MAILINGS, Mailing
from billing.frame.checking import Proof, Step, by_index, streamed
from billing.frame.database import among
from billing.frame.tables import audit_change
from billing.register.tables import billing_run
from invoices.delivery import SENT, UNKNOWN
from invoices.errors import FileDamaged, FileMissing
from invoices.messages.message import number_of
from invoices.messages.tables import message_file
from invoices.models import brought_invoice, document, document_file
from invoices.storage import load


def files(connection: Connection, step: Step, documents_url: str) -> Iterator[str]:
    """Each stored file exists under `documents_url`, with the size and SHA-256 the database keeps."""
    f = document_file.c
    stored = (
        select(document.c.number, f.path, f.sha256, f.size_bytes)
        .join(document, document.c.id == f.document_id)
        .order_by(f.document_id)
    )
    for number, path, digest, size in streamed(connection, stored):
        yield from _kept(documents_url, number, path, digest, size)
        step(1)
    f = message_file.c
    papers = select(f.message_id, f.path, f.sha256, f.size_bytes).order_by(f.message_id, f.paper_no)
    for key, path, digest, size in streamed(connection, papers):
        yield from _kept(documents_url, number_of(key), path, digest, size)


def _kept(documents_url: str, number: str, path: str, digest: str, size: int) -> Iterator[str]:
    try:
        content = load(documents_url, path, digest)
    except (FileMissing, FileDamaged, OSError) as error:
        yield f"{number}: its PDF: {error}"
    else:
        if len(content) != size:
            yield f"{number}: its PDF {path} has {len(content)} bytes, {size} are recorded"


_AT_ONCE = 1_000
# What an act says of a delivery, before it and after it.
_Noted: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]


def deliveries(connection: Connection, _step: Step) -> Iterator[str]:
    """Each delivery stands where its last attempt left it; what was sent went to whom an act names, when it says."""
    with by_index(connection):
        for mailing in MAILINGS:
            queue = mailing.queue
            made_for = queue.papers.c.get("recipient", null()).label("made_for")
            query = (
                select(queue.delivery, queue.delivered.label("paper"), queue.number.label("number"), made_for)
                .outerjoin(queue.papers, queue.papers.c.id == queue.delivered)
                .order_by(queue.delivered)
            )
            standing = streamed(connection, query)
            while rows := list(islice(standing, _AT_ONCE)):
                yield from _delivery_faults(connection, mailing, rows)
    yield from _never_queued(connection)


def _delivery_faults(connection: Connection, mailing: Mailing, rows: Sequence[Row[Any]]) -> Iterator[str]:
    names = {row.paper: mailing.queue.name(row.number) for row in rows if row.number is not None}
    tried: dict[int, list[Row[Any]]] = defaultdict(list)
    a = mailing.queue.attempt.c
    attempts = select(mailing.queue.attempt).where(among(connection, a[mailing.queue.key], names))
    for attempt in connection.execute(attempts.order_by(a.attempt)):
        tried[getattr(attempt, mailing.queue.key)].append(attempt)
    noted: dict[str, list[_Noted]] = defaultdict(list)
    c = audit_change.c
    changes = select(c.key, c.before, c.after).where(
        c.subject == mailing.subject, among(connection, c.key, names.values())
    )
    for key, before, after in connection.execute(changes.order_by(c.act_id, c.seq)):
        noted[key].append((orjson.loads(before or "{}"), orjson.loads(after)))
    for row in rows:
        name = names.get(row.paper)
        if name is None:
            yield f"delivery {row.paper} of {mailing.subject} is of nothing that exists"
            continue
        for fault in (*_state_faults(row, tried[row.paper], noted[name]), *_address_faults(row, noted[name])):
            yield f"the delivery of {name} {fault}"


def _state_faults(row: Row[Any], tried: Sequence[Row[Any]], noted: Sequence[_Noted]) -> Iterator[str]:
    """Say where a state, and the instant something was sent, are not what the attempts left."""
    if row.attempts != len(tried):
        yield f"counts {row.attempts} attempts, {len(tried)} are recorded"
    outcome = tried[-1].outcome if tried else None
    # Of an unknown outcome a person may say that it has arrived: when it was handed over.
    settled = outcome == UNKNOWN and bool(noted) and noted[-1][1].get("outcome") == SENT
    if (row.state == SENT) != (outcome == SENT or settled):
        yield f"is {row.state}, its last attempt was {outcome or 'never made'}"
    elif row.state == SENT and row.sent_at != (row.handed_over_at if settled else tried[-1].attempted_at):
        yield "was sent at another instant than its last attempt"
    elif row.state != SENT and row.sent_at is not None:
        yield f"is {row.state}, and yet was sent at {row.sent_at}"


def _address_faults(row: Row[Any], noted: Sequence[_Noted]) -> Iterator[str]:
    """Say where an address that was sent to, or that a person chose, is named by no act."""
    named = [after["recipient"] for _, after in noted if "recipient" in after]
    if row.state == SENT and named and row.recipient != named[-1]:
        yield f"went to {row.recipient}, the act names {named[-1]}"
    # An act that had another address before it has chosen one; a copy was made for what was chosen.
    chosen = [
        after["recipient"]
        for before, after in noted
        if "recipient" in before and before["recipient"] != after.get("recipient", before["recipient"])
    ]
    if row.chosen_recipient is None and chosen:
        yield f"has lost {chosen[-1]}, which a person chose"
    elif row.chosen_recipient not in (chosen[-1:] or [None, row.made_for, *named]):
        yield f"was addressed by a person to {row.chosen_recipient}, which no act says"
    elif row.state != SENT and row.chosen_recipient not in (None, row.recipient):
        yield f"is addressed to {row.recipient}, {row.chosen_recipient} was chosen"


def _never_queued(connection: Connection) -> Iterator[str]:
    """Name the documents without a delivery, though they were issued by hand or in a run that delivers."""
    d, r, queued = document.c, billing_run.c, MAILINGS[0].queue.delivery.c
    query = (
        select(d.number)
        .outerjoin(brought_invoice, brought_invoice.c.document_id == d.id)
        .outerjoin(MAILINGS[0].queue.delivery, queued.document_id == d.id)
        .outerjoin(billing_run, r.period == d.period)
        .where(queued.document_id.is_(None), brought_invoice.c.document_id.is_(None))
        .where(or_(d.period.is_(None), and_(r.deliver == 1, r.attempt == 1)))
        .order_by(d.id)
    )
    for number in connection.scalars(query):
        yield f"{number} was never queued for delivery"


CHECKS: tuple[Proof, ...] = (deliveries,)
FILE_CHECKS = (files,)
