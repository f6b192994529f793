"""Proof that two people stand behind every approved order, and that it was carried out as it was shown (R23)."""

import json
from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection, select

from billing.approvals.beginning import PEOPLE_LEAST, may_approve
from billing.approvals.deciding import APPROVED
from billing.approvals.ordering import SUBJECT
from billing.approvals.queries import approvals_listed
from billing.approvals.tables import approval_decision, approvals_begun
from billing.frame.checking import Proof, Step
from billing.frame.tables import audit_change, audit_event


def approvals(connection: Connection, _step: Step) -> Iterator[str]:
    """Each order was given and decided by the users that the audit log names, an approved one by two of them."""
    c = audit_change.c
    changes = connection.execute(
        select(c.key, c.before, c.after, audit_event.c.user_name)
        .join_from(audit_change, audit_event, audit_event.c.id == c.act_id)
        .where(c.subject == SUBJECT)
        .order_by(c.act_id, c.seq)
    ).all()
    given = {row.key: (json.loads(row.after), row.user_name) for row in changes if row.before is None}
    decided = {row.key: (json.loads(row.after), row.user_name) for row in changes if row.before is not None}
    begun = given.pop("begun", None)
    rows = approvals_listed(connection)
    for place, row in enumerate(rows, 1):
        name, key = f"approval {row.id}", str(row.id)
        if row.id != place:
            yield f"{name} stands where number {place} should: orders are missing"
        if sha256(row.preview.encode()).hexdigest() != row.digest:
            yield f"{name}: what it shows is not what its digest is of"
        told, user = given.pop(key, ({}, None))
        if (told.get("digest"), told.get("ordered_by"), user) != (row.digest, row.ordered_by, row.ordered_by):
            yield f"{name}: {row.ordered_by} is not who ordered this by the audit log"
        told, user = decided.pop(key, ({}, None))
        outcome = (row.outcome, row.decided_by, row.decision_reason, row.result)
        logged = tuple(told.get(field) for field in ("state", "decided_by", "reason", "result"))
        if outcome != logged or user != row.decided_by:
            stands = f"{row.outcome or 'waiting'} by {row.decided_by}"
            yield f"{name}: it is {stands}, the audit log says {logged[0]} by {user}"
        if row.outcome == APPROVED and row.decided_by == row.ordered_by:
            yield f"{name}: {row.decided_by} approved what {row.ordered_by} had ordered"
    yield from (f"approval {key} was ordered and is missing" for key in given)
    yield from (f"the decision about approval {key} is missing" for key in decided)
    yield from _beginning(connection, is_recorded=begun is not None)


def _beginning(connection: Connection, *, is_recorded: bool) -> Iterator[str]:
    """Orders wait since two users might approve: that is recorded, and stays."""
    has_begun = connection.scalar(select(approvals_begun.c.id)) is not None
    if is_recorded and not has_begun:
        yield "orders do not wait for approvals any more, though the audit log says since when they do"
    elif not has_begun and may_approve(connection) >= PEOPLE_LEAST:
        yield "two users may approve, and orders do not wait for approvals"
    orphans = select(approval_decision.c.order_id, approval_decision.c.ordered_by)
    ordered = {(row.id, row.ordered_by) for row in approvals_listed(connection)}
    for row in connection.execute(orphans):
        if tuple(row) not in ordered:
            yield f"the decision about approval {row.order_id} is about no order of {row.ordered_by}"


CHECKS: tuple[Proof, ...] = (approvals,)
