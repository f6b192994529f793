"""Mails that are no documents: what was told to whom, the papers they carry; and whether they arrived."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row, select

from billing.frame.audit_log import record_change
from billing.frame.errors import Conflict, Unknown
from billing.frame.http.addresses import SERIAL_DOC
from billing.frame.http.fields import Code, MailAddress
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import instant, page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.messages.queueing import MESSAGES, Told, load_message, number_of, printed
from billing.messages.tables import STOPPED, message, message_delivery
from invoices.delivery import FAILED, QUEUED, SENT, retry

_TEXT = fields.String
_STATES = (QUEUED, FAILED, SENT, STOPPED)


class MessageSchema(Schema):
    """A message, and whether it arrived."""

    number = _TEXT(required=True)
    kind = _TEXT(required=True)
    key = _TEXT(required=True, metadata={"description": "What it is about: told once, ever"})
    tenant = _TEXT(required=True)
    written_on = _TEXT(required=True)
    state = _TEXT(required=True, validate=validate.OneOf(_STATES))
    recipient = _TEXT(required=True)
    attempts = fields.Integer(required=True)
    queued_at = _TEXT(required=True)
    next_attempt_at = _TEXT(required=True, allow_none=True)
    sent_at = _TEXT(required=True, allow_none=True)
    last_error = _TEXT(required=True, allow_none=True)


class MessageTextSchema(MessageSchema):
    """A message with what it says."""

    language = _TEXT(required=True)
    subject = _TEXT(required=True)
    paragraphs = fields.List(_TEXT(), required=True)
    facts = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    papers = fields.List(_TEXT(), required=True, metadata={"description": "The names of the PDFs it carries, in order"})


_MESSAGES = select(message, message_delivery).join(message_delivery, message_delivery.c.message_id == message.c.id)
_RETRY = {"email": MailAddress(metadata={"description": "In place of the recipient so far"})}
blueprint = ApiBlueprint("messages", __name__, url_prefix="/v1", description="Mails that are no documents")


@blueprint.route("/messages")
@blueprint.response(200, page_schema(MessageSchema, "Message"))
@blueprint.arguments(
    query_schema(
        "MessageQuery",
        {
            "state": fields.String(validate=validate.OneOf(_STATES)),
            "tenant": Code(),
            "kind": fields.String(validate=validate.Length(1, 32)),
        },
    ),
    location="query",
)
@reads
def list_messages(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The messages, by number; `state=failed` lists those a person must look at, `stopped` those that became untrue."""
    columns = {"state": message_delivery.c.state, "tenant": message.c.tenant, "kind": message.c.kind}
    chosen = [column == query[name] for name, column in columns.items() if query.get(name) is not None]
    return page(connection, _MESSAGES.where(*chosen), (message.c.id,), query, _message_json)


@blueprint.route("/messages/<told:told>")
@blueprint.response(200, MessageTextSchema)
@reads
def get_message(connection: Connection, told: int) -> dict[str, Any]:
    """One message: what it says, and whether it arrived."""
    return _message_json(_row(connection, told)) | _text_json(load_message(connection, told))


@blueprint.route("/messages/<told:told>/papers/<serial:paper>", parameters=[
    {"in": "path", "name": "paper", "schema": {"type": "string", **SERIAL_DOC}}
])  # fmt: skip
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_message_paper(connection: Connection, told: int, paper: int) -> Response:
    """A paper that a message carries, the first is 1: the same bytes for ever."""
    papers = load_message(connection, told).message.papers
    if paper > len(papers):
        raise Unknown(f"{number_of(told)} carries {len(papers)} papers: there is no paper {paper}")
    found = papers[paper - 1]
    named = {"Content-Disposition": f'inline; filename="{found.file_name}"'}
    return Response(printed(found), content_type="application/pdf", headers=named)


@blueprint.route("/messages/<told:told>/retry", methods=["POST"])
@blueprint.response(200, MessageSchema)
@blueprint.arguments(strict_schema("MessageRetry", _RETRY))
@writes
def retry_message(connection: Connection, order: Mapping[str, Any], told: int) -> Answer:
    """Send an unsent message at the next delivery, whatever stopped it, to a mended address if one is given."""
    before = _message_json(_row(connection, told))
    if before["state"] == STOPPED:
        raise Conflict(f"{number_of(told)} is {before['last_error']}")
    recipients = {told: order["email"]} if "email" in order else None
    if not retry(connection, [told], now=service().clock(), recipients=recipients, queue=MESSAGES):
        raise Conflict(f"{number_of(told)} has been sent, or is being sent at this moment: GET it")
    after = _message_json(_row(connection, told))
    record_change(connection, "message-deliveries", number_of(told), before, after)
    return Answer(after)


def _row(connection: Connection, key: int) -> Row[Any]:
    found = connection.execute(_MESSAGES.where(message.c.id == key)).one_or_none()
    if found is None:
        raise Unknown(f"there is no message {number_of(key)}")
    return found


def _message_json(row: Row[Any]) -> dict[str, Any]:
    found = row._mapping
    return {
        "number": number_of(row.id),
        "kind": row.kind,
        "key": row.key,
        "tenant": row.tenant,
        "written_on": row.written_on.isoformat(),
        "state": row.state,
        "recipient": found[message_delivery.c.recipient],
        "attempts": row.attempts,
        "queued_at": instant(row.queued_at),
        "next_attempt_at": instant(row.next_attempt_at),
        "sent_at": instant(row.sent_at),
        "last_error": row.last_error,
    }


def _text_json(told: Told) -> dict[str, Any]:
    text = told.message.text
    return {
        "language": text.language,
        "subject": text.subject,
        "paragraphs": [*text.before, *text.after],
        "facts": dict(text.facts),
        "papers": [paper.file_name for paper in told.message.papers],
    }
