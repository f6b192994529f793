"""Many draws of the months ahead: who leaves, who comes, what is never paid; and the waterfall of every run in each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricing.eligibility import ELIGIBLE_KINDS, WINDOW_MONTHS
from pricing.forecast.assumptions import Assumptions
from pricing.forecast.chance import Whole, decide, draws, leaving, poisson, thresholds
from pricing.forecast.newcomers import Firm, amounts_at, firms
from pricing.forecast.outlook import Outlook
from pricing.forecast.path import Path, Seat
from pricing.forecast.waterfalls import Fundings, FundsInDraws
from pricing.money import RATE_SCALE

DRAWS_MAX = 10_000
# The figures of a band, in parts of all draws.
LOW, MIDDLE, HIGH = Fraction(5, 100), Fraction(50, 100), Fraction(95, 100)

Flags = NDArray[np.bool_]


class Chance(NamedTuple):
    """The number of draws, and the seed they come from."""

    draws: int
    seed: int


class Month(NamedTuple):
    """The tenants' supply (as far as it is paid) and need by site in one month's run: draws × sites, in centimes."""

    contributions: NDArray[Any]
    draws: NDArray[Any]


class Band(NamedTuple):
    """The range of a figure: at or below `low` in 5 % of the draws, `median` in half of them, `high` in 95 %."""

    low: int
    median: int
    high: int


def band(values: NDArray[Any]) -> Band:
    """Return the band of a figure over all draws, by nearest rank: each bound is a value that was drawn."""
    ordered = np.sort(values)
    return Band(*(int(ordered[_rank(part, len(ordered))]) for part in (LOW, MIDDLE, HIGH)))


def _rank(part: Fraction, count: int) -> int:
    """Return the place of the smallest value that at least that part of all values does not exceed."""
    return -(-part.numerator * count // part.denominator) - 1


def fundings(
    outlook: Outlook,
    path: Path,
    assumptions: Assumptions,
    chance: Chance,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Fundings]:
    """Yield the waterfall of each month's run, in every draw. `progress` is told months done and months in all."""
    funds = FundsInDraws(chance.draws, outlook.funds.reserve, outlook.funds.grants)
    for place, month in enumerate(crowd(outlook, path, assumptions, chance)):
        yield funds.meet(month.contributions, month.draws, outlook.sites, path.months[place])
        if progress is not None:
            progress(place + 1, len(path.months))


def crowd(outlook: Outlook, path: Path, assumptions: Assumptions, chance: Chance) -> Iterator[Month]:
    """Yield supplies and needs by month, draw and site. The first run is certain but for what is never paid."""
    residents = _Residents(outlook, path, assumptions, chance)
    arrivals = [_Arrivals(outlook, path, assumptions, chance, site) for site in outlook.sites]
    collected = RATE_SCALE - _unpaid(assumptions, chance)[:, None]
    for place in range(len(path.months)):
        supply, need, places = residents.month(place)
        for column, of_site in enumerate(arrivals):
            of_site.admit(place, places[:, column])
            came = of_site.month(place)
            supply[:, column] += came.contributions
            need[:, column] += came.draws
        yield Month(_paid(supply, collected), need)


def _paid(supply: Whole, collected: Whole) -> Whole:
    """Return what is paid of what is billed: `collected` ten-thousandths of it in whole centimes, in 64-bit steps."""
    whole, rest = np.divmod(supply, RATE_SCALE)
    paid: Whole = whole * collected + rest * collected // RATE_SCALE
    return paid


def _unpaid(assumptions: Assumptions, chance: Chance) -> Whole:
    """Return the share that is never paid, in ten-thousandths, one a draw, evenly between least and most."""
    least, most = (int(share * RATE_SCALE) for share in (assumptions.unpaid_least, assumptions.unpaid_most))
    count = most - least + 1
    evenly = thresholds([Fraction(1, count)] * (count - 1))
    return least + decide(draws(chance.seed, chance.draws, "unpaid"), evenly)


class _Residents:
    """Those who are there, or will be by a lease on record: each stays until it leaves by chance."""

    def __init__(self, outlook: Outlook, path: Path, assumptions: Assumptions, chance: Chance) -> None:
        self._count = chance.draws
        self._groups = [[seat for seat in path.seats if seat.site == site] for site in outlook.sites]
        hazards = {
            switch: leaving(_hazards(assumptions, switch, len(path.months))) for switch in set(path.switches.values())
        }
        gone = {
            code: 1 + decide(draws(chance.seed, chance.draws, "leaves", code), hazards[switch])
            for code, switch in path.switches.items()
        }
        # Months × seats; and per site, draws × seats: the first month somebody is not there any more.
        self._amounts = [[_columns(group, name, len(path.months)) for name in _OF_SEAT] for group in self._groups]
        self._gone = [
            np.stack([gone[seat.tenant] for seat in group], axis=1)
            if group
            else np.zeros((chance.draws, 0), dtype=np.int64)
            for group in self._groups
        ]

    def month(self, place: int) -> tuple[Whole, Whole, Whole]:
        """Return supplies, needs and offices taken: draws × sites."""
        made = tuple(np.zeros((self._count, len(self._groups)), dtype=np.int64) for _ in range(3))
        for column, gone in enumerate(self._gone):
            office_supply, office_need, usage_supply, usage_need, places = (
                by_month[place] for by_month in self._amounts[column]
            )
            there, was_there = (gone > place).astype(np.int64), (gone > place - 1).astype(np.int64)
            made[0][:, column] = there @ office_supply + was_there @ usage_supply
            made[1][:, column] = there @ office_need + was_there @ usage_need
            made[2][:, column] = there @ places
        return made[0], made[1], made[2]


_OF_SEAT = ("office_supply", "office_need", "usage_supply", "usage_need", "places")


def _columns(group: Sequence[Seat], name: str, months: int) -> Whole:
    return np.array([getattr(seat, name) for seat in group], dtype=np.int64).reshape(len(group), months).T


def _hazards(assumptions: Assumptions, switch: int | None, months: int) -> list[Fraction]:
    """Return the probability to be gone when each month but the first begins, at the market price from `switch` on."""
    return [
        assumptions.leaves_subsidised
        if switch is None or place < switch
        else assumptions.leaves_at_the_switch
        if place == switch
        else assumptions.leaves_market
        for place in range(1, months)
    ]


@dataclass(slots=True)
class _Cohorts:
    """Newcomers of one site, one row a cohort and place in it, one column a draw; `gone` is zero where nobody came."""

    firm: Whole
    came: Whole
    gone: Whole


class _Arrivals:
    """The newcomers of one site: how many, which firms, for how long."""

    def __init__(self, outlook: Outlook, path: Path, assumptions: Assumptions, chance: Chance, site: str) -> None:
        months = len(path.months)
        self._site, self._chance, self._capacity = site, chance, outlook.capacity[site]
        mean = assumptions.arrivals_at(site)
        drawn = draws(chance.seed, chance.draws * months, "arrivals", site)
        self._numbers = decide(drawn, poisson(mean)).reshape(months, chance.draws)
        # The first run's tenants are those on record.
        self._numbers[0] = 0
        self._firms = firms(assumptions) if mean else ()
        self._amounts = amounts_at(outlook, site, path.months, self._firms)
        self._weights = thresholds(_weight(assumptions, firm) for firm in self._firms)
        self._subsidised = np.array([firm.is_subsidised for firm in self._firms], dtype=np.bool_)
        self._stays = [
            leaving(_hazards(assumptions, switch, max(months, WINDOW_MONTHS + 1))) for switch in (0, WINDOW_MONTHS)
        ]
        empty = np.zeros((0, chance.draws), dtype=np.int64)
        self._cohorts = _Cohorts(empty, empty[:, :1], empty)
        self._standing = empty

    def admit(self, place: int, taken: Whole) -> None:
        """Let this month's newcomers in, as far as offices are free; `taken` are those of residents, by draw."""
        numbers = self._numbers[place]
        if self._capacity is not None:
            free = self._capacity - taken - (self._cohorts.gone > place).sum(axis=0)
            numbers = np.minimum(numbers, np.maximum(free, 0))
        most = int(numbers.max(initial=0))
        if not most:
            return
        rows = [self._newcomers(place, number, numbers > number) for number in range(most)]
        self._cohorts = _Cohorts(
            np.concatenate([self._cohorts.firm, np.stack([firm for firm, _ in rows])]),
            np.concatenate([self._cohorts.came, np.full((most, 1), place, dtype=np.int64)]),
            np.concatenate([self._cohorts.gone, np.stack([gone for _, gone in rows])]),
        )

    def _newcomers(self, place: int, number: int, comes: Flags) -> tuple[Whole, Whole]:
        """Return the firm that is the month's newcomer of that number in each draw, and the first month it is gone."""
        name = (self._site, str(place), str(number))
        # The last firm takes what rounding leaves above the last threshold.
        firm = np.minimum(
            decide(draws(self._chance.seed, self._chance.draws, "firm", *name), self._weights), len(self._firms) - 1
        )
        drawn = draws(self._chance.seed, self._chance.draws, "stays", *name)
        stays = np.where(self._subsidised[firm], decide(drawn, self._stays[1]), decide(drawn, self._stays[0]))
        return firm, np.where(comes, place + 1 + stays, 0)

    def month(self, place: int) -> Month:
        """Return what all who have come supply and need in a month's run, by draw; asked month by month, in order."""
        before, self._standing = self._standing, self._standing_in(place)
        amounts = self._amounts
        supply = _summed(amounts.office_supply, place, self._standing) + _summed(
            amounts.usage_supply, place - 1, before
        )
        need = _summed(amounts.office_need, place, self._standing) + _summed(amounts.usage_need, place - 1, before)
        return Month(supply, need)

    def _standing_in(self, place: int) -> Whole:
        """Return where each newcomer stands in a month: its place among tiers × firms; that beyond them: not there."""
        cohorts = self._cohorts
        there = (cohorts.came <= place) & (place < cohorts.gone)
        pays_market = ~(self._subsidised[cohorts.firm] & (place - cohorts.came < WINDOW_MONTHS))
        return np.where(there, pays_market * len(self._firms) + cohorts.firm, 2 * len(self._firms))


def _summed(amounts: Whole, place: int, standing: Whole) -> Whole:
    """Return the sum by draw of what those who stand somewhere bring in a month; none before the first."""
    if place < 0 or not len(standing):
        return np.zeros(standing.shape[1], dtype=np.int64)
    of_month = np.append(amounts[:, :, place].ravel(), 0)
    summed: Whole = of_month[standing].sum(axis=0)
    return summed


def _weight(assumptions: Assumptions, firm: Firm) -> Fraction:
    """Return how likely a newcomer is that firm."""
    young = assumptions.young if firm.is_subsidised else 1 - assumptions.young
    is_eligible = firm.kind in ELIGIBLE_KINDS
    return assumptions.kinds[firm.kind] * assumptions.areas[firm.area] * (young if is_eligible else 1)
