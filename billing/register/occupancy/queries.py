"""Occupancy on a day, past or to come: one statement, whatever the size of the network."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, case, distinct, exists, func, or_, select

from billing.register.applications.queries import Demand, demand
from billing.register.network_import.layout import LETTABLE
from billing.register.occupancy.shapes import Occupancy, Occupied
from billing.register.tables import application, lease, site, unit


def occupancy(connection: Connection, on: date) -> Occupancy:
    """Return how far sites and network are let on a day, by the leases and units as the register has them (R34).

    A firm counts once a site, and once in the network. The network's capacity and lettable area are the sums over the
    sites; None where a site with leases that day has none entered, or no site has.
    """
    x, u = lease.c, unit.c
    that_day = (x.starts_on <= on) & or_(x.ends_on.is_(None), x.ends_on >= on)
    firms_of_all = select(func.count(distinct(x.tenant))).where(that_day).scalar_subquery()
    lets = (
        select(x.site, func.count(distinct(x.tenant)).label("firms"), func.sum(x.area).label("let"))
        .where(that_day)
        .group_by(x.site)
        .subquery()
    )
    equipped = (
        select(u.site, func.sum(case((u.kind.in_(LETTABLE), u.area), else_=0)).label("lettable"))
        .group_by(u.site)
        .subquery()
    )
    asks = demand(on).subquery()
    rows = connection.execute(
        select(
            site.c.code,
            site.c.capacity,
            lets.c.firms,
            equipped.c.lettable,
            lets.c.let,
            firms_of_all.label("all"),
            asks.c.waiting,
            asks.c.coming,
            asks.c.area,
            exists(select(application.c.code)).label("kept"),
        )
        .outerjoin(asks, asks.c.site == site.c.code)
        .outerjoin(lets, lets.c.site == site.c.code)
        .outerjoin(equipped, equipped.c.site == site.c.code)
        .order_by(site.c.code)
    ).all()
    # PostgreSQL sums whole numbers to decimals.
    sums = [
        (r.code, r.capacity, r.firms or 0, None if r.lettable is None else int(r.lettable), int(r.let or 0))
        for r in rows
    ]
    kept = bool(rows and rows[0].kept)
    demands = {r.code: Demand(*(int(x or 0) for x in (r.waiting, r.coming, r.area))) for r in rows} if kept else None
    network = Occupied.of(
        _base((capacity, firms) for _, capacity, firms, _, _ in sums),
        rows[0].all if rows else 0,
        _base((lettable, firms) for _, _, firms, lettable, _ in sums),
        sum(let for *_, let in sums),
        None if demands is None else Demand(*map(sum, zip(*demands.values(), strict=True))),
    )
    sites = {
        code: Occupied.of(capacity, firms, lettable, let, None if demands is None else demands[code])
        for code, capacity, firms, lettable, let in sums
    }
    return Occupancy(on=on, sites=sites, network=network)


def _base(entered: Iterable[tuple[int | None, int]]) -> int | None:
    """Return the sum of what is entered, given with each site's firms; None where it would leave let sites out."""
    sites = list(entered)
    known = [base for base, _ in sites if base is not None]
    if not known or any(base is None and firms for base, firms in sites):
        return None
    return sum(known)
