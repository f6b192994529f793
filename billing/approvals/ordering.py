"""An order is carried out at once, or waits for a second person: whoever gives it calls `place`.

What whoever approves is shown is no description but the order itself, carried out and taken back: its effect, and the
entries it would post.
"""

import json
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, insert, select

from billing.approvals.entries_shown import entries_shown
from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.approvals.tables import approval_decision, approval_order, approvals_begun
from billing.frame.audit_log import act_of, record_change
from billing.frame.civil_time import Clock, today
from billing.frame.database import change_users, tried
from billing.frame.errors import NotAllowed
from billing.frame.settings import Settings

SUBJECT = "approvals"
REQUIRED = "approvals.required"


class Waiting(NamedTuple):
    """An order that waits for the approval of this number."""

    number: int

    def __str__(self) -> str:
        return f"waits for approval {self.number}"


class Shown(NamedTuple):
    """The canonical JSON of all that an order does, and the SHA-256 of it."""

    preview: str
    digest: str


def place(connection: Connection, kind: Orderable, order: Any, *, clock: Clock, settings: Settings) -> Done | Waiting:
    """Carry an order out, or let it wait where the settings ask for a second person and there is one to be had.

    Ordered again while it waits, it is the same order; what stands already waits for nobody. Raises what carrying it
    out raises, and NotAllowed where it would wait and nobody knows who orders.
    """
    act, now = act_of(connection), clock()
    circumstances = Circumstances(now, settings, act.person)
    if not _must_wait(connection, kind, order, circumstances):
        return kind.carry_out(connection, order, circumstances)
    change_users(connection)
    with tried(connection):
        done = kind.carry_out(connection, order, circumstances)
        shown = shown_of(connection, kind, done)
    if not done.changed:
        return done
    if act.user is None:
        raise NotAllowed(
            f"a second person must approve this, and nobody knows who {act.actor} is: order it with a token of yours "
            "(BILLING_TOKEN; `technopark-billing token create NAME --user USER`), or let an administrator link "
            "your login to your user (`users change USER --os-user LOGIN`)"
        )
    content = msgspec.json.encode(order).decode()
    standing = _standing(connection, kind, content)
    if standing is not None:
        return Waiting(standing)
    number = int(connection.scalar(select(func.coalesce(func.max(approval_order.c.id), 0))) or 0) + 1
    connection.execute(
        insert(approval_order).values(
            id=number, kind=kind.kind, content=content, preview=shown.preview, digest=shown.digest,
            ordered_by=act.user, ordered_at=now,
        )
    )  # fmt: skip
    waiting = {"state": "waiting", "kind": kind.kind, "ordered_by": act.user, "digest": shown.digest}
    record_change(connection, SUBJECT, str(number), None, waiting)
    return Waiting(number)


def _must_wait(connection: Connection, kind: Orderable, order: Any, circumstances: Circumstances) -> bool:
    required = circumstances.settings.terms.at(REQUIRED, today(circumstances.recorded_at))
    return (
        kind.kind in required
        and connection.scalar(select(approvals_begun.c.id)) is not None
        and kind.applies(connection, order, circumstances)
    )


def _standing(connection: Connection, kind: Orderable, content: str) -> int | None:
    """Return the number of the same order, if it waits."""
    o = approval_order.c
    same = (
        select(o.id)
        .outerjoin_from(approval_order, approval_decision, approval_decision.c.order_id == o.id)
        .where(o.kind == kind.kind, o.content == content, approval_decision.c.order_id.is_(None))
    )
    found: int | None = connection.scalar(same.order_by(o.id).limit(1))
    return found


def shown_of(connection: Connection, kind: Orderable, done: Done) -> Shown:
    """Return what an order has done in this transaction, as whoever approves is shown it."""
    entries = entries_shown(connection, done.references)
    told = {"kind": kind.kind, "effect": msgspec.to_builtins(done.effect), "entries": entries}
    preview = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Shown(preview, sha256(preview.encode()).hexdigest())
