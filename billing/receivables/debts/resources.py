"""Doubtful and lost debts: where they stand, what was decided about them, deciding."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from billing.entries.debts import KINDS
from billing.frame.audit_log import act_of
from billing.frame.http.fields import Amount, Cell, Code, Day
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import page_schema, query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.debts.deciding import (
    NAME_LENGTH_MAX,
    REASON_LENGTH_MAX,
    Order,
    act_json,
    acts,
    debt_json,
    decide,
)
from billing.receivables.tables.debts import debt_act

_TEXT = fields.String
_NUMBER_DOC = {"pattern": "^FA-[0-9]{4}-[0-9]{6,12}$", "example": "FA-2026-000001"}


class DebtActSchema(Schema):
    """A decision about a debt."""

    invoice = _TEXT(required=True)
    tenant = _TEXT(required=True)
    kind = _TEXT(required=True, validate=validate.OneOf(KINDS))
    decided_on = _TEXT(required=True)
    amount = _TEXT(required=True)
    vat = _TEXT(required=True)
    reason = _TEXT(required=True)
    asked_by = _TEXT(required=True)
    approved_by = _TEXT(required=True)


class DebtSchema(Schema):
    """Where an invoice's debt stands, and what may be decided of it now."""

    invoice = _TEXT(required=True)
    tenant = _TEXT(required=True)
    gross = _TEXT(required=True)
    credited = _TEXT(required=True)
    paid = _TEXT(required=True)
    unpaid = _TEXT(required=True)
    doubtful = _TEXT(required=True)
    provision = _TEXT(required=True)
    written_off = _TEXT(required=True)
    recovered = _TEXT(required=True)
    possible = fields.Dict(keys=_TEXT(), values=_TEXT(), required=True)
    acts = fields.List(fields.Nested(DebtActSchema), required=True)


_ORDER: Mapping[str, fields.Field[Any]] = {
    "invoice": Cell(_NUMBER_DOC, required=True),
    "kind": fields.String(required=True, validate=validate.OneOf(KINDS)),
    "amount": Amount(
        load_default=None,
        allow_none=True,
        metadata={"description": "VAT included, but for provisions; all that is possible unless given"},
    ),
    "decided_on": Day(load_default=None, allow_none=True, metadata={"description": "Today in Casablanca unless given"}),
    "reason": fields.String(required=True, validate=validate.Length(1, REASON_LENGTH_MAX)),
    "approved_by": fields.String(
        required=True,
        validate=validate.Length(1, NAME_LENGTH_MAX),
        metadata={"description": "Who approves it: not who asks, which is the token's holder"},
    ),
}
blueprint = ApiBlueprint("debts", __name__, url_prefix="/v1", description="Doubtful and lost debts")


@blueprint.route("/debts")
@blueprint.response(200, page_schema(DebtActSchema, "DebtAct"))
@blueprint.arguments(query_schema("DebtQuery", {"tenant": Code()}), location="query")
@reads
def list_debt_acts(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """What was decided about debts, in order."""
    found = acts()
    if query.get("tenant") is not None:
        found = found.where(debt_act.c.tenant == query["tenant"])
    return page(connection, found, (debt_act.c.id,), query, act_json)


@blueprint.route("/debts", methods=["POST"])
@blueprint.response(201, DebtSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("DebtOrder", _ORDER))
@writes
def create_debt_act(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Decide about an invoice's debt and book it; two people answer for it."""
    wanted = Order(
        order["invoice"],
        order["kind"],
        order["decided_on"] or service().today(),
        order["amount"],
        order["reason"],
        act_of(connection).actor,
        order["approved_by"],
    )
    decide(connection, wanted, recorded_at=service().clock())
    return Answer(debt_json(connection, wanted.invoice), 201, {"Location": f"/v1/debts/{wanted.invoice}"})


@blueprint.route("/debts/<number:number>")
@blueprint.response(200, DebtSchema)
@reads
def get_debt(connection: Connection, number: str) -> dict[str, Any]:
    """Where the debt of an invoice stands."""
    return debt_json(connection, number)
