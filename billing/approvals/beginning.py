"""From the moment two enabled users may approve, orders wait; it does not end when one of them is disabled (R23).

Otherwise whoever may disable users could switch the second person off.
"""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from billing.approvals.tables import approvals_begun
from billing.frame.audit_log import record_change
from billing.frame.tables import app_user
from billing.frame.users import APPROVING

PEOPLE_LEAST = 2


def begin_if_due(connection: Connection, *, now: datetime) -> None:
    """Let orders wait from now on if two enabled users may approve; the caller holds `change_users`."""
    begun = connection.scalar(select(approvals_begun.c.begun_at))
    if begun is None and may_approve(connection) >= PEOPLE_LEAST:
        connection.execute(insert(approvals_begun).values(id=1, begun_at=now))
        record_change(connection, "approvals", "begun", None, {"begun": True})


def may_approve(connection: Connection) -> int:
    """Count the enabled users who may approve."""
    c = app_user.c
    counted = select(func.count()).where(c.disabled_at.is_(None), c.role.in_(APPROVING))
    return int(connection.scalar(counted) or 0)
