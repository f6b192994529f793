"""Work out who funds whom, tenant by tenant: each step of the waterfall as a matrix of whole centimes (R17-R19).

R18 says what each site receives from each source; here it is carried through to those who gave and those who
were supported. In every pool, everybody gives and receives in proportion: what each gives, and what each
receives, is shared by largest remainder (R19), and a cell is its exact share to within one centime.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from pricing.cross_subsidy import Position, Waterfall
from pricing.money import allocate

EARMARKED_GRANTS = "earmarked_grants"
OWN = "own"
NETWORK = "network"
FROM_RESERVE = "reserve"
NETWORK_GRANTS = "network_grants"
UNFUNDED = "unfunded"

TENANT = "tenant"
GRANT = "grant"
RESERVE = "reserve"
OPERATOR = "operator"


class Funder(NamedTuple):
    """A party that gives: a tenant at one of its sites, a grant, the reserve, or the operator."""

    kind: str
    site: str | None
    code: str | None


class Supported(NamedTuple):
    """A party that is supported: a tenant at one of its sites."""

    site: str
    tenant: str


Party = TypeVar("Party", Funder, Supported)

# Matrices from this size on are computed by NumPy, whose loading alone costs as much as smaller ones.
_CELLS_FOR_ARRAYS = 50_000
# Products from here on are too large for its integers.
_PRODUCT_MAX = 2**63


@dataclass(frozen=True, slots=True)
class Pool:
    """One step of R18 at one site, or in the network: what each gives and what each receives, in centimes.

    Both sum to the same; nobody gives or receives zero.
    """

    step: str
    gives: tuple[tuple[Funder, int], ...]
    receives: tuple[tuple[Supported, int], ...]

    def __post_init__(self) -> None:
        given, received = (sum(amount for _, amount in side) for side in (self.gives, self.receives))
        if given != received or any(amount <= 0 for side in (self.gives, self.receives) for _, amount in side):
            raise ValueError(f"what is given and what is received differ, or somebody's part is not above zero: {self}")

    def rows(self) -> Iterator[tuple[tuple[Funder, int], list[int]]]:
        """Return each funder with its sum, and what of it went to each who received, in the order of `receives`."""
        given, received = ([amount for _, amount in side] for side in (self.gives, self.receives))
        return zip(self.gives, matrix(given, received), strict=True)


class Cell(NamedTuple):
    """The amount that one funder gave to one supported tenant in one step, in centimes; above zero."""

    step: str
    funder: Funder
    supported: Supported
    amount: int


@dataclass(frozen=True, slots=True)
class Funding:
    """A run's matrix, by its margins: the cells are a function of them, so only they need keeping.

    `to_reserve` is what of each tenant's supply nobody needed, in centimes.
    """

    pools: tuple[Pool, ...]
    to_reserve: tuple[tuple[Funder, int], ...]

    def cells(self) -> Iterator[Cell]:
        """Yield every cell above zero, by step, funder and supported tenant."""
        for pool in self.pools:
            for (funder, _), row in pool.rows():
                for (supported, _), amount in zip(pool.receives, row, strict=True):
                    if amount:
                        yield Cell(pool.step, funder, supported, amount)

    def cells_of(self, tenant: str) -> Iterator[Cell]:
        """Yield the cells in which a tenant gives or is supported, above zero; of other pools nothing is computed."""
        for pool in self.pools:
            columns = [index for index, (supported, _) in enumerate(pool.receives) if supported.tenant == tenant]
            if not columns and not any(_is_tenant(funder, tenant) for funder, _ in pool.gives):
                continue
            for (funder, _), row in pool.rows():
                for index in range(len(row)) if _is_tenant(funder, tenant) else columns:
                    if row[index]:
                        yield Cell(pool.step, funder, pool.receives[index][0], row[index])


def _is_tenant(funder: Funder, tenant: str) -> bool:
    return funder.kind == TENANT and funder.code == tenant


def matrix(rows: Sequence[int], columns: Sequence[int]) -> Iterator[list[int]]:
    """Yield whole centimes that sum to `rows` and `columns`, row by row; each is `row × column / sum` to within one.

    Each cell is its exact share rounded down, or one more. The centimes that rounding leaves to a row go to the
    columns that still lack most, ties to the first. That never fails (Gale and Ryser): what remains of the exact
    shares is itself a way to fill rows and columns with parts of at most one, so there is one in whole centimes,
    and giving to those who lack most finds it.
    """
    whole = sum(rows)
    if whole != sum(columns):
        raise ValueError("rows and columns must have the same sum")
    if len(rows) * len(columns) >= _CELLS_FOR_ARRAYS and max(rows) * max(columns) < _PRODUCT_MAX:
        yield from _matrix_by_arrays(rows, columns, whole)
        return
    lacking = [column - sum(row * column // whole for row in rows) for column in columns] if whole else []
    for row in rows:
        cells = [row * column // whole for column in columns] if whole else [0] * len(columns)
        left = row - sum(cells)
        for index in sorted(range(len(lacking)), key=lambda i: (-lacking[i], i))[:left]:
            cells[index] += 1
            lacking[index] -= 1
        yield cells


def _matrix_by_arrays(rows: Sequence[int], columns: Sequence[int], whole: int) -> Iterator[list[int]]:
    """Yield the same rows in a tenth of the time: NumPy's integers, which hold every product exactly."""
    import numpy as np

    wanted = np.array(columns, dtype=np.int64)
    lacking = wanted.copy()
    for row in rows:
        lacking -= row * wanted // whole
    for row in rows:
        cells = row * wanted // whole
        left = row - int(cells.sum())
        if left:
            # The `left` who lack most: all that lack more than the last of them, and the first that lack as much.
            least = np.partition(lacking, -left)[-left]
            above = np.flatnonzero(lacking > least)
            chosen = np.concatenate((above, np.flatnonzero(lacking == least)[: left - len(above)]))
            cells[chosen] += 1
            lacking[chosen] -= 1
        yield cells.tolist()


def funding_of(positions: Iterable[tuple[str, Position]], outcome: Waterfall) -> Funding:
    """Return the matrix of a run: (tenant, its position at one site) for every tenant and site, and what R18 decided.

    The order of `positions` is of no account. Each tenant's parts sum to its supply, its support to its need (R17).
    Raises ValueError where the outcome is not that of these positions.
    """
    ordered = sorted(positions, key=lambda pair: (pair[1].site, pair[0]))
    supply: _BySite[Funder] = {site: {} for site in outcome.sites}
    need: _BySite[Supported] = {site: {} for site in outcome.sites}
    for tenant, p in ordered:
        if p.supply:
            supply[p.site][Funder(TENANT, p.site, tenant)] = p.supply
        if p.need:
            need[p.site][Supported(p.site, tenant)] = p.need
    pools: list[Pool] = []

    def fill(step: str, gives: Iterable[tuple[Funder, int]], received: Iterable[tuple[str, int]]) -> None:
        """Add a pool of what was given, and lower the needs at the sites that received it."""
        parts = [part for site, amount in received for part in _taken(need[site], amount)]
        if parts:
            pools.append(Pool(step, tuple(part for part in gives if part[1]), tuple(parts)))

    earmarked, of_network = _grant_uses(outcome)
    for site, funding in outcome.sites.items():
        fill(EARMARKED_GRANTS, earmarked.get(site, ()), [(site, funding.earmarked_grants)])
    for site, funding in outcome.sites.items():
        fill(OWN, _taken(supply[site], funding.own), [(site, funding.own)])
    left = {funder: amount for of_site in supply.values() for funder, amount in of_site.items() if amount}
    used = sum(funding.network for funding in outcome.sites.values())
    fill(NETWORK, _taken(left, used), [(site, funding.network) for site, funding in outcome.sites.items()])
    reserve, operator = Funder(RESERVE, None, None), Funder(OPERATOR, None, None)
    sites = outcome.sites.items()
    fill(FROM_RESERVE, [(reserve, outcome.reserve_used)], [(site, funding.reserve) for site, funding in sites])
    for site, funding in sites:
        fill(NETWORK_GRANTS, of_network.get(site, ()), [(site, funding.network_grants)])
    unfunded = sum(funding.unfunded for _, funding in sites)
    fill(UNFUNDED, [(operator, unfunded)], [(site, funding.unfunded) for site, funding in sites])
    to_reserve = tuple(part for part in left.items() if part[1])
    unmet = [party for of_site in need.values() for party, amount in of_site.items() if amount]
    if unmet or sum(amount for _, amount in to_reserve) != outcome.surplus:
        raise ValueError(f"the waterfall is of other positions: {unmet or 'its surplus is another'}")
    return Funding(tuple(pools), to_reserve)


_BySite = dict[str, dict[Party, int]]


def _taken(left: dict[Party, int], amount: int) -> list[tuple[Party, int]]:
    """Take an amount in proportion to what each has left (R19), and lower that; parts above zero."""
    if not amount:
        return []
    parts = [part for part in zip(left, allocate(amount, list(left.values())), strict=True) if part[1]]
    for party, part in parts:
        left[party] -= part
    return parts


_Uses = dict[str, list[tuple[Funder, int]]]


def _grant_uses(outcome: Waterfall) -> tuple[_Uses, _Uses]:
    """Return what grants gave each site: its earmarked ones, which come first, and those of the network (R18)."""
    earmarked: _Uses = {}
    of_network: _Uses = {}
    left = {site: funding.earmarked_grants for site, funding in outcome.sites.items()}
    for use in outcome.grant_uses:
        uses = earmarked if left[use.site] else of_network
        if left[use.site]:
            left[use.site] -= use.amount
        uses.setdefault(use.site, []).append((Funder(GRANT, None, use.grant), use.amount))
    return earmarked, of_network
