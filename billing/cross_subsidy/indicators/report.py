"""The indicators of a period as a value: for each place what was counted, and the money beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pricing.indicators import Counted, Indicators
from pricing.money import settle
from pricing.period import Period, format_month


class Money(NamedTuple):
    """A place's money in the period, in centimes; None: no document was issued in it, no month of it has been run.

    `support` is what firms below their full cost needed; the five that follow are who gave it.
    """

    income: int | None
    advantage: int | None
    support: int | None
    own_site: int | None
    other_sites: int | None
    grants: int | None
    reserve: int | None
    operator: int | None


class Place(NamedTuple):
    """The indicators of a site, or of the network."""

    counted: Indicators
    money: Money

    @property
    def cost_per_job(self) -> int | None:
        """Return the advantage given for each job on record, in centimes."""
        return _share(self.money.advantage, self.counted.jobs)

    @property
    def cost_per_success(self) -> int | None:
        """Return the advantage given for each firm that came through incubation, in centimes."""
        return _share(self.money.advantage, self.counted.succeeded)


@dataclass(frozen=True, slots=True)
class IndicatorReport:
    """The indicators of a year or a month, by site and for the network, with the rows behind them."""

    period: Period
    names: Mapping[str, str]
    sites: Mapping[str, Place]
    network: Place
    rows: tuple[Counted, ...]
    # How many months of the period were run, and how many it has.
    months_run: int
    months: int

    @property
    def name(self) -> str:
        """Return the period as it is asked for: `2026` or `2026-09`."""
        return str(self.period.start.year) if self.months == 12 else format_month(self.period.start)


def _share(amount: int | None, count: int | None) -> int | None:
    return settle(amount, count) if amount is not None and count else None
