"""What if: another rate card, window or discount on the whole network and its real usage, beside today's.

Both sides are priced here, month by month, by the engine of the runs: the office months and the usage that the runs of
those months bill, from the register as it stands. Where nothing was corrected since, today's side is what the
runs gave. Nothing is written.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from billing.cross_subsidy.forecast.register import tenant_ranges
from billing.frame.errors import Fault, Refused, Unknown
from billing.register.catalogue import load_rate_versions, load_vat_book
from billing.register.tables import billing_run, lease, service, site, subsidy_grant, tenant, usage_event
from pricing.cross_subsidy import Grant, Position, SiteFunding, positions
from pricing.eligibility import WINDOW_MONTHS, tenancy
from pricing.errors import PricingError
from pricing.money import AMOUNT_DECIMALS, format_amount, format_price, format_rate, parse_decimal, price_fraction
from pricing.period import ONE_DAY, Period, add_months, format_month, months
from pricing.projection import Funds, Stay, cascade, lines_of_run
from pricing.rates import Rate, RateBook, VatBook, ceiling_breach
from pricing.rating import Lease, PricedLine, UsageEvent

MONTHS_MAX = 36
WINDOW_MONTHS_MAX = 120
MOVERS_SHOWN = 10
_BEGINNING = date(1900, 1, 1)

Version = tuple[str, str, str, Rate]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about, in place of today's: None or empty, as it is.

    Versions of `rates` stand in place of all those of the same site, service and kind. `discounts` say which part of
    the full price the incubation discount is, by service; `window_months` how long it is granted.
    """

    rates: tuple[Version, ...] = ()
    window_months: int | None = None
    discounts: Mapping[str, Fraction] | None = None


class Figures(NamedTuple):
    """A site's or the network's sums over the months, in centimes: income without VAT, advantage, and R18's."""

    income: int
    advantage: int
    contributions: int
    draws: int
    earmarked_grants: int
    own: int
    network: int
    reserve: int
    network_grants: int
    unfunded: int


class Mover(NamedTuple):
    """What a tenant pays in those months without VAT, in centimes: by today's terms, and by those asked about."""

    tenant: str
    name: str
    today: int
    asked: int

    @property
    def difference(self) -> int:
        """What it pays more; below nil: less."""
        return self.asked - self.today


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: figures by site, of the network, and the reserve after the last run."""

    sites: Mapping[str, Figures]
    network: Figures
    reserve_after: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Both sides; every tenant that is billed by either; and who can't be priced by one of them, left out of both."""

    months: tuple[date, ...]
    reserve_before: int
    today: Side
    asked: Side
    movers: tuple[Mover, ...]
    unpriced: tuple[tuple[str, str], ...]

    def most(self, count: int = MOVERS_SHOWN) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
        """Those who would pay most more, and most less, at most so many of each; ties by code."""
        more = sorted((m for m in self.movers if m.difference > 0), key=lambda m: (-m.difference, m.tenant))
        less = sorted((m for m in self.movers if m.difference < 0), key=lambda m: (m.difference, m.tenant))
        return tuple(more[:count]), tuple(less[:count])


def months_asked(connection: Connection, first: date | None, last: date | None) -> tuple[date, ...]:
    """The months compared: unless told, the runs of the latest run's year, so far. Raises Refused, Unknown."""
    c = billing_run.c
    done = list(connection.scalars(select(c.period).where(c.status == "complete").order_by(c.period)))
    if last is None:
        if not done:
            raise Unknown("nothing has been run yet: say which months are to be compared, with from and until")
        last = done[-1]
    if first is None:
        first = max(date(last.year, 1, 1), min([*done, last]))
    found = months(first, last)
    if not 1 <= len(found) <= MONTHS_MAX:
        problem = f"is no stretch of 1 to {MONTHS_MAX} months"
        span = f"{format_month(first)} to {format_month(last)}"
        raise Refused([Fault("what-if", None, "from", span, problem, "correct one of the two months")])
    return found


class _Terms(NamedTuple):
    rates: RateBook
    vat: VatBook
    window_months: int


class _Priced(NamedTuple):
    """What a tenant brings by one side's terms: (income, position) by site, month by month."""

    income: tuple[Mapping[str, int], ...]
    positions: tuple[tuple[Position, ...], ...]


def what_if(
    connection: Connection,
    asked: Asked,
    compared: Sequence[date],
    progress: Callable[[int, int], None] | None = None,
) -> WhatIf:
    """Price those months for every tenant by today's terms and by those asked about. Raises Refused.

    `progress` is told batches of tenants done and in all.
    """
    versions, vat = load_rate_versions(connection), load_vat_book(connection)
    other = _other_versions(versions, asked)
    _require_ceilings(connection, other, vat, asked)
    sides = (
        _Terms(RateBook(versions), vat, WINDOW_MONTHS),
        _Terms(RateBook(other), vat, WINDOW_MONTHS if asked.window_months is None else asked.window_months),
    )
    sums = (_Sums(len(compared)), _Sums(len(compared)))
    movers, unpriced = [], []
    ranges = tenant_ranges(connection)
    since = _usage_since(connection, compared[0])
    for done, (low, high) in enumerate(ranges, 1):
        for found in _tenants(connection, low, high, Period(since, compared[-1]) if since < compared[-1] else None):
            try:
                priced = [_price(found, compared, since, terms) for terms in sides]
            except PricingError as error:
                unpriced.append((found.code, str(error)))
                continue
            for side, bills in zip(sums, priced, strict=True):
                side.add(bills)
            pays = [sum(sum(of_month.values()) for of_month in bills.income) for bills in priced]
            if any(pays):
                movers.append(Mover(found.code, found.name, *pays))
        if progress is not None:
            progress(done, len(ranges))
    funds = _funds_before(connection, compared[0])
    sites = sorted(connection.scalars(select(site.c.code)))
    today, other_side = (side.outcome(compared, sites, funds) for side in sums)
    return WhatIf(tuple(compared), funds.reserve, today, other_side, tuple(movers), tuple(unpriced))


def _other_versions(versions: Sequence[Version], asked: Asked) -> list[Version]:
    """The rate book asked about: other versions for the places named, then other discounts (R7)."""
    named = {found[:3] for found in asked.rates}
    book = [*asked.rates, *(found for found in versions if found[:3] not in named)]
    discounts = asked.discounts or {}
    return [
        (place, code, kind, _discounted(prices, discounts[code]) if code in discounts else prices)
        for place, code, kind, prices in book
    ]


def _discounted(prices: Rate, discount: Fraction) -> Rate:
    """The version with the subsidised price that a discount leaves, rounded to the centime."""
    left = 1 - discount
    return prices._replace(subsidised_price=price_fraction(prices.full_price, left.numerator, left.denominator))


def _require_ceilings(connection: Connection, versions: Iterable[Version], vat: VatBook, asked: Asked) -> None:
    """Refuse terms that could not be entered: services that are none, subsidised prices at their ceiling (R8)."""
    found = connection.execute(select(service.c.code, service.c.price_ceiling_incl_vat))
    ceilings: dict[str, int | None] = dict(found.all())
    faults = [
        Fault("what-if", None, "discount", code, "is no known service", "correct the code")
        for code in asked.discounts or {}
        if code not in ceilings
    ]
    timelines: dict[tuple[str, str, str], list[Rate]] = {}
    for place, code, kind, prices in versions:
        timelines.setdefault((place, code, kind), []).append(prices)
    for (place, code, kind), listed in sorted(timelines.items()):
        ceiling = ceilings.get(code)
        ordered = sorted(listed)
        for prices, following in zip(ordered, [*ordered[1:], None], strict=True):
            end = None if following is None else following.effective_from
            if ceiling is None:
                continue
            breach = ceiling_breach(code, prices.subsidised_price, ceiling, prices.effective_from, end, vat)
            if breach is not None:
                named = f"{place}/{code}/{kind or '*'}/{prices.effective_from}"
                problem = (
                    f"is too high: {format_price(prices.subsidised_price)} with VAT {format_rate(breach[0].rate)} is "
                    f"{format_amount(breach[1])}, and must stay below {format_amount(ceiling)} (R8)"
                )
                faults.append(Fault("what-if", None, "subsidised", named, problem, "ask for a lower price"))
    if faults:
        raise Refused(faults)


class _Tenant(NamedTuple):
    code: str
    name: str
    kind: str
    incorporated_on: date | None
    admitted_on: date | None
    leases: tuple[Lease, ...]
    events: tuple[UsageEvent, ...]


def _tenants(connection: Connection, low: str, high: str, used: Period | None) -> Iterator[_Tenant]:
    """A batch of tenants with all their leases, and the usage of the days of `used`, by code."""
    leases: dict[str, list[Lease]] = {}
    for row in connection.execute(select(lease).where(lease.c.tenant.between(low, high)).order_by(lease.c.code)):
        end = None if row.ends_on is None else row.ends_on + ONE_DAY
        leases.setdefault(row.tenant, []).append(Lease(row.code, row.site, row.area, row.starts_on, end))
    events: dict[str, list[UsageEvent]] = {}
    if used is not None:
        c = usage_event.c
        found = connection.execute(
            select(c.tenant, c.id, c.site, c.service, c.quantity, c.occurred_on)
            .where(c.tenant.between(low, high), c.occurred_on >= used.start, c.occurred_on < used.end)
            .order_by(c.occurred_on, c.id)
        )
        for code, *event in found:
            events.setdefault(code, []).append(UsageEvent(*event))
    t = tenant.c
    rows = connection.execute(
        select(t.code, t.legal_name, t.kind, t.incorporated_on, t.admitted_on)
        .where(t.code.between(low, high))
        .order_by(t.code)
    )
    for row in rows:
        code, name, kind, incorporated_on, admitted_on = row
        lets, used_by = tuple(leases.get(code, ())), tuple(events.get(code, ()))
        yield _Tenant(code, name, kind, incorporated_on, admitted_on, lets, used_by)


def _usage_since(connection: Connection, first: date) -> date:
    """From which day on the usage counts that the run of the first month bills: the month before, or everything if
    no run came before it (R10, R12).
    """
    earlier = connection.scalar(select(billing_run.c.period).where(billing_run.c.period < first).limit(1))
    return _BEGINNING if earlier is None else add_months(first, -1)


def _price(found: _Tenant, compared: Sequence[date], since: date, terms: _Terms) -> _Priced:
    starts = (let.start for let in found.leases)
    stands = tenancy(found.kind, found.incorporated_on, found.admitted_on, starts, window_months=terms.window_months)
    stay = Stay(stands, found.leases, found.events, (), bool(found.leases))
    income, brought = [], []
    for month in compared:
        used = Period(since if month == compared[0] else add_months(month, -1), month)
        lines = lines_of_run(stay, month, used, None, terms.rates, terms.vat)
        both = (*lines.offices, *lines.usage)
        income.append(_income(both))
        brought.append(positions(both))
    return _Priced(tuple(income), tuple(brought))


def _income(lines: Iterable[PricedLine]) -> dict[str, int]:
    income: dict[str, int] = {}
    for line in lines:
        income[line.site] = income.get(line.site, 0) + line.amount
    return income


class _Sums:
    """What one side's tenants bring, summed by site, and by month where the waterfall needs it, as they are priced."""

    def __init__(self, count: int) -> None:
        self._income: Counter[str] = Counter()
        self._advantage: Counter[str] = Counter()
        self._supplies: list[Counter[str]] = [Counter() for _ in range(count)]
        self._needs: list[Counter[str]] = [Counter() for _ in range(count)]

    def add(self, bills: _Priced) -> None:
        """Add a tenant."""
        for found in bills.income:
            self._income.update(found)
        for place, brought in enumerate(bills.positions):
            for position in brought:
                self._supplies[place][position.site] += position.supply
                self._needs[place][position.site] += position.need
                self._advantage[position.site] += position.advantage

    def outcome(self, compared: Sequence[date], sites: Sequence[str], funds: Funds) -> Side:
        """The side's figures: each month's waterfall finds what the one before has left (R18)."""
        nothing = dict.fromkeys(sites, 0)
        runs = [
            (month, {**nothing, **supplies}, {**nothing, **needs})
            for month, supplies, needs in zip(compared, self._supplies, self._needs, strict=True)
        ]
        outcomes = cascade(runs, funds)
        figures = {
            code: Figures(
                self._income[code],
                self._advantage[code],
                *(sum(getattr(one.sites[code], name) for one in outcomes) for name in SiteFunding.__dataclass_fields__),
            )
            for code in sites
        }
        network = Figures(*(sum(column) for column in zip(*figures.values(), strict=True))) if figures else _NOTHING
        return Side(figures, network, outcomes[-1].reserve_after)


_NOTHING = Figures(*([0] * len(Figures._fields)))


def _funds_before(connection: Connection, first: date) -> Funds:
    """The reserve and the grants as the run before the first month left them; before any run, no reserve and all of
    every grant.
    """
    c = billing_run.c
    stored = connection.scalar(
        select(c.cross_subsidy).where(c.period < first, c.status == "complete").order_by(c.period.desc()).limit(1)
    )
    outcome: Mapping[str, Any] = {"reserve_after": "0.00", "grants_left": {}} if stored is None else json.loads(stored)
    left = {code: parse_decimal(text, AMOUNT_DECIMALS) for code, text in outcome["grants_left"].items()}
    g = subsidy_grant.c
    grants = connection.execute(select(g.code, g.site, g.granted_on, g.amount).order_by(g.code))
    return Funds(
        parse_decimal(outcome["reserve_after"], AMOUNT_DECIMALS),
        tuple(Grant(row.code, row.site, row.granted_on, left.get(row.code, row.amount)) for row in grants),
    )
