"""The end of a run: the waterfall over everything it issued, posted once (R17, R18, R21)."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from billing.entries.accounts import GRANTS, RESERVE
from billing.entries.cross_subsidy import waterfall_entry, waterfall_reference
from billing.frame.database import insert_rows
from billing.register.tables import site, subsidy_grant
from billing.run.matrices import KeptMatrix, keep
from billing.run.tables import run_position
from ledger.balances import account_balance
from ledger.entry import Entry, reversal
from ledger.journal import load_entry, post
from ledger.models import entry_counter, posting
from pricing.cross_subsidy import Grant, Position, Waterfall, waterfall
from pricing.funding_matrix import funding_of
from pricing.money import format_amount
from pricing.period import format_month
from pricing.projection import Funds


class SiteSums(NamedTuple):
    """The sums that tenants supply and need at each site, and the advantage of all, in centimes (R16, R17)."""

    contributions: dict[str, int]
    draws: dict[str, int]
    advantage: int


def sum_positions(positions: Iterable[Position], sites: Iterable[str]) -> SiteSums:
    """Return the sums per site, every site of the network named."""
    contributions = dict.fromkeys(sites, 0)
    draws = dict(contributions)
    advantage = 0
    for position in positions:
        contributions[position.site] += position.supply
        draws[position.site] += position.need
        advantage += position.advantage
    return SiteSums(contributions, draws, advantage)


def positions_by_tenant(connection: Connection, period: date) -> list[tuple[str, Position]]:
    """Return the positions a run has stored so far, each with its tenant."""
    c = run_position.c
    rows = connection.execute(select(c.tenant, c.site, c.contribution, c.draw, c.advantage).where(c.period == period))
    return [(row[0], Position(*row[1:])) for row in rows]


def stored_positions(connection: Connection, period: date) -> list[Position]:
    """Return the positions a run has stored so far."""
    return [position for _, position in positions_by_tenant(connection, period)]


def network_sites(connection: Connection) -> list[str]:
    """Return every site of the network, by code."""
    return sorted(connection.scalars(select(site.c.code)))


def standing_waterfall(connection: Connection, period: date, attempts: int) -> Entry | None:
    """Return the waterfall's entry that stands for a run so far; None before the first is posted."""
    for attempt in range(attempts, 0, -1):
        reference = waterfall_reference(period, attempt)
        posted = load_entry(connection, reference)
        if posted is not None:
            return None if load_entry(connection, _reversal_reference(reference)) is not None else posted
    return None


def _reversal_reference(reference: str) -> str:
    return f"{reference}/annulation"


def solve(connection: Connection, period: date, sums: SiteSums, own: Entry | None) -> Waterfall:
    """Compute R18 for a run, from the reserve and the grants as they stood before it.

    `own` is the run's own waterfall entry, where it still stands: what it moved is left out.
    """
    reserve, grants = standing_funds(connection, own)
    return waterfall(sums.contributions, sums.draws, reserve, grants, period)


def standing_funds(connection: Connection, own: Entry | None = None) -> Funds:
    """Return the reserve and the grants as the books have them, but for what the entry `own` moved."""
    moved = () if own is None else own.postings
    reserve = -account_balance(connection, RESERVE)
    grant = subsidy_grant.c
    rows = connection.execute(select(grant.code, grant.site, grant.granted_on)).all()
    left = dict(
        connection.execute(
            select(posting.c.auxiliary, -func.sum(posting.c.amount))
            .where(posting.c.auxiliary.in_([row.code for row in rows]), posting.c.account == GRANTS)
            .group_by(posting.c.auxiliary)
        ).all()
    )
    for p in moved:
        if p.account == RESERVE:
            reserve += p.amount
        elif p.account == GRANTS and p.auxiliary is not None:
            left[p.auxiliary] += p.amount
    return Funds(reserve, tuple(Grant(row.code, row.site, row.granted_on, int(left.get(row.code, 0))) for row in rows))


def close(
    connection: Connection, period: date, issued_on: date, attempt: int, recorded_at: datetime, standing: str | None
) -> str:
    """Post the waterfall of all the run has issued, keep who funded whom; gives its outcome as exported, in JSON.

    `standing` is the outcome of a run that is tried again: where nothing it rests on was added it stays
    as it is, final (R14); else it is taken back and that of the whole run is posted.
    """
    positions = positions_by_tenant(connection, period)
    sums = sum_positions((position for _, position in positions), network_sites(connection))
    if standing is not None and rests_on(standing, sums):
        return standing
    former = standing_waterfall(connection, period, attempt - 1)
    if former is not None:
        label = f"Péréquation {format_month(period)} - annulation de la cascade"
        taken_back = reversal(former, _reversal_reference(former.reference), issued_on, label)
        post(connection, [taken_back], recorded_at=recorded_at, insert=insert_rows)
    through_entry = int(connection.scalar(select(entry_counter.c.last)) or 0)
    outcome = solve(connection, period, sums, None)
    keep(connection, KeptMatrix(period, attempt, through_entry, funding_of(positions, outcome)))
    entry_of_run = waterfall_entry(period, issued_on, attempt, outcome)
    if entry_of_run is not None:
        post(connection, [entry_of_run], recorded_at=recorded_at, insert=insert_rows)
    return json.dumps(cross_subsidy_json(period, sums.advantage, outcome))


def rests_on(outcome: str, sums: SiteSums) -> bool:
    """Return whether an outcome was found from these very sums; a site that joined since brings nothing."""
    exported = json.loads(outcome)
    then = {code: (site["contributions"], site["draws"]) for code, site in exported["sites"].items()}
    nothing = (format_amount(0), format_amount(0))
    return bool(exported["advantage"] == format_amount(sums.advantage)) and all(
        then.get(code, nothing) == (format_amount(sums.contributions[code]), format_amount(sums.draws[code]))
        for code in sums.contributions
    )


def cross_subsidy_json(period: date, advantage: int, outcome: Waterfall) -> Mapping[str, Any]:
    """Return the waterfall of a run in the contract's shape, with the parts it rests on."""
    return {
        "period": format_month(period),
        "advantage": format_amount(advantage),
        "sites": {
            code: {
                "contributions": format_amount(f.contributions),
                "draws": format_amount(f.draws),
                "earmarked_grants": format_amount(f.earmarked_grants),
                "own": format_amount(f.own),
                "network": format_amount(f.network),
                "reserve": format_amount(f.reserve),
                "network_grants": format_amount(f.network_grants),
                "unfunded": format_amount(f.unfunded),
            }
            for code, f in outcome.sites.items()
        },
        "reserve_before": format_amount(outcome.reserve_before),
        "surplus": format_amount(outcome.surplus),
        "reserve_after": format_amount(outcome.reserve_after),
        "grants_left": {code: format_amount(left) for code, left in sorted(outcome.grants_left.items())},
    }
