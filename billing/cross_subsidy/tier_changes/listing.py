"""List tier changes for finance: office by office, by month, with what a whole month's income gains at each site."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from billing.cross_subsidy.tier_changes.finding import runs, tier_changes
from billing.cross_subsidy.tier_changes.queries import steps_by_change
from billing.register.catalogue import load_catalogue
from pricing.errors import PricingError
from pricing.money import line_amount
from pricing.period import ONE_DAY, add_months, first_of_month
from pricing.rating import OFFICE

MONTHS = 24
MONTHS_MAX = 60


class OfficeChange(NamedTuple):
    """An office that changes to the market price: a whole month's rent without VAT before and after, in centimes.

    The prices are those in force on the last subsidised day, and on the next. `ends_on` is the lease's last day;
    `announced` the steps at which this very day was announced to its tenant.
    """

    switches_on: date
    tenant: str
    name: str
    site: str
    lease: str
    office: str
    area: int
    before: int
    after: int
    ends_on: date | None
    announced: tuple[int, ...]

    @property
    def month(self) -> date:
        """Return the month of the change."""
        return first_of_month(self.switches_on)

    @property
    def difference(self) -> int:
        """Return the amount that a whole month brings more."""
        return self.after - self.before


class Ahead(NamedTuple):
    """The tier changes of some months, by day, tenant and site; and who can't be priced, with the reason."""

    first: date
    months: int
    offices: tuple[OfficeChange, ...]
    unpriced: tuple[tuple[str, str], ...]


def tier_changes_ahead(connection: Connection, first: date, months: int) -> Ahead:
    """List the tier changes of `months` months from the one that begins on `first` on."""
    catalogue = load_catalogue(connection)
    announced = steps_by_change(connection)
    offices, unpriced = [], []
    for change in tier_changes(connection, first, add_months(first, months)):
        code, kind = change.party.code, change.tenancy.kind
        try:
            for office in change.offices:
                let = office.lease
                if not runs(let, change.switches_on):
                    continue
                before = catalogue.rates.at(let.site, OFFICE, kind, change.last_day).subsidised_price
                after = catalogue.rates.at(let.site, OFFICE, kind, change.switches_on).full_price
                offices.append(
                    OfficeChange(
                        switches_on=change.switches_on,
                        tenant=code,
                        name=change.party.legal_name,
                        site=let.site,
                        lease=let.code,
                        office=office.unit,
                        area=let.area,
                        before=line_amount(before, let.area),
                        after=line_amount(after, let.area),
                        ends_on=None if let.end is None else let.end - ONE_DAY,
                        announced=announced.get((code, change.switches_on), ()),
                    )
                )
        except PricingError as error:
            unpriced.append((code, str(error)))
    return Ahead(first, months, tuple(sorted(offices)), tuple(unpriced))


class Gain(NamedTuple):
    """The change of a month's income at a site, or in the network: tenants, and whole months' rents in centimes."""

    tenants: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        """Return the amount that a whole month brings more."""
        return self.after - self.before


def gains(ahead: Ahead) -> dict[date, dict[str | None, Gain]]:
    """Sum by month that has tier changes, by site, and under None for the network."""
    by_month: dict[date, dict[str | None, Gain]] = {}
    tenants: dict[tuple[date, str | None], set[str]] = {}
    for office in ahead.offices:
        for site in (office.site, None):
            key = office.month, site
            tenants.setdefault(key, set()).add(office.tenant)
            so_far = by_month.setdefault(office.month, {}).get(site, Gain(0, 0, 0))
            by_month[office.month][site] = Gain(
                len(tenants[key]), so_far.before + office.before, so_far.after + office.after
            )
    return by_month
