"""Dunning over HTTP: what is due, sending it, what was sent; disputes and promises; interest clauses."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.frame.http.fields import Code, Day, Rate
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.dunning import clauses, shapes
from billing.receivables.dunning.blocks import (
    BLOCK_KEY,
    BlockKind,
    BlockOrder,
    block_dunning,
    blocks,
    end_block,
    find_block,
)
from billing.receivables.dunning.history import REMINDER_KEY, reminder_shapes, reminders_sent
from billing.receivables.dunning.sending import due_reminders, preview_reminder, send_reminders
from billing.receivables.dunning.shapes import Due, DueReminder, Hold, Preview, Queued, Reminder
from invoices.messages.papers import print_paper

_OF_TENANT = {"description": "Of one tenant; absent: of all"}
_HOLD = {
    "kind": fields.String(
        required=True,
        validate=validate.OneOf(tuple(map(str, BlockKind))),
        metadata={"description": "A dispute lasts until it is ended, a promise until its day"},
    ),
    "invoice": Code(metadata={"description": "Its number; without it, all of the tenant's"}),
    "tenant": Code(metadata={"description": "The tenant; may be absent where the invoice is given"}),
    "since": Day(metadata={"description": "Default: today"}),
    "until": Day(metadata={"description": "Of a promise: its last day"}),
    "reason": Reason("Why they are held back; required", required=False),
}
blueprint = ApiBlueprint("dunning", __name__, url_prefix="/v1/dunning", description="Reminders of what is owed")


@blueprint.route("/due")
@blueprint.response(200, Due)
@blueprint.arguments(
    strict_schema(
        "DueQuery", {"on": Day(metadata={"description": "Default: today"}), "tenant": Code(metadata=_OF_TENANT)}
    ),
    location="query",
)
@reads
def get_due_reminders(connection: Connection, query: Mapping[str, Any]) -> Due:
    """What is due to be sent on a day, by tenant; nothing is written."""
    on = query.get("on") or service().today()
    tenants = [query["tenant"]] if "tenant" in query else None
    reminders = due_reminders(connection, service().settings.terms, on, tenants=tenants)
    return Due(on=on, reminders=[DueReminder.of(reminder) for reminder in reminders])


_PREVIEW = strict_schema(
    "DunningPreviewQuery",
    {
        "tenant": Code(required=True, metadata={"description": "To whom it would be sent"}),
        "on": Day(metadata={"description": "Default: today"}),
    },
)


@blueprint.route("/preview")
@blueprint.response(200, Preview)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(_PREVIEW, location="query")
@reads
def get_reminder_preview(connection: Connection, query: Mapping[str, Any]) -> Preview:
    """The mail that a tenant would be sent on a day; nothing is written. 409 where nothing is due to be sent."""
    on = query.get("on") or service().today()
    return Preview.of(on, preview_reminder(connection, service().settings, on, query["tenant"]))


@blueprint.route("/preview/letter")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.arguments(_PREVIEW, location="query")
@reads
def get_letter_preview(connection: Connection, query: Mapping[str, Any]) -> Response:
    """The letter of that mail; its account statement where nothing is overdue yet."""
    on = query.get("on") or service().today()
    paper = preview_reminder(connection, service().settings, on, query["tenant"]).papers[0]
    named = {"Content-Disposition": f'inline; filename="{paper.file_name}"'}
    return Response(print_paper(paper), content_type="application/pdf", headers=named)


@blueprint.route("/reminders")
@blueprint.response(200, Page[Reminder])
@blueprint.arguments(
    query_schema(
        "ReminderQuery",
        {"tenant": Code(metadata=_OF_TENANT), "invoice": Code(metadata={"description": "About one invoice"})},
    ),
    location="query",
)
@reads
def list_reminders(connection: Connection, query: Mapping[str, Any]) -> Page[Reminder]:
    """The reminders that were sent, in order, with what became of their mails."""
    selected = reminders_sent(tenant=query.get("tenant"), invoice=query.get("invoice"))
    return page_together(connection, selected, REMINDER_KEY, query, partial(reminder_shapes, connection))


@blueprint.route("/reminders", methods=["POST"])
@blueprint.makes(Queued)
@blueprint.arguments(strict_schema("RemindersOrder", {"tenant": Code(metadata={"description": "Default: everybody"})}))
@writes
def create_reminders(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Queue what is due today; mails leave with the next delivery. Again on the same day, nothing more is queued."""
    tenants = [order["tenant"]] if "tenant" in order else None
    report = send_reminders(
        connection, service().settings, service().today(), recorded_at=service().clock(), tenants=tenants
    )
    return made(connection, Queued(on=report.on, messages=[sent.number for sent in report.sent]))


@blueprint.route("/holds")
@blueprint.response(200, Page[Hold])
@blueprint.arguments(
    query_schema(
        "HoldQuery",
        {"tenant": Code(metadata=_OF_TENANT), "on": Day(metadata={"description": "That hold back on a day"})},
    ),
    location="query",
)
@reads
def list_holds(connection: Connection, query: Mapping[str, Any]) -> Page[Hold]:
    """Disputes and promises, in the order they were recorded."""
    selected = blocks(tenant_code=query.get("tenant"), on=query.get("on"))
    return page(connection, selected, BLOCK_KEY, query, Hold.of)


@blueprint.route("/holds", methods=["POST"])
@blueprint.response(201, Hold)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("HoldOrder", _HOLD))
@writes
def create_hold(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Hold reminders back for a dispute or a promise, for a reason."""
    block = BlockOrder(
        kind=BlockKind(order["kind"]),
        tenant=order.get("tenant"),
        invoice=order.get("invoice"),
        since=order.get("since") or service().today(),
        until=order.get("until"),
    )
    key = block_dunning(connection, block, recorded_at=service().clock())
    return Answer(Hold.of(find_block(connection, key)), 201)


@blueprint.route("/holds/<held:hold>/end", methods=["POST"])
@blueprint.response(200, Hold)
@blueprint.arguments(
    strict_schema(
        "HoldEnd",
        {
            "ended_on": Day(metadata={"description": "Default: today"}),
            "reason": Reason("Why it ends; required", required=False),
        },
    )
)
@writes
def end_one_hold(connection: Connection, order: Mapping[str, Any], hold: int) -> Answer:
    """End a dispute or a promise, for a reason. What is due by then is sent at the next dunning."""
    end_block(connection, hold, order.get("ended_on") or service().today(), recorded_at=service().clock())
    return Answer(Hold.of(find_block(connection, hold)))


@blueprint.route("/interest-clauses")
@blueprint.response(200, Page[shapes.Clause])
@blueprint.arguments(query_schema("InterestClauseQuery", {"tenant": Code(metadata=_OF_TENANT)}), location="query")
@reads
def list_interest_clauses(connection: Connection, query: Mapping[str, Any]) -> Page[shapes.Clause]:
    """What leases say of interest on late payment, in the order it was recorded."""
    selected = clauses.clauses(tenant_code=query.get("tenant"))
    return page(connection, selected, clauses.CLAUSE_KEY, query, shapes.Clause.of)


@blueprint.route("/interest-clauses", methods=["POST"])
@blueprint.response(201, shapes.Clause)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "InterestClauseOrder",
        {
            "tenant": Code(required=True, metadata={"description": "The tenant who owes it"}),
            "lease": Code(metadata={"description": "Default: whatever the tenant is invoiced"}),
            "effective_from": Day(metadata={"description": "Default: today"}),
            "rate": Rate(required=True, metadata={"description": "The rate of a year; 0 ends the clause"}),
            "reason": Reason("What names the clause; required", required=False),
        },
    )
)
@writes
def create_interest_clause(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Record what a lease says of interest, a year's rate; 0 ends it. The reason is required: it names the clause."""
    effective_from = order.get("effective_from") or service().today()
    clause = clauses.Clause(order["tenant"], order.get("lease"), effective_from, order["rate"])
    row = clauses.set_clause(connection, clause, recorded_at=service().clock())
    return Answer(shapes.Clause.of(row), 201)
