"""Dunning over HTTP: what is due, sending it, what was sent; disputes and promises; interest clauses."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row

from billing.frame.http.fields import Code, Day, Rate
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.dunning.clauses import Clause, clause_json, clauses, set_clause
from billing.receivables.dunning.history import acts, acts_json, of_invoice, reminder_json
from billing.receivables.dunning.holding import KINDS, Hold, end_hold, find_hold, hold, hold_json, holds, standing_on
from billing.receivables.dunning.sending import due_reminders, send_reminders
from billing.receivables.tables.dunning import dunning_act, dunning_hold, interest_clause

_TEXT = fields.String


class DueInvoiceSchema(Schema):
    """An invoice and the step it has reached."""

    invoice = _TEXT(required=True)
    step = fields.Integer(required=True)
    days = fields.Integer(required=True, metadata={"description": "Days from the due date; below nil before it"})
    due_on = _TEXT(required=True)
    open = _TEXT(required=True)


class DueReminderSchema(Schema):
    """What one tenant is to be written."""

    tenant = _TEXT(required=True)
    total = _TEXT(required=True)
    invoices = fields.List(fields.Nested(DueInvoiceSchema), required=True)


class DueSchema(Schema):
    """What is due to be sent on a day."""

    on = _TEXT(required=True)
    reminders = fields.List(fields.Nested(DueReminderSchema), required=True)


class RemindedInvoiceSchema(DueInvoiceSchema):
    """An invoice of a reminder that was sent, with what late payment cost by then, as information."""

    fine = _TEXT(required=True)
    interest = _TEXT(required=True)


class ReminderSchema(Schema):
    """A reminder that was sent, and what became of its mail."""

    message = _TEXT(required=True)
    tenant = _TEXT(required=True)
    on = _TEXT(required=True)
    total = _TEXT(required=True)
    invoices = fields.List(fields.Nested(RemindedInvoiceSchema), required=True)
    state = _TEXT(required=True)
    recipient = _TEXT(required=True)
    last_error = _TEXT(required=True, allow_none=True)


class QueuedSchema(Schema):
    """What was queued now."""

    on = _TEXT(required=True)
    messages = fields.List(_TEXT(), required=True)


class HoldSchema(Schema):
    """A dispute or a promise."""

    number = _TEXT(required=True)
    kind = _TEXT(required=True, validate=validate.OneOf(KINDS))
    tenant = _TEXT(required=True)
    invoice = _TEXT(required=True, allow_none=True)
    since = _TEXT(required=True)
    until = _TEXT(required=True, allow_none=True)
    reason = _TEXT(required=True)
    recorded_by = _TEXT(required=True)
    ended_on = _TEXT(required=True, allow_none=True)
    end_reason = _TEXT(required=True, allow_none=True)
    ended_by = _TEXT(required=True, allow_none=True)


class ClauseSchema(Schema):
    """What a lease, or all that a tenant is invoiced, bears of interest from a day on."""

    tenant = _TEXT(required=True)
    lease = _TEXT(required=True, allow_none=True)
    effective_from = _TEXT(required=True)
    rate = _TEXT(required=True)
    reason = _TEXT(required=True)
    recorded_by = _TEXT(required=True)


_HOLD = {
    "kind": fields.String(required=True, validate=validate.OneOf(KINDS)),
    "invoice": Code(metadata={"description": "Its number; without it, all of the tenant's"}),
    "tenant": Code(),
    "since": Day(metadata={"description": "Default: today"}),
    "until": Day(metadata={"description": "Of a promise: its last day"}),
}
blueprint = ApiBlueprint("dunning", __name__, url_prefix="/v1/dunning", description="Reminders of what is owed")


@blueprint.route("/due")
@blueprint.response(200, DueSchema)
@blueprint.arguments(
    strict_schema("DueQuery", {"on": Day(metadata={"description": "Default: today"}), "tenant": Code()}),
    location="query",
)
@reads
def get_due_reminders(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """What is due to be sent on a day, by tenant; nothing is written."""
    on = query.get("on") or service().today()
    tenants = [query["tenant"]] if "tenant" in query else None
    found = due_reminders(connection, service().settings.terms, on, tenants=tenants)
    return {"on": on.isoformat(), "reminders": [reminder_json(one) for one in found]}


@blueprint.route("/reminders")
@blueprint.response(200, page_schema(ReminderSchema, "Reminder"))
@blueprint.arguments(query_schema("ReminderQuery", {"tenant": Code(), "invoice": Code()}), location="query")
@reads
def list_reminders(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The reminders that were sent, in order, with what became of their mails."""
    chosen = acts()
    if query.get("tenant") is not None:
        chosen = chosen.where(dunning_act.c.tenant == query["tenant"])
    if query.get("invoice") is not None:
        chosen = chosen.where(of_invoice(query["invoice"]))
    found = page(connection, chosen, (dunning_act.c.id,), query, lambda row: row)
    return {"items": acts_json(connection, found["items"]), "next": found["next"]}


@blueprint.route("/reminders", methods=["POST"])
@blueprint.response(201, QueuedSchema)
@blueprint.arguments(strict_schema("RemindersOrder", {"tenant": Code(metadata={"description": "Default: everybody"})}))
@writes
def create_reminders(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Queue what is due today; mails leave with the next delivery. Again on the same day, nothing more is queued."""
    found = service()
    tenants = [order["tenant"]] if "tenant" in order else None
    outcome = send_reminders(connection, found.settings, found.today(), recorded_at=found.clock(), tenants=tenants)
    return Answer({"on": outcome.on.isoformat(), "messages": [one.number for one in outcome.sent]}, 201)


@blueprint.route("/holds")
@blueprint.response(200, page_schema(HoldSchema, "Hold"))
@blueprint.arguments(
    query_schema("HoldQuery", {"tenant": Code(), "on": Day(metadata={"description": "That hold back on a day"})}),
    location="query",
)
@reads
def list_holds(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Disputes and promises, in the order they were recorded."""
    chosen = holds()
    if query.get("tenant") is not None:
        chosen = chosen.where(dunning_hold.c.tenant == query["tenant"])
    if query.get("on") is not None:
        chosen = chosen.where(standing_on(query["on"]))
    return page(connection, chosen, (dunning_hold.c.id,), query, hold_json)


@blueprint.route("/holds", methods=["POST"])
@blueprint.response(201, HoldSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("HoldOrder", _HOLD))
@writes
def create_hold(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Hold reminders back for a dispute or a promise; X-Reason is required."""
    found = service()
    wanted = Hold(
        order["kind"], order.get("tenant"), order.get("invoice"), order.get("since") or found.today(),
        order.get("until"),
    )  # fmt: skip
    key = hold(connection, wanted, recorded_at=found.clock())
    return Answer(hold_json(find_hold(connection, key)), 201)


@blueprint.route("/holds/<held:hold>/end", methods=["POST"])
@blueprint.response(200, HoldSchema)
@blueprint.arguments(strict_schema("HoldEnd", {"ended_on": Day(metadata={"description": "Default: today"})}))
@writes
def end_one_hold(connection: Connection, order: Mapping[str, Any], hold: int) -> Answer:
    """End a dispute or a promise; X-Reason is required. What is due by then is sent at the next dunning."""
    found = service()
    end_hold(connection, hold, order.get("ended_on") or found.today(), recorded_at=found.clock())
    return Answer(hold_json(find_hold(connection, hold)))


@blueprint.route("/interest-clauses")
@blueprint.response(200, page_schema(ClauseSchema, "InterestClause"))
@blueprint.arguments(query_schema("InterestClauseQuery", {"tenant": Code()}), location="query")
@reads
def list_interest_clauses(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """What leases say of interest on late payment, in the order it was recorded."""
    chosen = clauses()
    if query.get("tenant") is not None:
        chosen = chosen.where(interest_clause.c.tenant == query["tenant"])
    return page(connection, chosen, (interest_clause.c.id,), query, clause_json)


@blueprint.route("/interest-clauses", methods=["POST"])
@blueprint.response(201, ClauseSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "InterestClauseOrder",
        {
            "tenant": Code(required=True),
            "lease": Code(metadata={"description": "Default: whatever the tenant is invoiced"}),
            "effective_from": Day(metadata={"description": "Default: today"}),
            "rate": Rate(required=True),
        },
    )
)
@writes
def create_interest_clause(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Record what a lease says of interest, a year's rate; 0 ends it. X-Reason is required: it names the clause."""
    found = service()
    clause = Clause(order["tenant"], order.get("lease"), order.get("effective_from") or found.today(), order["rate"])
    key = set_clause(connection, clause, recorded_at=found.clock())
    row: Row[Any] = connection.execute(clauses().where(interest_clause.c.id == key)).one()
    return Answer(clause_json(row), 201)
