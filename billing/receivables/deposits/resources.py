"""Deposits: asked when a lease begins, received, returned; and their call on paper."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.frame.audit_log import require_reason
from billing.frame.http.fields import Amount, Code, Day
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.deposits.deposits import (
    MEANS,
    RECEIVED,
    REFERENCE_LENGTH_MAX,
    RETURNED,
    Asking,
    Movement,
    ask_deposit,
    deposit_json,
    deposit_of_lease,
    deposits,
    find_deposit,
    move_deposit,
)
from billing.receivables.deposits.final_statement import (
    close_tenancy,
    final_statement_json,
    final_statement_pdf,
    find_final_statement,
)
from billing.receivables.deposits.papers import deposit_call_pdf
from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
from billing.receivables.tables.deposits import deposit

_TEXT = fields.String


class DepositMovementSchema(Schema):
    """Money of a deposit that came in or went back."""

    kind = _TEXT(required=True, validate=validate.OneOf((RECEIVED, RETURNED)))
    moved_on = _TEXT(required=True)
    amount = _TEXT(required=True)
    means = _TEXT(required=True, validate=validate.OneOf(tuple(MEANS)))
    reference = _TEXT(required=True)
    reason = _TEXT(required=True, allow_none=True)


class DepositSchema(Schema):
    """A deposit: what was asked, what is held."""

    number = _TEXT(required=True)
    lease = _TEXT(required=True)
    tenant = _TEXT(required=True)
    site = _TEXT(required=True)
    months = fields.Integer(required=True)
    monthly_rent = _TEXT(required=True)
    amount = _TEXT(required=True)
    asked_on = _TEXT(required=True)
    due_on = _TEXT(required=True)
    set_off = _TEXT(required=True, metadata={"description": "What of it paid invoices"})
    held = _TEXT(required=True)
    movements = fields.List(fields.Nested(DepositMovementSchema), required=True)


class StatedDocumentSchema(Schema):
    """A document of which something is open."""

    number = _TEXT(required=True)
    kind = _TEXT(required=True)
    issued_on = _TEXT(required=True)
    due_on = _TEXT(required=True)
    open = _TEXT(required=True, metadata={"description": "Below nil on credit notes"})


class FinalStatementSchema(Schema):
    """How a tenant's account stood when a lease was closed."""

    number = _TEXT(required=True)
    lease = _TEXT(required=True)
    tenant = _TEXT(required=True)
    closed_on = _TEXT(required=True)
    documents = fields.List(fields.Nested(StatedDocumentSchema), required=True)
    credit = _TEXT(required=True)
    set_off = _TEXT(required=True)
    deposit_left = _TEXT(required=True)
    balance = _TEXT(required=True, metadata={"description": "What the tenant owes; below nil what it is owed"})


_REASON_LENGTH_MAX = 500
_MOVEMENT: Mapping[str, fields.Field[Any]] = {
    "kind": fields.String(required=True, validate=validate.OneOf((RECEIVED, RETURNED))),
    "moved_on": Day(required=True, metadata={"description": "The day it came to the bank or the till, or left it"}),
    "amount": Amount(required=True),
    "means": fields.String(load_default="transfer", validate=validate.OneOf(tuple(MEANS))),
    "reference": fields.String(required=True, validate=validate.Length(1, REFERENCE_LENGTH_MAX)),
    "reason": fields.String(
        load_default=None,
        allow_none=True,
        validate=[validate.Length(1, _REASON_LENGTH_MAX), validate.ContainsNoneOf("\0")],
        metadata={"description": "Why it is returned"},
    ),
}
blueprint = ApiBlueprint("deposits", __name__, url_prefix="/v1", description="Deposits of tenants, held on 1487")


@blueprint.route("/deposits")
@blueprint.response(200, page_schema(DepositSchema, "Deposit"))
@blueprint.arguments(query_schema("DepositQuery", {"tenant": Code()}), location="query")
@reads
def list_deposits(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The deposits, in the order they were asked."""
    found = deposits()
    if query.get("tenant") is not None:
        found = found.where(deposit.c.tenant == query["tenant"])
    heads = page(connection, found, (deposit.c.id,), query, lambda row: row)
    return {"items": [deposit_json(connection, head) for head in heads["items"]], "next": heads["next"]}


@blueprint.route("/deposits", methods=["POST"])
@blueprint.response(201, DepositSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("DepositOrder", {"lease": Code(required=True)}))
@writes
def create_deposit(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Ask for the deposit of a lease, by the settings of today; asked again, the one that stands is given."""
    found = service()
    asking = Asking(found.today(), found.clock(), found.settings.operator, found.settings.terms)
    key = ask_deposit(connection, order["lease"], asking)
    return Answer(deposit_json(connection, find_deposit(connection, key)), 201)


@blueprint.route("/deposits/<part:code>")
@blueprint.response(200, DepositSchema)
@reads
def get_deposit(connection: Connection, code: str) -> dict[str, Any]:
    """The deposit of the lease with that code."""
    return deposit_json(connection, find_deposit(connection, deposit_of_lease(connection, code)))


@blueprint.route("/deposits/<part:code>/movements", methods=["POST"])
@blueprint.response(201, DepositSchema)
@blueprint.arguments(strict_schema("DepositMovementOrder", _MOVEMENT))
@writes
def create_deposit_movement(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Record and book money of a lease's deposit that was received or returned; the same reference counts once."""
    key = deposit_of_lease(connection, code)
    movement = Movement(
        order["kind"], order["means"], order["moved_on"], order["amount"], order["reference"], order["reason"]
    )
    move_deposit(connection, key, movement, recorded_at=service().clock())
    return Answer(deposit_json(connection, find_deposit(connection, key)), 201)


@blueprint.route("/deposits/<part:code>/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_deposit_call(connection: Connection, code: str) -> Response:
    """The call for the deposit of a lease, on paper: the same bytes for ever."""
    head = find_deposit(connection, deposit_of_lease(connection, code))
    return Response(deposit_call_pdf(head), content_type="application/pdf")


@blueprint.route("/deposits/<part:code>/set-offs", methods=["POST"])
@blueprint.response(201, DepositSchema)
@blueprint.arguments(
    strict_schema(
        "DepositSetOffOrder",
        {
            "amount": Amount(load_default=None, allow_none=True),
            "on": Day(required=True, metadata={"description": "A day after the lease's end"}),
        },
    )
)
@writes
def create_deposit_set_off(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Let a lease's deposit pay its tenant's invoices, the oldest due first, for the reason in `X-Reason`."""
    found = service()
    reason = require_reason(connection, "setting off a deposit")
    key = deposit_of_lease(connection, code)
    wanted = SetOff(order["amount"], order["on"], reason)
    set_off_deposit(connection, key, wanted, recorded_at=found.clock(), terms=found.settings.terms)
    return Answer(deposit_json(connection, find_deposit(connection, key)), 201)


@blueprint.route("/leases/<part:code>/final-statement", methods=["POST"])
@blueprint.response(201, FinalStatementSchema)
@blueprint.arguments(strict_schema("FinalStatementOrder", {"on": Day(required=True)}))
@writes
def create_final_statement(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Close the account of a lease that has ended; closed again, the statement that stands is given."""
    found = service()
    settings = found.settings
    head = close_tenancy(
        connection, code, order["on"], recorded_at=found.clock(), terms=settings.terms, operator=settings.operator
    )
    return Answer(final_statement_json(head), 201)


@blueprint.route("/leases/<part:code>/final-statement")
@blueprint.response(200, FinalStatementSchema)
@reads
def get_final_statement(connection: Connection, code: str) -> dict[str, Any]:
    """The statement that closed a lease."""
    return final_statement_json(find_final_statement(connection, code))


@blueprint.route("/leases/<part:code>/final-statement/pdf")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_final_statement_paper(connection: Connection, code: str) -> Response:
    """The statement that closed a lease, on paper: the same bytes for ever."""
    return Response(final_statement_pdf(find_final_statement(connection, code)), content_type="application/pdf")
