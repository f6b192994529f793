"""Mails that are no documents: the messages to tenants, the papers they carry; and whether they arrived."""

from collections.abc import Mapping
from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate
from msgspec import to_builtins
from sqlalchemy import Connection

from billing.documents.messages.queries import MESSAGE_KEY, find_message, load_message, messages
from billing.documents.messages.shapes import Message, MessageState, MessageText
from billing.frame.audit_log import record_change
from billing.frame.counted import counted
from billing.frame.database import change_receivables
from billing.frame.errors import Conflict, Unknown
from billing.frame.http.addresses import SERIAL_DOC
from billing.frame.http.fields import Code, MailAddress
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.messages import MessageKind
from billing.receivables.open_items.stopping_reminders import stop_settled
from invoices.delivery import UNKNOWN, retry
from invoices.messages.message import number_of
from invoices.messages.papers import print_paper
from invoices.messages.queueing import MESSAGES

_RETRY = {"email": MailAddress(metadata={"description": "In place of the recipient so far"})}
blueprint = ApiBlueprint("messages", __name__, url_prefix="/v1", description="Mails that are no documents")


@blueprint.route("/messages")
@blueprint.response(200, Page[Message])
@blueprint.arguments(
    query_schema(
        "MessageQuery",
        {
            "state": fields.String(
                validate=validate.OneOf((*MessageState, UNKNOWN)),
                metadata={"description": "Only in this state; unknown: failed ones that may have arrived"},
            ),
            "tenant": Code(metadata={"description": "To whom they go"}),
            "kind": fields.String(
                validate=validate.OneOf(get_args(MessageKind)), metadata={"description": "Only of this kind"}
            ),
        },
    ),
    location="query",
)
@reads
def list_messages(connection: Connection, query: Mapping[str, Any]) -> Page[Message]:
    """The messages, by number; `state=failed` lists those a person must look at, `stopped` those that became untrue."""
    chosen = messages(query.get("state"), query.get("tenant"), query.get("kind"))
    return page(connection, chosen, MESSAGE_KEY, query, Message.of)


@blueprint.route("/messages/<message:message>")
@blueprint.response(200, MessageText)
@reads
def get_message(connection: Connection, message: int) -> MessageText:
    """One message: its text, and whether it arrived."""
    return MessageText.with_text(find_message(connection, message), load_message(connection, message))


@blueprint.route("/messages/<message:message>/papers/<serial:paper>", parameters=[
    {"in": "path", "name": "paper", "schema": {"type": "string", **SERIAL_DOC}}
])  # fmt: skip
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_message_paper(connection: Connection, message: int, paper: int) -> Response:
    """A paper that a message carries, the first is 1: the same bytes for ever."""
    papers = load_message(connection, message).message.papers
    if paper > len(papers):
        raise Unknown(f"{number_of(message)} carries {counted(len(papers), 'paper')}: there is no paper {paper}")
    asked = papers[paper - 1]
    named = {"Content-Disposition": f'inline; filename="{asked.file_name}"'}
    return Response(print_paper(asked), content_type="application/pdf", headers=named)


@blueprint.route("/messages/<message:message>/retry", methods=["POST"])
@blueprint.response(200, Message)
@blueprint.arguments(strict_schema("MessageRetry", _RETRY))
@writes
def retry_message(connection: Connection, order: Mapping[str, Any], message: int) -> Answer:
    """Send an unsent message at the next delivery, whatever hindered it, to a mended address if one is given.

    A reminder of what was paid meanwhile is stopped instead.
    """
    change_receivables(connection)
    before = Message.of(find_message(connection, message))
    if before.state == MessageState.STOPPED:
        raise Conflict(f"{number_of(message)} is {before.last_error}")
    recipients = {message: order["email"]} if "email" in order else None
    if not retry(connection, [message], now=service().clock(), recipients=recipients, queue=MESSAGES):
        raise Conflict(f"{number_of(message)} has been sent, or is being sent at this moment: GET it")
    stop_settled(connection)
    after = Message.of(find_message(connection, message))
    record_change(connection, "message-deliveries", number_of(message), to_builtins(before), to_builtins(after))
    return Answer(after)
