"""Find tier changes, and the bills before and after them: by the run's own engine."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.cross_subsidy.forecast.register import tenant_ranges, usage_on_record
from billing.frame.errors import Unknown
from billing.register.catalogue import Catalogue
from billing.register.tables import lease, site, tenant
from billing.run.quotes.quoting import QuotedMonth
from invoices.document import Party
from pricing.eligibility import ELIGIBLE_KINDS, Tenancy, Window, tenancy
from pricing.forecast.outlook import UsageOnRecord
from pricing.money import settle
from pricing.period import ONE_DAY, add_months, first_of_month, month_period, next_month
from pricing.projection import Usual
from pricing.rating import Lease, PricedLine, UsageEvent, office_lines, usage_lines
from pricing.vat import vat_breakdown

# Usual quantities are stated to the tenth of their unit, and priced as stated.
_TENTH = 100_000


class Office(NamedTuple):
    """An office of a tenant: its lease, its name, and that of its site."""

    lease: Lease
    unit: str
    site_name: str


class TierChange(NamedTuple):
    """A tenant's change to the market price: it rents on its last subsidised day and on the next."""

    party: Party
    tenancy: Tenancy
    window: Window
    offices: tuple[Office, ...]

    @property
    def switches_on(self) -> date:
        """Return the first day at the market price (R5)."""
        return self.window.end

    @property
    def last_day(self) -> date:
        """Return the last subsidised day."""
        return self.window.end - ONE_DAY


class Habit(NamedTuple):
    """A tenant's usual usage of a service in a month, priced before and after the change; a line each."""

    before: PricedLine
    after: PricedLine


class Bills(NamedTuple):
    """A tenant's bills around its change: the last month that is subsidised whole, the month of the change, the first
    market month; where the change is on the first of a month, there is none between. Offices alone; `habits` apart.
    """

    before: QuotedMonth
    between: QuotedMonth | None
    after: QuotedMonth
    habits: tuple[Habit, ...]

    @property
    def months(self) -> tuple[QuotedMonth, ...]:
        """Return the months in order."""
        return tuple(month for month in (self.before, self.between, self.after) if month is not None)


def tier_changes(
    connection: Connection, since: date, until: date | None, only: Iterable[str] | None = None
) -> Iterator[TierChange]:
    """Find the tenants that change to the market price from `since` on and before `until` (None: ever), by code.

    `only` these tenants, if given.
    """
    wanted = None if only is None else frozenset(only)
    names = dict(connection.execute(select(site.c.code, site.c.name)).all())
    for low, high in tenant_ranges(connection):
        offices = _offices(connection, low, high, names)
        rows = connection.execute(
            select(tenant)
            .where(
                tenant.c.code.between(low, high),
                tenant.c.kind.in_(sorted(ELIGIBLE_KINDS)),
                tenant.c.incorporated_on.is_not(None),
            )
            .order_by(tenant.c.code)
        )
        for row in rows:
            own = offices.get(row.code, ())
            if not own or (wanted is not None and row.code not in wanted):
                continue
            starts = (office.lease.start for office in own)
            terms = tenancy(row.kind, row.incorporated_on, row.admitted_on, starts)
            window = terms.window
            if window is None or window.end < since or (until is not None and window.end >= until):
                continue
            if all(_rents(own, day) for day in (window.end - ONE_DAY, window.end)):
                party = Party(
                    row.code, row.legal_name, row.legal_form, row.address, row.city, ice=row.ice, tax_id=row.tax_id,
                    trade_register=row.trade_register, email=row.email, language=row.language,
                )  # fmt: skip
                yield TierChange(party, terms, window, own)


def tier_change_of(connection: Connection, code: str) -> TierChange:
    """Return the tier change of one tenant, past or to come; raises Unknown where there is none."""
    known = connection.scalar(select(tenant.c.code).where(tenant.c.code == code))
    if known is None:
        raise Unknown(f"no tenant has the code {code}")
    change = next(tier_changes(connection, date.min, None, only=(code,)), None)
    if change is None:
        raise Unknown(f"{code} has no tier change: it has no window, or does not rent when that ends")
    return change


def _offices(connection: Connection, low: str, high: str, names: Mapping[str, str]) -> dict[str, tuple[Office, ...]]:
    offices: dict[str, list[Office]] = {}
    rows = connection.execute(select(lease).where(lease.c.tenant.between(low, high)).order_by(lease.c.code))
    for row in rows:
        end = None if row.ends_on is None else row.ends_on + ONE_DAY
        let = Lease(row.code, row.site, row.area, row.starts_on, end)
        offices.setdefault(row.tenant, []).append(Office(let, row.unit, names[row.site]))
    return {code: tuple(own) for code, own in offices.items()}


def runs(let: Lease, day: date) -> bool:
    """Say whether a lease runs on a day."""
    return let.start <= day and (let.end is None or day < let.end)


def _rents(offices: Iterable[Office], day: date) -> bool:
    return any(runs(office.lease, day) for office in offices)


def bills_of(change: TierChange, catalogue: Catalogue, usage: UsageOnRecord) -> Bills:
    """Price the bills around a tier change, by the run's engine (R9, R11). Raises PricingError."""
    month = first_of_month(change.switches_on)
    is_whole = month == change.switches_on
    return Bills(
        _month(change, catalogue, add_months(month, -1)),
        None if is_whole else _month(change, catalogue, month),
        _month(change, catalogue, month if is_whole else next_month(month)),
        _habits(change, catalogue, usage),
    )


def _month(change: TierChange, catalogue: Catalogue, month: date) -> QuotedMonth:
    lines = [
        line
        for office in change.offices
        for line in office_lines(office.lease, month, change.tenancy, catalogue.rates, catalogue.vat)
    ]
    return QuotedMonth(month, tuple(lines), vat_breakdown((line.vat_rate, line.amount) for line in lines))


def _habits(change: TierChange, catalogue: Catalogue, usage: UsageOnRecord) -> tuple[Habit, ...]:
    """Price the usual usage of the month of the change, by the prices of the days before and after it."""
    days = month_period(first_of_month(change.switches_on)).days
    habits = []
    for usual in usage.of(change.party.code, [office.lease for office in change.offices]):
        quantity = settle(usual.quantity * days, usual.days * _TENTH) * _TENTH
        if quantity:
            priced = (_used(usual, quantity, day, change, catalogue) for day in (change.last_day, change.switches_on))
            habits.append(Habit(*priced))
    return tuple(habits)


def _used(usual: Usual, quantity: int, day: date, change: TierChange, catalogue: Catalogue) -> PricedLine:
    event = UsageEvent(0, usual.site, usual.service, quantity, day)
    ((line, _),) = usage_lines((event,), change.tenancy, catalogue.rates, catalogue.vat)
    return line


def usage_before(connection: Connection, on: date) -> UsageOnRecord:
    """Read the usage that makes habits: that of the last twelve whole months before a day."""
    return usage_on_record(connection, on)
