"""Work out who funds whom: positions, the waterfall and its shares (R16-R19)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from pricing.eligibility import MARKET
from pricing.money import allocate
from pricing.rating import PricedLine


class Position(NamedTuple):
    """One tenant at one site in one run: contributions, draws and advantage, net of credits, in centimes (R17)."""

    site: str
    contribution: int
    draw: int
    advantage: int

    @property
    def supply(self) -> int:
        """Return what the tenant gives to its site's pool; never negative (R17)."""
        return max(self.contribution, 0) + max(-self.draw, 0)

    @property
    def need(self) -> int:
        """Return what the tenant takes from its site's pool; never negative (R17)."""
        return max(self.draw, 0) + max(-self.contribution, 0)


def positions(billed: Iterable[PricedLine], credited: Iterable[PricedLine] = ()) -> tuple[Position, ...]:
    """Return a tenant's position per site, by site code: credited lines count negative (R16, R17)."""
    sums: dict[str, list[int]] = {}
    for sign, lines in ((1, billed), (-1, credited)):
        for line in lines:
            of_site = sums.get(line.site)
            if of_site is None:
                of_site = sums[line.site] = [0, 0, 0]
            above_cost = sign * (line.amount - line.cost_amount)
            if line.tier == MARKET:
                if line.unit_price > line.unit_cost:
                    of_site[0] += above_cost
            elif line.unit_price < line.unit_cost:
                of_site[1] -= above_cost
            of_site[2] += sign * (line.full_amount - line.amount)
    return tuple(Position(site, *sums[site]) for site in sorted(sums))


class Grant(NamedTuple):
    """A grant and what is left of it, in centimes; `site` None means the whole network."""

    code: str
    site: str | None
    granted_on: date
    left: int


class GrantUse(NamedTuple):
    """The amount that one grant gave to one site in a run, in centimes."""

    grant: str
    site: str
    amount: int


@dataclass(frozen=True, slots=True)
class SiteFunding:
    """The sources that met one site's need, in centimes (R18). The parts below `draws` sum to it."""

    contributions: int
    draws: int
    earmarked_grants: int
    own: int
    network: int
    reserve: int
    network_grants: int
    unfunded: int

    def __post_init__(self) -> None:
        met = self.earmarked_grants + self.own + self.network + self.reserve + self.network_grants + self.unfunded
        parts = (self.earmarked_grants, self.own, self.network, self.reserve, self.network_grants, self.unfunded)
        if met != self.draws or min(parts) < 0 or self.own > self.contributions:
            raise ValueError(f"a site's need is not met exactly: {self}")

    @property
    def left_over(self) -> int:
        """Return what the site's own contributions leave for the network and the reserve."""
        return self.contributions - self.own


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The outcome of R18 for one run; amounts in centimes."""

    sites: Mapping[str, SiteFunding]
    grant_uses: tuple[GrantUse, ...]
    grants_left: Mapping[str, int]
    reserve_before: int
    reserve_used: int
    surplus: int

    @property
    def reserve_after(self) -> int:
        """Return the reserve the next run finds."""
        return self.reserve_before - self.reserve_used + self.surplus


def waterfall(
    contributions: Mapping[str, int],
    draws: Mapping[str, int],
    reserve: int,
    grants: Iterable[Grant],
    first_day: date,
) -> Waterfall:
    """Meet each site's draws in the order of R18, sharing by R19.

    `contributions` and `draws` are the sums of what the sites' tenants supply and need, per site
    code, none negative; `reserve` is what stands before this run. Only grants given on or before
    `first_day` count.
    """
    codes = sorted({*contributions, *draws})
    need = {site: draws.get(site, 0) for site in codes}
    supply = {site: contributions.get(site, 0) for site in codes}
    if min([reserve, *need.values(), *supply.values()]) < 0:
        raise ValueError("contributions, draws and the reserve must not be negative")
    available = sorted((g for g in grants if g.granted_on <= first_day), key=lambda g: (g.granted_on, g.code))
    left = {grant.code: grant.left for grant in available}
    uses: list[GrantUse] = []

    earmarked = dict.fromkeys(codes, 0)
    for grant in available:
        if grant.site in need:
            used = min(left[grant.code], need[grant.site])
            if used > 0:
                earmarked[grant.site] += used
                need[grant.site] -= used
                left[grant.code] -= used
                uses.append(GrantUse(grant.code, grant.site, used))

    own = {site: min(need[site], supply[site]) for site in codes}
    for site in codes:
        need[site] -= own[site]

    def share(available_sum: int) -> dict[str, int]:
        """Give to every site in proportion to what it still needs, and lower its need (R19)."""
        parts = allocate(min(available_sum, sum(need.values())), [need[site] for site in codes])
        given = dict(zip(codes, parts, strict=True))
        for site in codes:
            need[site] -= given[site]
        return given

    left_over = sum(supply.values()) - sum(own.values())
    network = share(left_over)
    surplus = left_over - sum(network.values())
    from_reserve = share(reserve)
    network_grants = dict.fromkeys(codes, 0)
    for grant in available:
        if grant.site is None:
            for site, used in share(max(left[grant.code], 0)).items():
                if used > 0:
                    network_grants[site] += used
                    left[grant.code] -= used
                    uses.append(GrantUse(grant.code, site, used))

    return Waterfall(
        sites={
            site: SiteFunding(
                contributions=supply[site],
                draws=draws.get(site, 0),
                earmarked_grants=earmarked[site],
                own=own[site],
                network=network[site],
                reserve=from_reserve[site],
                network_grants=network_grants[site],
                unfunded=need[site],
            )
            for site in codes
        },
        grant_uses=tuple(uses),
        grants_left=left,
        reserve_before=reserve,
        reserve_used=sum(from_reserve.values()),
        surplus=surplus,
    )
