"""Cancellations of money that never moved, over HTTP: bank lines that named it wait again by it."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields
from sqlalchemy import Connection

from billing.approvals.http import WAITS, placed
from billing.approvals.shapes import Approval
from billing.bank.approving import CANCELLATION, CancellationOrder
from billing.bank.cancelling import cancel_paid_back
from billing.frame.audit_log import require_reason
from billing.frame.codes import DEBT_ACT, deposit_movement
from billing.frame.errors import Unknown
from billing.frame.http.fields import Day
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import writes
from billing.frame.tokens import RECEIPTS
from billing.receivables.debts.cancelling import find_recovery
from billing.receivables.debts.deciding import debt_standing
from billing.receivables.debts.shapes import Debt
from billing.receivables.deposits.deposits import deposit_of_lease, deposit_shape
from billing.receivables.deposits.shapes import Deposit
from billing.receivables.receipts.queries import find_refund, receipt_story
from billing.receivables.receipts.shapes import ReceiptStory, Refund

blueprint = ApiBlueprint(
    "cancellations",
    __name__,
    url_prefix="/v1",
    description="Receipts that should never have been entered",
    fine_scope=RECEIPTS,
)
_FIELDS: Mapping[str, fields.Field[Any]] = {
    "on": Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "The day it is cancelled on; its own day unless given"},
    ),
    "reason": Reason("Why it is cancelled; required", required=False),
}


@blueprint.route("/receipts/<money:received>/cancellation", methods=["POST"])
@blueprint.response(201, ReceiptStory)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(strict_schema("CancellationOrder", _FIELDS))
@writes
def cancel_received(connection: Connection, order: Mapping[str, Any], received: int) -> Answer:
    """Cancel a receipt that should never have been entered: what it settled is open again, its VAT goes back."""
    reason = order["reason"] or require_reason(connection, "cancelling a receipt")
    wanted = CancellationOrder(received, reason, order["on"])
    return placed(connection, CANCELLATION, wanted, lambda _: Answer(receipt_story(connection, received), 201))


@blueprint.route("/deposits/<part:code>/movements/<serial:movement>/cancellation", methods=["POST"])
@blueprint.response(201, Deposit)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(strict_schema("DepositCancellationOrder", _FIELDS))
@writes
def cancel_deposit_movement(connection: Connection, order: Mapping[str, Any], code: str, movement: int) -> Answer:
    """Cancel money of a lease's deposit that never moved, by its place: what is held is as before."""
    reason = order["reason"] or require_reason(connection, "cancelling a movement of a deposit")
    key = deposit_of_lease(connection, code)
    wanted = CancellationOrder(None, reason, order["on"], deposit_movement(key, movement))
    return placed(connection, CANCELLATION, wanted, lambda _: Answer(deposit_shape(connection, key), 201))


@blueprint.route("/debts/<followed:number>/recoveries/<serial:decision>/cancellation", methods=["POST"])
@blueprint.response(201, Debt)
@blueprint.alt_response(202, schema=Approval, **WAITS)
@blueprint.arguments(strict_schema("RecoveryCancellationOrder", _FIELDS))
@writes
def cancel_recovered(connection: Connection, order: Mapping[str, Any], number: str, decision: int) -> Answer:
    """Cancel what was recovered of an invoice and never came, by the number in its name (CR-7: 7)."""
    reason = order["reason"] or require_reason(connection, "cancelling what was recovered")
    if find_recovery(connection, decision).number != number:
        raise Unknown(f"{DEBT_ACT.format(decision)} is no decision about {number}")
    wanted = CancellationOrder(None, reason, order["on"], DEBT_ACT.format(decision))
    return placed(connection, CANCELLATION, wanted, lambda _: Answer(debt_standing(connection, number), 201))


@blueprint.route("/refunds/<refund:paid>/cancellation", methods=["POST"])
@blueprint.response(201, Refund)
@blueprint.arguments(strict_schema("RefundCancellationOrder", _FIELDS))
@writes
def cancel_refunded(connection: Connection, order: Mapping[str, Any], paid: int) -> Answer:
    """Cancel a refund that was never paid: the credit or the credit note it paid back is there again."""
    reason = order["reason"] or require_reason(connection, "cancelling a refund")
    cancel_paid_back(connection, paid, reason=reason, recorded_at=service().clock(), on=order["on"])
    return Answer(Refund.of(find_refund(connection, paid)), 201)
