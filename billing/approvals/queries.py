"""The orders that wait or waited for a second person, as commands and addresses show them."""

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.approvals.tables import approval_decision, approval_order
from billing.frame.errors import Unknown

WAITING = "waiting"
APPROVAL_KEY = (approval_order.c.id,)


def approvals(*, state: str | None = None) -> Select[Any]:
    """Select every order with what became of it; `state`: those that are waiting, approved, refused or void alone."""
    d = approval_decision.c
    selected = select(
        approval_order, d.outcome, d.decided_by, d.decided_at, d.reason.label("decision_reason"), d.result
    ).outerjoin_from(approval_order, approval_decision, d.order_id == approval_order.c.id)
    if state is None:
        return selected
    return selected.where(d.outcome.is_(None) if state == WAITING else d.outcome == state)


def approvals_listed(connection: Connection, *, state: str | None = None) -> list[Row[Any]]:
    """Return the rows of `approvals`, in the order they were given: with `waiting`, what a month's closing counts."""
    return list(connection.execute(approvals(state=state).order_by(*APPROVAL_KEY)))


def find_approval(connection: Connection, number: int) -> Row[Any]:
    """Return the row of one order; raises Unknown."""
    row = connection.execute(approvals().where(approval_order.c.id == number)).one_or_none()
    if row is None:
        raise Unknown(f"there is no approval {number}: see `technopark-billing approvals list`")
    return row
