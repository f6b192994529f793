"""A waiting order is approved, and so carried out, or refused; once, by another person than ordered it.

It is carried out by the function that would have done so at once, in the approval's own transaction. If it does
something else than was shown, or can't be done any more, the approval is void and nothing is done.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.approvals.ordering import SUBJECT, shown_of
from billing.approvals.tables import approval_decision, approval_order
from billing.frame.audit_log import REASON_LENGTH_MAX, act_of, record_change
from billing.frame.database import change_users, tried
from billing.frame.errors import BillingError, Conflict, Fault, NotAllowed, Refused, Unknown
from billing.frame.settings import Settings
from billing.frame.users import APPROVING, AUDITOR, User, find_user
from invoices.errors import InvoicingError
from ledger.errors import LedgerError
from pricing.errors import PricingError

APPROVED, REFUSED, VOID = "approved", "refused", "void"
_DOMAIN = (BillingError, InvoicingError, LedgerError, PricingError)


class _Changed(Exception):
    """The order does something else than was shown."""


def approve(
    connection: Connection,
    kinds: Mapping[str, Orderable],
    number: int,
    *,
    now: datetime,
    settings: Settings,
    digest: str | None = None,
) -> str:
    """Carry a waiting order out and record the approval; return the outcome, `approved` or `void`.

    `digest` is that of what the person was shown, if it is known. Raises NotAllowed for who may not approve it,
    Unknown, Conflict for an order that was decided, or another digest.
    """
    user, row = _begun(connection, number)
    if user.role not in APPROVING:
        raise NotAllowed(f"{user.name} has the role {user.role}: an approver or an administrator approves")
    if user.name == row.ordered_by:
        raise NotAllowed(f"{user.name} ordered it: somebody else approves")
    if digest is not None and digest.removeprefix("sha256:") != row.digest:
        raise Conflict(f"approval {number} is of something else than what was shown: look at it again")
    orderer = find_user(connection, row.ordered_by)
    if orderer is None or orderer.disabled_at is not None or orderer.role == AUDITOR:
        problem = f"{row.ordered_by}, who ordered it, may not order any more"
        return _record(connection, row, user, VOID, now, reason=problem)
    circumstances = Circumstances(now, settings, row.ordered_by, user.name)
    try:
        done = _carried_out(connection, kinds[row.kind], row, circumstances)
    except _Changed:
        problem = "what it would do has changed since it was ordered"
    except _DOMAIN as error:
        problem = f"it can't be done any more: {error}"
    else:
        return _record(connection, row, user, APPROVED, now, result=done.number)
    return _record(connection, row, user, VOID, now, reason=problem)


def refuse(connection: Connection, number: int, reason: str, *, now: datetime) -> str:
    """Refuse a waiting order, or take one's own back, for a reason. Raises as `approve` does; Refused without one."""
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX or not reason.isprintable():
        problem = f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed"
        raise Refused([Fault("approval", None, "reason", None, problem, "say in a sentence why")])
    user, row = _begun(connection, number)
    if user.role not in APPROVING and user.name != row.ordered_by:
        raise NotAllowed(f"{user.name} has the role {user.role}: an approver refuses, or who ordered it takes it back")
    return _record(connection, row, user, REFUSED, now, reason=reason)


def _begun(connection: Connection, number: int) -> tuple[User, Row[Any]]:
    """Return who decides, as users stand now and will until the transaction ends, and the order that waits."""
    change_users(connection)
    act = act_of(connection)
    user = None if act.user is None else find_user(connection, act.user)
    if user is None:
        raise NotAllowed(f"nobody knows who {act.actor} is: decide with a token of yours, or by a login that is linked")
    user.require_enabled()
    row = connection.execute(select(approval_order).where(approval_order.c.id == number)).one_or_none()
    if row is None:
        raise Unknown(f"there is no approval {number}: see `technopark-billing approvals list`")
    decided = connection.execute(select(approval_decision).where(approval_decision.c.order_id == number)).one_or_none()
    if decided is not None:
        raise Conflict(f"approval {number} was decided already: {decided.outcome}, by {decided.decided_by}")
    return user, row


def _carried_out(connection: Connection, kind: Orderable, row: Row[Any], circumstances: Circumstances) -> Done:
    """Carry an order out; raises _Changed, with nothing done, where it does something else than was shown."""
    order: Any = msgspec.json.decode(row.content, type=kind.order)
    with tried(connection) as attempt:
        done = kind.carry_out(connection, order, circumstances)
        if not done.changed or shown_of(connection, kind, done).digest != row.digest:
            raise _Changed
        attempt.keep()
    return done


def _record(
    connection: Connection,
    row: Row[Any],
    user: User,
    outcome: str,
    now: datetime,
    *,
    reason: str | None = None,
    result: str | None = None,
) -> str:
    connection.execute(
        insert(approval_decision).values(
            order_id=row.id, ordered_by=row.ordered_by, outcome=outcome, decided_by=user.name, role=user.role,
            decided_at=now, reason=reason, result=result,
        )
    )  # fmt: skip
    after = {"state": outcome, "decided_by": user.name, "reason": reason, "result": result}
    record_change(connection, SUBJECT, str(row.id), {"state": "waiting"}, after)
    return outcome
