"""The matrix of a run computed again from its positions and its posted waterfall, for runs that kept none."""

import json
from datetime import date

from sqlalchemy import Connection, func, literal, select

from billing.entries.accounts import GRANTS
from billing.register.tables import billing_run
from billing.run.closing import positions_by_tenant, standing_waterfall
from billing.run.matrices import KeptMatrix, keep
from billing.run.tables import funding_matrix, run_position
from ledger.models import entry
from pricing.cross_subsidy import GrantUse, SiteFunding, Waterfall
from pricing.funding_matrix import Funding, funding_of
from pricing.money import AMOUNT_DECIMALS, parse_decimal
from pricing.period import format_month

_OF_SITE = tuple(SiteFunding.__dataclass_fields__)


def recomputed_funding(connection: Connection, period: date) -> Funding:
    """Return the matrix of a complete run: a function of what it stored and posted (R17-R19)."""
    run = connection.execute(select(billing_run).where(billing_run.c.period == period)).one()
    exported = json.loads(run.cross_subsidy)
    posted = standing_waterfall(connection, period, run.attempt)
    uses = tuple(
        GrantUse(p.auxiliary, p.site, p.amount)
        for p in (() if posted is None else posted.postings)
        if p.account == GRANTS and p.auxiliary is not None and p.site is not None
    )
    sites = {
        code: SiteFunding(*(_amount(site[name]) for name in _OF_SITE))
        for code, site in sorted(exported["sites"].items())
    }
    outcome = Waterfall(
        sites=sites,
        grant_uses=uses,
        grants_left={code: _amount(left) for code, left in exported["grants_left"].items()},
        reserve_before=_amount(exported["reserve_before"]),
        reserve_used=sum(site.reserve for site in sites.values()),
        surplus=_amount(exported["surplus"]),
    )
    return funding_of(positions_by_tenant(connection, period), outcome)


def _amount(text: str) -> int:
    return parse_decimal(text, AMOUNT_DECIMALS)


def keep_missing(connection: Connection) -> int:
    """Keep the matrix of every complete run that has none, as older versions left them; gives how many.

    A run whose rows were spoilt gets none: `check`, which names it, must be able to run on this version.
    """
    c = billing_run.c
    with_matrix = select(funding_matrix.c.period)
    without = select(c.period, c.attempt).where(c.status == "complete", c.period.not_in(with_matrix)).order_by(c.period)
    number = 0
    for period, attempts in connection.execute(without).all():
        try:
            funding = recomputed_funding(connection, period)
        except (KeyError, TypeError, ValueError):
            continue
        keep(connection, KeptMatrix(period, *_closing(connection, period, attempts), funding))
        number += 1
    return number


def _closing(connection: Connection, period: date, attempts: int) -> tuple[int, int]:
    """Return the attempt whose waterfall stands, and the last entry before it; else the positions' last entry."""
    posted = standing_waterfall(connection, period, attempts)
    if posted is not None:
        number = connection.scalar(select(entry.c.id).where(entry.c.reference == posted.reference))
        return int(posted.reference.rpartition("/")[2]), int(number or 0) - 1
    return attempts, last_position_entry(connection, period)


def last_position_entry(connection: Connection, period: date) -> int:
    """Return the number of the last entry by which a tenant of a run supplies or needs something; else zero."""
    p = run_position.c
    reference = literal(f"PER/{format_month(period)}/").concat(p.tenant)
    newest = connection.scalar(
        select(func.max(entry.c.id))
        .select_from(run_position)
        .join(entry, entry.c.reference == reference)
        .where(p.period == period, (p.contribution != 0) | (p.draw != 0))
    )
    return int(newest or 0)
