"""The queries of holds: who is held from a run, and each hold as it stands."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, not_, select

from billing.frame.database import among
from billing.register.tables import tenant
from billing.run.tables import run_hold, run_outcome

_h = run_hold.c
# A tenant is held while the last of the acts is odd.
IS_HELD = _h.act_no % 2 == 1
HOLD_KEY = (_h.period, _h.tenant)


def is_last() -> ColumnElement[bool]:
    """Return the condition that an act is the last one of its hold."""
    later = run_hold.alias("later")
    return not_(exists().where(later.c.period == _h.period, later.c.tenant == _h.tenant, later.c.act_no > _h.act_no))


def latest() -> Select[Any]:
    """Select the last act of each hold, the tenant's name and the outcome of the run."""
    o = run_outcome.c
    return (
        select(run_hold, tenant.c.legal_name, o.status.label("outcome"))
        .join(tenant, tenant.c.code == _h.tenant)
        .outerjoin(run_outcome, and_(o.period == _h.period, o.tenant == _h.tenant))
        .where(is_last())
    )


def holds(period: date | None, *, held: bool | None = None) -> Select[Any]:
    """Select holds as they stand: of a month, if one is given; only those that stand, or were taken back, if asked."""
    rows = latest() if period is None else latest().where(_h.period == period)
    return rows if held is None else rows.where(IS_HELD if held else ~IS_HELD)


def hold_rows(connection: Connection, period: date, codes: Sequence[str]) -> list[Row[Any]]:
    """Return the holds of these tenants from a month's run, by code."""
    query = latest().where(_h.period == period, among(connection, _h.tenant, codes))
    return list(connection.execute(query.order_by(_h.tenant)))


def held_from(connection: Connection, period: date) -> dict[str, str]:
    """Return, by code, why tenants are held from the run of a month."""
    last = select(_h.tenant, func.max(_h.act_no).label("act_no")).where(_h.period == period).group_by(_h.tenant)
    acts = last.subquery()
    query = (
        select(_h.tenant, _h.reason)
        .join(acts, and_(acts.c.tenant == _h.tenant, acts.c.act_no == _h.act_no))
        .where(_h.period == period, IS_HELD)
    )
    return {code: reason for code, reason in connection.execute(query)}  # noqa: C416 - rows are no pairs to the type of dict


def held_in_vain(connection: Connection, previous: date | None, period: date) -> list[tuple[date, str]]:
    """Return the months between two runs that tenants are held from, with these: a run that bills them holds nobody."""
    if previous is None:
        return []
    rows = connection.execute(
        holds(None, held=True).where(_h.period > previous, _h.period < period).order_by(*HOLD_KEY)
    )
    return [(row.period, row.tenant) for row in rows]
