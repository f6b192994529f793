"""Addresses give orders that may wait: they answer 202 with the order that waits, or what was done at once."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from billing.approvals.orderable import Done, Orderable
from billing.approvals.ordering import Waiting, place
from billing.approvals.queries import find_approval
from billing.approvals.shapes import Approval
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION
from billing.frame.http.service import service

# An operation documents it so: `@blueprint.alt_response(202, schema=Approval, **WAITS)`.
WAITS: Mapping[str, Any] = {
    "description": "It waits until a second person approves it", "success": True, "headers": LOCATION
}  # fmt: skip


def placed(connection: Connection, kind: Orderable, order: Any, answered: Callable[[Done], Answer]) -> Answer:
    """Give an order; answer with what was done, or with the order that waits."""
    placed_order = place(connection, kind, order, clock=service().clock, settings=service().settings)
    if not isinstance(placed_order, Waiting):
        return answered(placed_order)
    shape = Approval.of(find_approval(connection, placed_order.number))
    return Answer(shape, 202, {"Location": f"/v1/approvals/{placed_order.number}"})
