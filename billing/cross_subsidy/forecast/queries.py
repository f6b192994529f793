"""Ask the database for what a what-if prices: months, tenants with their usage, ceilings, the funds to begin with."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from billing.frame.errors import Fault, Refused, Unknown
from billing.register.tables import billing_run, lease, service, site, subsidy_grant, tenant, usage_event, usage_void
from pricing.cross_subsidy import Grant
from pricing.money import AMOUNT_DECIMALS, parse_decimal
from pricing.period import ONE_DAY, Period, add_months, format_month, months
from pricing.projection import Funds
from pricing.rating import Lease, UsageEvent

MONTHS_MAX = 36
_BEGINNING = date(1900, 1, 1)


def months_asked(connection: Connection, first: date | None, last: date | None) -> tuple[date, ...]:
    """Return the months compared: unless given, the runs of the latest run's year, so far. Raises Refused, Unknown."""
    c = billing_run.c
    done = list(connection.scalars(select(c.period).where(c.status == "complete").order_by(c.period)))
    if last is None:
        if not done:
            raise Unknown("nothing has been run yet: say which months are to be compared, with from and until")
        last = done[-1]
    if first is None:
        first = max(date(last.year, 1, 1), min([*done, last]))
    compared = months(first, last)
    if not 1 <= len(compared) <= MONTHS_MAX:
        problem = f"is no stretch of 1 to {MONTHS_MAX} months"
        span = f"{format_month(first)} to {format_month(last)}"
        raise Refused([Fault("what-if", None, "from", span, problem, "correct one of the two months")])
    return compared


def site_codes(connection: Connection) -> list[str]:
    """Return the codes of all sites, in order."""
    return sorted(connection.scalars(select(site.c.code)))


def count_tenants(connection: Connection) -> int:
    """Return how many tenants there are, and were."""
    return int(connection.scalar(select(func.count()).select_from(tenant)) or 0)


def read_ceilings(connection: Connection) -> Mapping[str, int | None]:
    """Return each service's ceiling of the subsidised price, VAT included, in centimes."""
    return dict(connection.execute(select(service.c.code, service.c.price_ceiling_incl_vat)).all())


class WhatIfTenant(NamedTuple):
    """A tenant with all its leases and the usage to be priced."""

    code: str
    name: str
    kind: str
    incorporated_on: date | None
    admitted_on: date | None
    leases: tuple[Lease, ...]
    events: tuple[UsageEvent, ...]


def tenants_asked(connection: Connection, low: str, high: str, used: Period | None) -> Iterator[WhatIfTenant]:
    """Read a batch of tenants with all their leases, and the usage of the days of `used`, by code."""
    leases: dict[str, list[Lease]] = {}
    for row in connection.execute(select(lease).where(lease.c.tenant.between(low, high)).order_by(lease.c.code)):
        end = None if row.ends_on is None else row.ends_on + ONE_DAY
        leases.setdefault(row.tenant, []).append(Lease(row.code, row.site, row.area, row.starts_on, end))
    events: dict[str, list[UsageEvent]] = {}
    if used is not None:
        c = usage_event.c
        rows_used = connection.execute(
            select(c.tenant, c.id, c.site, c.service, c.quantity, c.occurred_on)
            .outerjoin(usage_void, usage_void.c.usage_event_id == c.id)
            .where(
                c.tenant.between(low, high),
                c.occurred_on >= used.start,
                c.occurred_on < used.end,
                usage_void.c.usage_event_id.is_(None),
            )
            .order_by(c.occurred_on, c.id)
        )
        for code, *event in rows_used:
            events.setdefault(code, []).append(UsageEvent(*event))
    t = tenant.c
    rows = connection.execute(
        select(t.code, t.legal_name, t.kind, t.incorporated_on, t.admitted_on)
        .where(t.code.between(low, high))
        .order_by(t.code)
    )
    for row in rows:
        code, name, kind, incorporated_on, admitted_on = row
        lets, used_by = tuple(leases.get(code, ())), tuple(events.get(code, ()))
        yield WhatIfTenant(code, name, kind, incorporated_on, admitted_on, lets, used_by)


def usage_since(connection: Connection, first: date) -> date:
    """Return the day from which on the run of the first month bills usage (R10, R12).

    It is the first of the month before, or the beginning of all if no run came before it.
    """
    earlier = connection.scalar(select(billing_run.c.period).where(billing_run.c.period < first).limit(1))
    return _BEGINNING if earlier is None else add_months(first, -1)


def funds_before(connection: Connection, first: date) -> Funds:
    """Read the reserve and the grants as the run before the first month left them.

    Before any run there is no reserve, and all of every grant.
    """
    c = billing_run.c
    stored = connection.scalar(
        select(c.cross_subsidy).where(c.period < first, c.status == "complete").order_by(c.period.desc()).limit(1)
    )
    outcome: Mapping[str, Any] = {"reserve_after": "0.00", "grants_left": {}} if stored is None else json.loads(stored)
    left = {code: parse_decimal(text, AMOUNT_DECIMALS) for code, text in outcome["grants_left"].items()}
    g = subsidy_grant.c
    grants = connection.execute(select(g.code, g.site, g.granted_on, g.amount).order_by(g.code))
    return Funds(
        parse_decimal(outcome["reserve_after"], AMOUNT_DECIMALS),
        tuple(Grant(row.code, row.site, row.granted_on, left.get(row.code, row.amount)) for row in grants),
    )
