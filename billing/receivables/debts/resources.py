"""Doubtful and lost debts: where they stand, what was decided about them, deciding."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.approvals.http import WAITS, placed
from billing.approvals.shapes import Approval
from billing.entries.debts import KINDS
from billing.frame.audit_log import act_of
from billing.frame.http.fields import INVOICE_DOC, Amount, Cell, Code, Day
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.receivables.debts.approving import WRITE_OFF
from billing.receivables.debts.deciding import ACT_KEY, Order, acts, debt_standing
from billing.receivables.debts.shapes import Debt, DebtAct

_ORDER: Mapping[str, fields.Field[Any]] = {
    "invoice": Cell(INVOICE_DOC, required=True),
    "kind": fields.String(
        required=True, validate=validate.OneOf(KINDS), metadata={"description": "The kind of decision"}
    ),
    "amount": Amount(
        load_default=None,
        allow_none=True,
        metadata={"description": "VAT included, but for provisions; all that is possible unless given"},
    ),
    "decided_on": Day(load_default=None, allow_none=True, metadata={"description": "Today in Casablanca unless given"}),
    "reference": Cell(
        {"description": "The bank's own reference of what was recovered: it counts once", "maxLength": 100},
        load_default=None,
        allow_none=True,
    ),
    "reason": Reason("Why it is decided"),
}
blueprint = ApiBlueprint("debts", __name__, url_prefix="/v1", description="Doubtful and lost debts")


@blueprint.route("/debts")
@blueprint.response(200, Page[DebtAct])
@blueprint.arguments(
    query_schema("DebtQuery", {"tenant": Code(metadata={"description": "Of one tenant"})}), location="query"
)
@reads
def list_debt_acts(connection: Connection, query: Mapping[str, Any]) -> Page[DebtAct]:
    """What was decided about debts, in order."""
    return page(connection, acts(tenant_code=query.get("tenant")), ACT_KEY, query, DebtAct.of)


@blueprint.route("/debts", methods=["POST"])
@blueprint.makes(Debt, headers=LOCATION)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(strict_schema("DebtOrder", _ORDER))
@writes
def create_debt_act(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Decide about an invoice's debt and book it; a write-off may wait for a second person."""
    decision = Order(
        invoice=order["invoice"],
        kind=order["kind"],
        decided_on=order["decided_on"] or service().today(),
        amount=order["amount"],
        reason=order["reason"],
        asked_by=act_of(connection).person,
        reference=order["reference"],
    )
    headers = {"Location": f"/v1/debts/{decision.invoice}"}
    return placed(
        connection, WRITE_OFF, decision, lambda done: Answer(done.answer, 201 if done.changed else 200, headers)
    )


@blueprint.route("/debts/<document:number>")
@blueprint.response(200, Debt)
@reads
def get_debt(connection: Connection, number: str) -> Debt:
    """Where the debt of an invoice stands."""
    return debt_standing(connection, number)
