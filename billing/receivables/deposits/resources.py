"""Deposits: asked when a lease begins, received, returned; and their call on paper."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.entries.deposits import DepositMeans, DepositMovementKind, Movement
from billing.frame.audit_log import require_reason
from billing.frame.http.fields import Amount, Code, Day
from billing.frame.http.idempotency import Answer, made
from billing.frame.http.openapi import BINARY, ApiBlueprint
from billing.frame.http.paging import Page, page_together
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.deposits.deposits import (
    DEPOSIT_KEY,
    REFERENCE_LENGTH_MAX,
    Asking,
    ask_deposit,
    deposit_of_lease,
    deposit_shape,
    deposit_shapes,
    deposits,
    find_deposit,
    move_deposit,
)
from billing.receivables.deposits.final_statement import (
    close_tenancy,
    final_statement_pdf,
    final_statement_shape,
    find_final_statement,
)
from billing.receivables.deposits.printout import deposit_call_pdf
from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
from billing.receivables.deposits.shapes import Deposit, FinalStatement

_MOVEMENT: Mapping[str, fields.Field[Any]] = {
    "kind": fields.String(
        required=True,
        validate=validate.OneOf(tuple(map(str, DepositMovementKind))),
        metadata={"description": "Which way the money went"},
    ),
    "moved_on": Day(required=True, metadata={"description": "The day it came to the bank or the till, or left it"}),
    "amount": Amount(required=True, metadata={"description": "The amount that moved"}),
    "means": fields.String(
        load_default="transfer",
        validate=validate.OneOf(tuple(map(str, DepositMeans))),
        metadata={"description": "The bank or the till"},
    ),
    "reference": fields.String(
        required=True,
        validate=validate.Length(1, REFERENCE_LENGTH_MAX),
        metadata={"description": "The bank's or the till's own reference: it counts once"},
    ),
    "reason": Reason("Why it is returned", required=False),
}
blueprint = ApiBlueprint("deposits", __name__, url_prefix="/v1", description="Deposits of tenants, held on 1487")


@blueprint.route("/deposits")
@blueprint.response(200, Page[Deposit])
@blueprint.arguments(
    query_schema("DepositQuery", {"tenant": Code(metadata={"description": "Of one tenant"})}), location="query"
)
@reads
def list_deposits(connection: Connection, query: Mapping[str, Any]) -> Page[Deposit]:
    """The deposits, in the order they were asked."""
    selected = deposits(tenant_code=query.get("tenant"))
    return page_together(connection, selected, DEPOSIT_KEY, query, partial(deposit_shapes, connection))


@blueprint.route("/deposits", methods=["POST"])
@blueprint.makes(Deposit)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema("DepositOrder", {"lease": Code(required=True, metadata={"description": "The lease's code"})})
)
@writes
def create_deposit(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Ask for the deposit of a lease, by the settings of today; asked again, the one that stands is given."""
    settings = service().settings
    asking = Asking(service().today(), service().clock(), settings.operator, settings.terms)
    key = ask_deposit(connection, order["lease"], asking)
    return made(connection, deposit_shape(connection, key))


@blueprint.route("/deposits/<part:code>")
@blueprint.response(200, Deposit)
@reads
def get_deposit(connection: Connection, code: str) -> Deposit:
    """The deposit of the lease with that code."""
    return deposit_shape(connection, deposit_of_lease(connection, code))


@blueprint.route("/deposits/<part:code>/movements", methods=["POST"])
@blueprint.makes(Deposit)
@blueprint.arguments(strict_schema("DepositMovementOrder", _MOVEMENT))
@writes
def create_deposit_movement(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Record and book money of a lease's deposit that was received or returned; the same reference counts once."""
    key = deposit_of_lease(connection, code)
    movement = Movement(
        order["kind"], order["means"], order["moved_on"], order["amount"], order["reference"], order["reason"]
    )
    move_deposit(connection, key, movement, recorded_at=service().clock())
    return made(connection, deposit_shape(connection, key))


@blueprint.route("/deposits/<part:code>/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_deposit_call(connection: Connection, code: str) -> Response:
    """The call for the deposit of a lease, on paper: the same bytes for ever."""
    head = find_deposit(connection, deposit_of_lease(connection, code))
    return Response(deposit_call_pdf(head), content_type="application/pdf")


@blueprint.route("/deposits/<part:code>/set-offs", methods=["POST"])
@blueprint.makes(Deposit)
@blueprint.arguments(
    strict_schema(
        "DepositSetOffOrder",
        {
            "amount": Amount(
                load_default=None, allow_none=True, metadata={"description": "Absent: all that is held and open"}
            ),
            "on": Day(required=True, metadata={"description": "A day after the lease's end"}),
            "reason": Reason("Why it is set off; required", required=False),
        },
    )
)
@writes
def create_deposit_set_off(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Let a lease's deposit pay its tenant's invoices, the oldest due first, for a reason."""
    reason = require_reason(connection, "setting off a deposit")
    key = deposit_of_lease(connection, code)
    wanted = SetOff(order["amount"], order["on"], reason)
    set_off_deposit(connection, key, wanted, recorded_at=service().clock(), terms=service().settings.terms)
    return made(connection, deposit_shape(connection, key))


@blueprint.route("/leases/<part:code>/final-statement", methods=["POST"])
@blueprint.makes(FinalStatement)
@blueprint.arguments(
    strict_schema(
        "FinalStatementOrder",
        {"on": Day(required=True, metadata={"description": "A day after the lease's end"})},
    )
)
@writes
def create_final_statement(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Close the account of a lease that has ended; closed again, the statement that stands is given."""
    settings = service().settings
    head = close_tenancy(
        connection, code, order["on"], recorded_at=service().clock(), terms=settings.terms, operator=settings.operator
    )
    return made(connection, final_statement_shape(head))


@blueprint.route("/leases/<part:code>/final-statement")
@blueprint.response(200, FinalStatement)
@reads
def get_final_statement(connection: Connection, code: str) -> FinalStatement:
    """The statement that closed a lease."""
    return final_statement_shape(find_final_statement(connection, code))


@blueprint.route("/leases/<part:code>/final-statement/pdf")
@blueprint.response(200, BINARY, content_type="application/pdf")
@blueprint.alt_response(500, "INTERNAL_SERVER_ERROR")
@reads
def get_final_statement_paper(connection: Connection, code: str) -> Response:
    """The statement that closed a lease, on paper: the same bytes for ever."""
    return Response(final_statement_pdf(find_final_statement(connection, code)), content_type="application/pdf")
