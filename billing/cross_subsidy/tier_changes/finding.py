"""Which windows end when, for whom, and what the bills say before and after: by the run's own engine."""

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

# Usual quantities are told to the tenth of their unit, and priced as told.
_TENTH = 100_000


class Office(NamedTuple):
    """An office of a tenant: its lease, its name, and that of its site."""

    lease: Lease
    unit: str
    site_name: str


class Switching(NamedTuple):
    """A tenant whose window ends while it rents: its last subsidised day and the next are both days of leases."""

    party: Party
    tenancy: Tenancy
    window: Window
    offices: tuple[Office, ...]

    @property
    def switches_on(self) -> date:
        """The first day at the market price (R5)."""
        return self.window.end

    @property
    def last_day(self) -> date:
        """The last subsidised day."""
        return self.window.end - ONE_DAY


class Habit(NamedTuple):
    """What a tenant usually uses of a service in a month, priced before and after the switch; a line each."""

    before: PricedLine
    after: PricedLine


class Bills(NamedTuple):
    """A tenant's bills around its switch: the last month that is subsidised whole, the month of the switch, the first
    market month; where the switch is on the first of a month, there is none between. Offices alone; `habits` apart.
    """

    before: QuotedMonth
    between: QuotedMonth | None
    after: QuotedMonth
    habits: tuple[Habit, ...]

    @property
    def months(self) -> tuple[QuotedMonth, ...]:
        """The months in order."""
        return tuple(month for month in (self.before, self.between, self.after) if month is not None)


def switching(
    connection: Connection, since: date, until: date | None, only: Iterable[str] | None = None
) -> Iterator[Switching]:
    """The tenants that turn to the market price from `since` on and before `until` (None: ever), by code.

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
                yield Switching(party, terms, window, own)


def switch_of(connection: Connection, code: str) -> Switching:
    """The switch of one tenant, past or to come; raises Unknown where there is none."""
    known = connection.scalar(select(tenant.c.code).where(tenant.c.code == code))
    if known is None:
        raise Unknown(f"no tenant has the code {code}")
    found = next(switching(connection, date.min, None, only=(code,)), None)
    if found is None:
        raise Unknown(f"{code} has no switch: it has no window, or does not rent when that ends")
    return found


def _offices(connection: Connection, low: str, high: str, names: Mapping[str, str]) -> dict[str, tuple[Office, ...]]:
    found: dict[str, list[Office]] = {}
    rows = connection.execute(select(lease).where(lease.c.tenant.between(low, high)).order_by(lease.c.code))
    for row in rows:
        end = None if row.ends_on is None else row.ends_on + ONE_DAY
        let = Lease(row.code, row.site, row.area, row.starts_on, end)
        found.setdefault(row.tenant, []).append(Office(let, row.unit, names[row.site]))
    return {code: tuple(offices) for code, offices in found.items()}


def runs(let: Lease, day: date) -> bool:
    """Whether a lease runs on a day."""
    return let.start <= day and (let.end is None or day < let.end)


def _rents(offices: Iterable[Office], day: date) -> bool:
    return any(runs(office.lease, day) for office in offices)


def bills_of(found: Switching, catalogue: Catalogue, usage: UsageOnRecord) -> Bills:
    """The bills around a switch, by the run's engine (R9, R11). Raises PricingError."""
    month = first_of_month(found.switches_on)
    is_whole = month == found.switches_on
    return Bills(
        _month(found, catalogue, add_months(month, -1)),
        None if is_whole else _month(found, catalogue, month),
        _month(found, catalogue, month if is_whole else next_month(month)),
        _habits(found, catalogue, usage),
    )


def _month(found: Switching, catalogue: Catalogue, month: date) -> QuotedMonth:
    lines = [
        line
        for office in found.offices
        for line in office_lines(office.lease, month, found.tenancy, catalogue.rates, catalogue.vat)
    ]
    return QuotedMonth(month, tuple(lines), vat_breakdown((line.vat_rate, line.amount) for line in lines))


def _habits(found: Switching, catalogue: Catalogue, usage: UsageOnRecord) -> tuple[Habit, ...]:
    """What the tenant uses a month of the switch, on average, at the prices of the days before and after it."""
    days = month_period(first_of_month(found.switches_on)).days
    habits = []
    for usual in usage.of(found.party.code, [office.lease for office in found.offices]):
        quantity = settle(usual.quantity * days, usual.days * _TENTH) * _TENTH
        if quantity:
            priced = (_used(usual, quantity, day, found, catalogue) for day in (found.last_day, found.switches_on))
            habits.append(Habit(*priced))
    return tuple(habits)


def _used(usual: Usual, quantity: int, day: date, found: Switching, catalogue: Catalogue) -> PricedLine:
    event = UsageEvent(0, usual.site, usual.service, quantity, day)
    ((line, _),) = usage_lines((event,), found.tenancy, catalogue.rates, catalogue.vat)
    return line


def usage_before(connection: Connection, on: date) -> UsageOnRecord:
    """The usage that makes habits: the last twelve whole months before a day."""
    return usage_on_record(connection, on)
