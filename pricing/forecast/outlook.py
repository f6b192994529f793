"""The values a forecast starts from: what is known of the runs ahead when it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from pricing.cross_subsidy import Position
from pricing.period import Period
from pricing.projection import Funds, Stay, Usual, presence
from pricing.rates import RateBook, VatBook
from pricing.rating import Lease


class FirstRun(NamedTuple):
    """A tenant as the first run ahead will find it, and its positions in that run, repairs and late usage included."""

    stay: Stay
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class UsageOnRecord:
    """The use of each tenant in the months that make usual usage: (site, service, quantity), by tenant.

    `span` are those months: the last twelve whole ones, as far as there is usage on record; None: there are none.
    """

    span: Period | None
    used: Mapping[str, tuple[tuple[str, str, int], ...]]

    def of(self, code: str, leases: Iterable[Lease]) -> tuple[Usual, ...]:
        """Return a tenant's usual usage: in the days it was there, or in all of them if it has no lease."""
        if self.span is None or code not in self.used:
            return ()
        there = sum(period.days for period in presence(leases, self.span)) or self.span.days
        return tuple(Usual(*use, there) for use in self.used[code])


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is known when a forecast is made; `first` is the month of the first run ahead.

    `capacity` holds how many offices a site has, None where that is not entered. `unpriced` are the tenants that
    can't be billed, with the reason: they bring and take nothing, as in the runs. From `usual_from` on usage is
    the usual one; None: as far as it is on record.
    """

    first: date
    sites: tuple[str, ...]
    capacity: Mapping[str, int | None]
    rates: RateBook
    vat: VatBook
    funds: Funds
    tenants: Mapping[str, FirstRun]
    unpriced: tuple[tuple[str, str], ...]
    usual_from: date | None
    on_record: UsageOnRecord
