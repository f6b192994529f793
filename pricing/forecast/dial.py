"""The admission dial: how many newcomers the reserve can carry through their window, with 95 % confidence.

The question, to the letter. So many startups, each with one office of the size asked, are admitted together on the
first day of the first run ahead, on top of all that is on record; no others come. They use the site's services as
its firms with a window do on average, and stay for the whole window. Those on record leave, and contributions stay
unpaid, by the assumptions. They are carried in a draw if the reserve stands above zero after each of the window's
runs; a number is carried if that holds in 95 % of the draws. All numbers are tried on the same draws, and one
newcomer more never raises a reserve: so the largest number carried is found by halving.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import heapify, heapreplace
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricing.eligibility import WINDOW_MONTHS
from pricing.forecast.assumptions import EVERY_SITE, Assumptions
from pricing.forecast.newcomers import Firm, amounts_at
from pricing.forecast.outlook import Outlook
from pricing.forecast.path import Path
from pricing.forecast.simulation import Chance, Month, crowd
from pricing.forecast.waterfalls import FundsInDraws
from pricing.period import Period, add_months, first_of_month, months
from pricing.projection import Stay, lines_of_run

CONFIDENCE = Fraction(95, 100)
# Nobody admits more at once; beyond it the answer is that number, "or more".
NEWCOMERS_MAX = 10_000
_KIND = "startup"


class Reading(NamedTuple):
    """The dial's answer for a site, or, with `site` None, for the network.

    `newcomers` is the largest number carried, None where the reserve does not even stay above zero without any.
    `confidence` is the share of draws in which it is carried, `one_more` that of one newcomer more (None at the limit).
    `free` are the offices free on the first day, None where no capacity is entered; `shares` how many of the network's
    newcomers each site has.
    """

    site: str | None
    newcomers: int | None
    confidence: Fraction
    one_more: Fraction | None
    free: int | None
    shares: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Dial:
    """The ground on which all numbers are tried: the same draws for each."""

    outlook: Outlook
    months: tuple[Month, ...]
    path: Path
    needs: Mapping[str, tuple[int, ...]]

    def confidence(self, newcomers: Mapping[str, int]) -> Fraction:
        """Return the share of draws in which the reserve stays above zero with so many newcomers at each site."""
        return self.carried(
            {site: [count * need for need in self.needs[site]] for site, count in newcomers.items()}, {}
        )

    def carried(self, needs: Mapping[str, Sequence[int]], supplies: Mapping[str, Sequence[int]]) -> Fraction:
        """Return the share of draws in which the reserve stays above zero with these amounts more, by site and run."""
        draws = len(self.months[0].draws)
        funds = FundsInDraws(draws, self.outlook.funds.reserve, self.outlook.funds.grants)
        carried = np.ones(draws, dtype=np.bool_)
        for place, month in enumerate(self.months):
            supply: NDArray[Any] = month.contributions.copy()
            need: NDArray[Any] = month.draws.copy()
            for whole, more in ((supply, supplies), (need, needs)):
                for site, amounts in more.items():
                    whole[:, self.outlook.sites.index(site)] += amounts[place]
            funds.settle(supply, need, self.outlook.sites, self.path.months[place])
            carried &= funds.reserve > 0
        return Fraction(int(carried.sum()), draws)


def prepare(outlook: Outlook, path: Path, assumptions: Assumptions, chance: Chance, area: int) -> Dial:
    """Draw what is to come without newcomers, and price one newcomer at each site; `area` in millionths of a m2."""
    nobody = replace(assumptions, arrivals={EVERY_SITE: Fraction(0)})
    firm = Firm(_KIND, True, area)
    needs = {}
    for site in outlook.sites:
        amounts = amounts_at(outlook, site, path.months, (firm,))
        offices, usage = amounts.office_need[0, 0], amounts.usage_need[0, 0]
        # Usage is billed a month later.
        needs[site] = tuple(
            int(offices[place]) + (int(usage[place - 1]) if place else 0) for place in range(len(path.months))
        )
    return Dial(outlook, tuple(crowd(outlook, path, nobody, chance)), path, needs)


class Weighed(NamedTuple):
    """One firm on the dial's ground: its contributions and draws in each run, in centimes.

    `without` and `with_it` are the shares of draws in which the reserve stays above zero after each of the runs.
    """

    contributions: tuple[int, ...]
    draws: tuple[int, ...]
    without: Fraction
    with_it: Fraction


def weigh(outlook: Outlook, path: Path, assumptions: Assumptions, chance: Chance, stay: Stay) -> Weighed:
    """Weigh the admission of one firm with one office, on top of all that is on record; no others come.

    The first run catches up what was let before its month. Raises PricingError.
    """
    nobody = replace(assumptions, arrivals={EVERY_SITE: Fraction(0)})
    ground = Dial(outlook, tuple(crowd(outlook, path, nobody, chance)), path, {})
    (let,) = stay.leases
    earliest = min(first_of_month(let.start), path.months[0])
    lines = [
        [
            line
            for month in (months(earliest, run) if place == 0 else (run,))
            for of_month in lines_of_run(
                stay, month, Period(add_months(month, -1), month), outlook.usual_from, outlook.rates, outlook.vat
            )
            for line in of_month
        ]
        for place, run in enumerate(path.months)
    ]
    contributions = tuple(sum(line.contribution for line in of_run) for of_run in lines)
    draws = tuple(sum(line.draw for line in of_run) for of_run in lines)
    with_it = ground.carried({let.site: draws}, {let.site: contributions})
    return Weighed(contributions, draws, ground.carried({}, {}), with_it)


def read_dial(dial: Dial, progress: Callable[[int, int], None] | None = None) -> tuple[Reading, ...]:
    """Return the dial of every site, then that of the network. `progress` is told readings done and in all."""
    readings = []
    taken = _taken(dial)
    free = {
        site: None if capacity is None else max(capacity - taken[site], 0)
        for site, capacity in dial.outlook.capacity.items()
    }
    order = _order_of_admission(dial.outlook)
    for done, site in enumerate((*dial.outlook.sites, None), 1):
        readings.append(_read(dial, site, order) if site is None else _read(dial, site, (site,)))
        if progress is not None:
            progress(done, len(dial.outlook.sites) + 1)
    known = [count for count in free.values() if count is not None]
    of_network = sum(known) if len(known) == len(free) else None
    return tuple(
        reading._replace(free=of_network if reading.site is None else free[reading.site]) for reading in readings
    )


def _read(dial: Dial, site: str | None, order: Sequence[str]) -> Reading:
    """Find the largest number carried by halving."""

    def admitted(count: int) -> dict[str, int]:
        if len(order) == 1:
            return {order[0]: count}
        shares = dict.fromkeys(dial.outlook.sites, 0)
        for place in order[:count]:
            shares[place] += 1
        return shares

    known: dict[int, Fraction] = {}

    def confidence(count: int) -> Fraction:
        if count not in known:
            known[count] = dial.confidence(admitted(count))
        return known[count]

    if confidence(0) < CONFIDENCE:
        return Reading(site, None, confidence(0), None, None, admitted(0))
    low, high = 0, 1
    while high < NEWCOMERS_MAX and confidence(high) >= CONFIDENCE:
        low, high = high, min(2 * high, NEWCOMERS_MAX)
    if confidence(high) >= CONFIDENCE:
        return Reading(site, high, confidence(high), None, None, admitted(high))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if confidence(middle) >= CONFIDENCE else (low, middle)
    return Reading(site, low, confidence(low), confidence(high), None, admitted(low))


def _order_of_admission(outlook: Outlook) -> tuple[str, ...]:
    """Return the site each of the network's newcomers goes to: one by one to that with fewest for its capacity.

    Ties go to the smaller code; where some capacity is not entered all count alike. One newcomer more never takes
    one from any site, as shares by largest remainder might.
    """
    sized = all(capacity for capacity in outlook.capacity.values())
    size = {site: outlook.capacity[site] or 1 if sized else 1 for site in outlook.sites}
    # One more counts for as much as it takes of the site's offices, in whole numbers.
    whole = lcm(*size.values())
    queue = [(whole // size[site], site) for site in outlook.sites]
    heapify(queue)
    order: list[str] = []
    while queue and len(order) < NEWCOMERS_MAX:
        reached, site = queue[0]
        order.append(site)
        heapreplace(queue, (reached + whole // size[site], site))
    return tuple(order)


def _taken(dial: Dial) -> dict[str, int]:
    """Return the offices let at each site on the first day."""
    taken = dict.fromkeys(dial.outlook.sites, 0)
    for seat in dial.path.seats:
        taken[seat.site] += seat.places[0]
    return taken


# The dial looks as far as a window lasts.
DIAL_MONTHS = WINDOW_MONTHS
