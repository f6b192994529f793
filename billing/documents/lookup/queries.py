"""The queries that find documents by what people know of them, and show them with what became of each."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from msgspec.structs import asdict
from sqlalchemy import JSON, ColumnElement, Connection, Row, Select, bindparam, case, cast, or_, select, type_coerce

from billing.documents.delivery.resending import RESENT
from billing.documents.lookup.shapes import Buyer, DocumentDelivery, DocumentShown, ResentDocument
from billing.documents.queries import NUMBER_KEY, document_shapes
from billing.frame.listing import Listing, added_since, changed_since, named_since
from billing.frame.searching import found_in
from billing.frame.shapes import instant
from billing.receivables.open_items.document_states import Settled, of_state, settled_of, state_of
from billing.receivables.tables.receipts import settlement
from billing.register.recipients import present_recipient
from invoices.delivery import DOCUMENTS, UNKNOWN, Queue
from invoices.document import Party
from invoices.errors import UnknownDocument
from invoices.links import LINK_SECRET, Linked, PaperKind, link_of
from invoices.messages.message import number_of
from invoices.messages.queueing import MESSAGES
from invoices.messages.tables import message, message_delivery
from invoices.models import delivery, document, document_line, party
from invoices.structured_reference import numbers_in
from pricing.money import format_amount


class Wanted(NamedTuple):
    """What documents are looked for: whatever is given must hold of each. `states` are told apart on a day, `today`."""

    today: date
    period: date | None = None
    tenant: str | None = None
    kind: str | None = None
    site: str | None = None
    states: Collection[str] = ()
    # The first and the last day of issue, both included.
    start: date | None = None
    until: date | None = None


def find(wanted: Wanted) -> Select[Any]:
    """Select the documents that are wanted, to be put in order or paged."""
    d, x = document.c, document_line.c
    equal = {d.period: wanted.period, d.tenant: wanted.tenant, d.kind: wanted.kind}
    found = select(document).where(*(column == value for column, value in equal.items() if value is not None))
    if wanted.start is not None:
        found = found.where(d.issued_on >= wanted.start)
    if wanted.until is not None:
        found = found.where(d.issued_on <= wanted.until)
    if wanted.site is not None:
        found = found.where(select(x.line_no).where(x.document_id == d.id, x.site == wanted.site).exists())
    if wanted.states:
        found = found.where(d.id.in_(of_state(wanted.states, wanted.today)))
    return found


def _searched(connection: Connection, text: str) -> ColumnElement[bool]:
    """Select what has `text` in number, tenant's code, buyer's name, ICE or mail; or what is paid under it."""
    d, printed = document.c, ("legal_name", "ice", "email")
    buyers = select(party.c.digest).where(found_in(text, *(_printed(connection, name) for name in printed)))
    return or_(found_in(text, d.number, d.tenant), d.buyer.in_(buyers), d.number.in_(numbers_in(text)))


def _issued_since(_connection: Connection, at: datetime) -> ColumnElement[bool]:
    return added_since("document", document.c.id, at)


def _touched_since(connection: Connection, at: datetime) -> ColumnElement[bool]:
    """Select what was settled since an instant, by whatever act, or whose mail moved on."""
    d = document.c
    return or_(d.id.in_(named_since(connection, settlement.name, at)), d.number.in_(changed_since("deliveries", at)))


def _printed(connection: Connection, name: str) -> ColumnElement[str]:
    content = party.c.content
    # To SQLite, JSON is a text that it casts to a number.
    is_sqlite = connection.dialect.name == "sqlite"
    found: ColumnElement[str] = (type_coerce if is_sqlite else cast)(content, JSON)[name].as_string()
    return found


_d = document.c
DOCUMENTS_LISTING = Listing(
    key=NUMBER_KEY,
    sorts={
        "number": _d.number, "created": _d.id, "issued_on": _d.issued_on, "due_on": _d.due_on, "tenant": _d.tenant,
        "gross": _d.gross,
    },
    searched="number, tenant's code, or name, ICE or mail address as printed, or whose payment reference it holds",
    search=_searched,
    created=_issued_since,
    updated=_touched_since,
)  # fmt: skip


def find_shown(connection: Connection, number: str, today: date) -> DocumentShown:
    """Return one document with what became of it; raises UnknownDocument."""
    heads = connection.execute(_NUMBERED, {"number": number}).all()
    if not heads:
        raise UnknownDocument(number)
    return shown_documents(connection, heads, today)[0]


def shown_documents(connection: Connection, heads: Sequence[Row[Any]], today: date) -> list[DocumentShown]:
    """Return the documents whose rows are `heads` (some hundreds), in that order, with what became of each."""
    if not heads:
        return []
    keys = [head.id for head in heads]
    settled = settled_of(connection, keys)
    printed, secret = _parties(connection, {digest for head in heads for digest in (head.buyer, head.seller)})
    buyers = {digest: _buyer(printed[digest]) for digest in {head.buyer for head in heads}}
    sellers = {digest: Party(**printed[digest]) for digest in {head.seller for head in heads}}
    deliveries, resent = _deliveries(connection, keys), _resent(connection, heads)
    shown = []
    for head, shape in zip(heads, document_shapes(connection, heads), strict=True):
        sums = settled.get(head.id, Settled())
        shown.append(
            DocumentShown(
                **asdict(shape),
                buyer=buyers[head.buyer],
                paid=format_amount(sums.paid),
                credited=format_amount(sums.credited),
                written_off=format_amount(sums.written_off),
                open=format_amount(head.gross - sums.total),
                state=state_of(head, sums, today),
                delivery=deliveries.get(head.id),
                resent=resent.get(head.number, []),
                link=link_of(sellers[head.seller], secret, Linked(PaperKind.DOCUMENT, head.id)) or None,
            )
        )
    return shown


def _parties(connection: Connection, digests: Collection[str]) -> tuple[dict[str, Any], Any]:
    """Return parties as printed, by digest, and the secret of the links that papers bear."""
    rows = connection.execute(_PARTIES, {"digests": list(digests)}).all()
    return {row.digest: json.loads(row.content) for row in rows}, rows[0].secret


def _buyer(printed: Mapping[str, str]) -> Buyer:
    names = Buyer.__struct_fields__
    values = {name: printed.get(name) or None for name in names}
    return Buyer(**values | {name: printed[name] for name in ("code", "legal_name", "language")})  # type: ignore[arg-type]


def _sent(queue: Queue) -> tuple[ColumnElement[Any], ...]:
    """Return what is shown of a mail of a queue: its state, when it was sent, where it goes."""
    c = queue.delivery.c
    return case((queue.in_doubt, UNKNOWN), else_=c.state).label("shown"), c.sent_at, present_recipient(queue)


# Made once: each takes longer to make than to execute.
_NUMBERED = select(document).where(document.c.number == bindparam("number"))
_PARTIES = select(party.c.digest, party.c.content, LINK_SECRET.label("secret")).where(
    party.c.digest.in_(bindparam("digests", expanding=True))
)
_DELIVERIES = (
    select(document.c.id, *_sent(DOCUMENTS))
    .join(delivery, delivery.c.document_id == document.c.id)
    .where(document.c.id.in_(bindparam("keys", expanding=True)))
)
_RESENT = (
    select(message.c.key, message.c.id, *_sent(MESSAGES))
    .join(message_delivery, message_delivery.c.message_id == message.c.id)
    .where(message.c.kind == RESENT, message.c.tenant.in_(bindparam("tenants", expanding=True)))
    .order_by(message.c.id)
)


def _deliveries(connection: Connection, keys: Collection[int]) -> dict[int, DocumentDelivery]:
    rows = connection.execute(_DELIVERIES, {"keys": list(keys)})
    return {
        key: DocumentDelivery(state, instant(sent_at), recipient or None) for key, state, sent_at, recipient in rows
    }


def _resent(connection: Connection, heads: Sequence[Row[Any]]) -> dict[str, list[ResentDocument]]:
    """Return, by number, the further mails with these documents."""
    rows = connection.execute(_RESENT, {"tenants": sorted({head.tenant for head in heads})})
    resent: dict[str, list[ResentDocument]] = {}
    for key, number, state, sent_at, recipient in rows:
        mail = ResentDocument(state, instant(sent_at), recipient or None, number_of(number))
        resent.setdefault(key.partition("/")[0], []).append(mail)
    return resent
