"""The annual report on the péréquation as a value: who funded whom, month by month and site by site, without names."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

# From whom support comes.
OWN_SITE = "own_site"
OTHER_SITES = "other_sites"
OF_GRANTS = "grants"
OF_RESERVE = "reserve"
OF_OPERATOR = "operator"
SOURCES = (OWN_SITE, OTHER_SITES, OF_GRANTS, OF_RESERVE, OF_OPERATOR)
# Of fewer firms no distribution is shown: each could be told.
FEWEST = 5
# More sites than these are drawn as one.
SITES_MAX = 8


class Flow(NamedTuple):
    """The amount that one source gave the firms of one site: firms of `origin`, or grants, reserve, operator (None)."""

    source: str
    origin: str | None
    site: str
    amount: int


class YearMonth(NamedTuple):
    """A month: its flows, what went to the reserve by site, what discounts were worth, the reserve after it."""

    period: date
    flows: tuple[Flow, ...]
    to_reserve: tuple[tuple[str, int], ...]
    advantage: int
    reserve_after: int

    @property
    def support(self) -> int:
        """Sum what the firms needed, and got."""
        return sum(flow.amount for flow in self.flows)

    @property
    def kept(self) -> int:
        """Sum what no firm needed, which went to the reserve."""
        return sum(amount for _, amount in self.to_reserve)

    def of(self, source: str) -> int:
        """Sum what came from one kind of source."""
        return sum(flow.amount for flow in self.flows if flow.source == source)


class GrantYear(NamedTuple):
    """A grant: what was left of it at the year's beginning, what came, what was used, what is left."""

    code: str
    funder: str
    site: str | None
    before: int
    received: int
    used: int

    @property
    def left(self) -> int:
        """Return the amount that the months to come find."""
        return self.before + self.received - self.used


class Tie(NamedTuple):
    """An account: what the report says it moved (debit less credit), what the months' entries moved it by, and
    what of these is dated in another year, or what other entries dated in the year moved it by.
    """

    account: str
    label: str
    stated: int
    booked: int
    dated_elsewhere: int
    dated_here: int


@dataclass(frozen=True, slots=True)
class YearStatement:
    """A year's péréquation, in centimes. `supports` and `contributions` are those of each firm, largest first."""

    year: int
    months: tuple[YearMonth, ...]
    sites: tuple[tuple[str, str], ...]
    grants: tuple[GrantYear, ...]
    supports: tuple[int, ...]
    contributions: tuple[int, ...]
    reserve_before: int
    ties: tuple[Tie, ...]

    @property
    def support(self) -> int:
        """Sum what all firms needed, and got."""
        return sum(month.support for month in self.months)

    @property
    def kept(self) -> int:
        """Sum what went to the reserve."""
        return sum(month.kept for month in self.months)

    @property
    def advantage(self) -> int:
        """Sum what all discounts were worth."""
        return sum(month.advantage for month in self.months)

    @property
    def reserve_after(self) -> int:
        """Return the reserve after the year's last month."""
        return self.months[-1].reserve_after

    @property
    def is_whole(self) -> bool:
        """Say whether all twelve months were run."""
        return len(self.months) == 12

    def of(self, source: str) -> int:
        """Sum what came from one kind of source."""
        return sum(month.of(source) for month in self.months)

    def flows(self) -> tuple[Flow, ...]:
        """Sum the year's flows over its months."""
        sums: dict[tuple[str, str | None, str], int] = {}
        for month in self.months:
            for flow in month.flows:
                key = flow.source, flow.origin, flow.site
                sums[key] = sums.get(key, 0) + flow.amount
        ordered = sorted(sums, key=lambda key: (SOURCES.index(key[0]), key[1] or "", key[2]))
        return tuple(Flow(*key, sums[key]) for key in ordered)

    def kept_by_site(self) -> dict[str, int]:
        """Sum what each site's firms left to the reserve."""
        sums: dict[str, int] = {}
        for month in self.months:
            for code, amount in month.to_reserve:
                sums[code] = sums.get(code, 0) + amount
        return sums
