"""Ask what if: another rate card, window or discount on the whole network and its real usage, beside today's.

Both sides are priced here, month by month, by the engine of the runs: the office months and the usage that the runs of
those months bill, from the register as it stands. Where nothing was corrected since, today's side is what the
runs gave. Nothing is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from billing.cross_subsidy.forecast.queries import (
    WhatIfTenant,
    funds_before,
    read_ceilings,
    site_codes,
    tenants_asked,
    usage_since,
)
from billing.cross_subsidy.forecast.register import tenant_ranges
from billing.cross_subsidy.forecast.terms import Asked, Terms, other_versions, require_ceilings
from billing.register.catalogue import load_openings, load_rate_versions, load_vat_book
from pricing.cross_subsidy import Position, SiteFunding, positions
from pricing.eligibility import WINDOW_MONTHS, tenancy
from pricing.errors import PricingError
from pricing.period import Period, add_months
from pricing.projection import Funds, Stay, cascade, lines_of_run
from pricing.rates import RateBook
from pricing.rating import PricedLine

MOVERS_SHOWN = 10


class Figures(NamedTuple):
    """A site's or the network's sums over the months, in centimes: income without VAT, advantage, and R18's."""

    income: int
    advantage: int
    contributions: int
    draws: int
    earmarked_grants: int
    own: int
    network: int
    reserve: int
    network_grants: int
    unfunded: int


class Mover(NamedTuple):
    """A tenant's payments in those months without VAT, in centimes: by today's terms, and by those asked about."""

    tenant: str
    name: str
    today: int
    asked: int

    @property
    def difference(self) -> int:
        """Return the amount it pays more; negative: less."""
        return self.asked - self.today


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: figures by site, of the network, and the reserve after the last run."""

    sites: Mapping[str, Figures]
    network: Figures
    reserve_after: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Both sides; every tenant that is billed by either; and who can't be priced by one of them, left out of both."""

    months: tuple[date, ...]
    reserve_before: int
    today: Side
    asked: Side
    movers: tuple[Mover, ...]
    unpriced: tuple[tuple[str, str], ...]

    def most(self, count: int = MOVERS_SHOWN) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
        """Return those who would pay most more, and most less, at most so many of each; ties by code."""
        more = sorted((m for m in self.movers if m.difference > 0), key=lambda m: (-m.difference, m.tenant))
        less = sorted((m for m in self.movers if m.difference < 0), key=lambda m: (m.difference, m.tenant))
        return tuple(more[:count]), tuple(less[:count])


class _Priced(NamedTuple):
    """A tenant's income and positions by one side's terms, by site, month by month."""

    income: tuple[Mapping[str, int], ...]
    positions: tuple[tuple[Position, ...], ...]


def what_if(
    connection: Connection,
    asked: Asked,
    compared: Sequence[date],
    progress: Callable[[int, int], None] | None = None,
) -> WhatIf:
    """Price those months for every tenant by today's terms and by those asked about. Raises Refused.

    `progress` is told batches of tenants done and in all.
    """
    versions, vat, opened = load_rate_versions(connection), load_vat_book(connection), load_openings(connection)
    other = other_versions(versions, asked)
    require_ceilings(read_ceilings(connection), other, vat, asked)
    sides = (
        Terms(RateBook(versions, opened), vat, WINDOW_MONTHS),
        Terms(RateBook(other, opened), vat, WINDOW_MONTHS if asked.window_months is None else asked.window_months),
    )
    sums = (_Sums(len(compared)), _Sums(len(compared)))
    movers, unpriced = [], []
    ranges = tenant_ranges(connection)
    since = usage_since(connection, compared[0])
    used = Period(since, compared[-1]) if since < compared[-1] else None
    for done, (low, high) in enumerate(ranges, 1):
        for tenant in tenants_asked(connection, low, high, used):
            try:
                priced = [_price(tenant, compared, since, terms) for terms in sides]
            except PricingError as error:
                unpriced.append((tenant.code, str(error)))
                continue
            for side, bills in zip(sums, priced, strict=True):
                side.add(bills)
            pays = [sum(sum(of_month.values()) for of_month in bills.income) for bills in priced]
            if any(pays):
                movers.append(Mover(tenant.code, tenant.name, *pays))
        if progress is not None:
            progress(done, len(ranges))
    funds = funds_before(connection, compared[0])
    sites = site_codes(connection)
    today, other_side = (side.outcome(compared, sites, funds) for side in sums)
    return WhatIf(tuple(compared), funds.reserve, today, other_side, tuple(movers), tuple(unpriced))


def _price(tenant: WhatIfTenant, compared: Sequence[date], since: date, terms: Terms) -> _Priced:
    starts = (let.start for let in tenant.leases)
    stands = tenancy(tenant.kind, tenant.incorporated_on, tenant.admitted_on, starts, window_months=terms.window_months)
    stay = Stay(stands, tenant.leases, tenant.events, (), bool(tenant.leases))
    income, brought = [], []
    for month in compared:
        used = Period(since if month == compared[0] else add_months(month, -1), month)
        lines = lines_of_run(stay, month, used, None, terms.rates, terms.vat)
        both = (*lines.offices, *lines.usage)
        income.append(_income(both))
        brought.append(positions(both))
    return _Priced(tuple(income), tuple(brought))


def _income(lines: Iterable[PricedLine]) -> dict[str, int]:
    income: dict[str, int] = {}
    for line in lines:
        income[line.site] = income.get(line.site, 0) + line.amount
    return income


class _Sums:
    """The sums of one side's tenants, by site, and by month where the waterfall needs it, as they are priced."""

    def __init__(self, count: int) -> None:
        self._income: Counter[str] = Counter()
        self._advantage: Counter[str] = Counter()
        self._supplies: list[Counter[str]] = [Counter() for _ in range(count)]
        self._needs: list[Counter[str]] = [Counter() for _ in range(count)]

    def add(self, bills: _Priced) -> None:
        """Add a tenant."""
        for income in bills.income:
            self._income.update(income)
        for place, brought in enumerate(bills.positions):
            for position in brought:
                self._supplies[place][position.site] += position.supply
                self._needs[place][position.site] += position.need
                self._advantage[position.site] += position.advantage

    def outcome(self, compared: Sequence[date], sites: Sequence[str], funds: Funds) -> Side:
        """Return the side's figures: each month's waterfall finds what the one before has left (R18)."""
        nothing = dict.fromkeys(sites, 0)
        runs = [
            (month, {**nothing, **supplies}, {**nothing, **needs})
            for month, supplies, needs in zip(compared, self._supplies, self._needs, strict=True)
        ]
        outcomes = cascade(runs, funds)
        figures = {
            code: Figures(
                self._income[code],
                self._advantage[code],
                *(
                    sum(getattr(month.sites[code], name) for month in outcomes)
                    for name in SiteFunding.__dataclass_fields__
                ),
            )
            for code in sites
        }
        network = Figures(*(sum(column) for column in zip(*figures.values(), strict=True))) if figures else _NOTHING
        return Side(figures, network, outcomes[-1].reserve_after)


_NOTHING = Figures(*([0] * len(Figures._fields)))
