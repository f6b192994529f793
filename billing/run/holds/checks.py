"""Proof of holds: each is in the audit log, and the run it holds a tenant from gave that tenant nothing (R24)."""

import json
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, and_, exists, or_, select

from billing.frame.checking import Proof, Step
from billing.frame.tables import audit_change
from billing.register.tables import billing_run
from billing.run.holds.holding import SUBJECT
from billing.run.holds.queries import IS_HELD, is_last, latest
from billing.run.tables import run_hold, run_outcome, run_position
from invoices.models import document
from pricing.period import format_month

_NAMED = 20


def held_tenants(connection: Connection, _step: Step) -> Iterator[str]:
    """Each act is in the audit log; who is held has no document of that run, and only who is held counts as held."""
    yield from _unrecorded(connection)
    yield from _billed_all_the_same(connection)
    yield from _held_by_nobody(connection)


def _unrecorded(connection: Connection) -> Iterator[str]:
    """Acts that the audit log does not have, or has otherwise, and acts of the log that are missing (R32)."""
    h, c = run_hold.c, audit_change.c
    stored: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for row in connection.execute(select(run_hold).order_by(h.period, h.tenant, h.act_no)):
        acts = stored[f"{format_month(row.period)}/{row.tenant}"]
        acts.append((row.act_no % 2 == 1, row.reason))
        if row.act_no != len(acts):
            yield f"hold {format_month(row.period)}/{row.tenant}: act {len(acts)} is missing"
    recorded: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for key, after in connection.execute(select(c.key, c.after).where(c.subject == SUBJECT).order_by(c.act_id, c.seq)):
        said = json.loads(after)
        recorded[key].append((said["held"], said["reason"]))
    for key in sorted({*stored, *recorded}):
        if stored[key] != recorded[key]:
            yield f"hold {key}: its acts are {stored[key]}, the audit log says {recorded[key]}"


def _billed_all_the_same(connection: Connection) -> Iterator[str]:
    """Tenants that were held from a run, and billed by it or moved in its waterfall."""
    h, d, p, o = run_hold.c, document.c, run_position.c, run_outcome.c
    moved = or_(
        exists().where(d.tenant == h.tenant, d.period == h.period),
        exists().where(p.tenant == h.tenant, p.period == h.period),
        o.status.in_(("issued", "nothing")),
    )
    for row in connection.execute(latest().where(IS_HELD, moved).order_by(h.period, h.tenant).limit(_NAMED)):
        yield f"{row.tenant} is held from the run of {format_month(row.period)}, which billed it all the same"


def _held_by_nobody(connection: Connection) -> Iterator[str]:
    """Outcomes that say a tenant was held, where no hold stands or another reason is given."""
    h, o = run_hold.c, run_outcome.c
    query = (
        select(o.period, o.tenant)
        .join(billing_run, billing_run.c.period == o.period)
        .outerjoin(
            run_hold, and_(h.period == o.period, h.tenant == o.tenant, is_last(), IS_HELD, h.reason == o.message)
        )
        .where(o.status == "held", h.tenant.is_(None))
        .order_by(o.period, o.tenant)
        .limit(_NAMED)
    )
    for period, code in connection.execute(query):
        yield f"the run of {format_month(period)} left {code} out as held, and no hold with that reason stands"


CHECKS: tuple[Proof, ...] = (held_tenants,)
