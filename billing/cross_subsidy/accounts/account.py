"""A tenant's own account of the péréquation: what it received, from whom; what it brought, for whom; its prices.

A fold over the kept matrices (R16-R19). Names of others are given only where the operator allows it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.frame.errors import Unknown
from billing.frame.terms import Terms
from billing.register.tables import billing_run, lease, subsidy_grant, tenant
from billing.run.matrices import KeptMatrix, standing_matrices
from billing.run.quotes.quoting import Question, Quote, quote
from billing.run.tables import run_position
from pricing.eligibility import Tenancy, admission_day, tenancy
from pricing.errors import PricingError
from pricing.funding_matrix import GRANT, OPERATOR, RESERVE, TENANT, Cell
from pricing.period import add_months, first_of_month, format_month, next_month

# The setting that lets others be named.
NAMES = "cross_subsidy.names"
# From whom support comes; a firm that gives here and needs there meets a part of its need itself.
OWN_SITE = "own_site"
OTHER_SITES = "other_sites"
GRANTS = "grants"
FROM_RESERVE = "reserve"
FROM_OPERATOR = "operator"
ITSELF = "itself"
GROUPS = (OWN_SITE, OTHER_SITES, GRANTS, FROM_RESERVE, FROM_OPERATOR, ITSELF)
# For whom contributions are.
USES = (OWN_SITE, OTHER_SITES, FROM_RESERVE, ITSELF)
# So many months after the end of the window, or after the last month billed, prices are shown ahead.
_MONTHS_AHEAD = 3
# Of longer stays the last so many months of prices are shown.
_MONTHS_OF_PRICES_MAX = 48


class Part(NamedTuple):
    """An amount that came from, or went to, a party in a run: its group, its site if it has one, its kind and code."""

    group: str
    site: str | None
    kind: str
    code: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class AccountMonth:
    """One run's month: what the tenant received and brought, in centimes; `advantage`: what its discount was worth."""

    period: date
    received: tuple[Part, ...]
    contributed: tuple[Part, ...]
    advantage: int

    @property
    def received_total(self) -> int:
        """Sum all it received."""
        return sum(part.amount for part in self.received)

    @property
    def contributed_total(self) -> int:
        """Sum all it brought."""
        return sum(part.amount for part in self.contributed)

    @property
    def net(self) -> int:
        """Return the amount it received less what it brought."""
        return self.received_total - self.contributed_total


class PricedMonth(NamedTuple):
    """A month of the tenant's offices, in centimes without VAT: what is charged, and what the full price would be."""

    month: date
    charged: int
    full: int


class Switch(NamedTuple):
    """The day the price changes (R5), and the bills of the offices in the whole months around it, with VAT."""

    on: date
    month_before: date
    before: int
    month_after: date
    after: int


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant's account up to a month; `prices` is empty where they can't be computed: `prices_problem` says why."""

    tenant: str
    legal_name: str
    until: date
    admission: date | None
    terms: Tenancy
    months: tuple[AccountMonth, ...]
    prices: tuple[PricedMonth, ...]
    switch: Switch | None
    prices_problem: str | None
    # Names of tenants and funders of grants by (kind, code), where the operator allows them; else None.
    names: Mapping[tuple[str, str], str] | None

    @property
    def received(self) -> int:
        """Sum all it received, in centimes."""
        return sum(month.received_total for month in self.months)

    @property
    def contributed(self) -> int:
        """Sum all it brought, in centimes."""
        return sum(month.contributed_total for month in self.months)

    @property
    def net(self) -> int:
        """Return the amount it received less what it brought, in centimes."""
        return self.received - self.contributed

    @property
    def parts_received(self) -> tuple[Part, ...]:
        """Sum all it received, by group and site."""
        return by_group_and_site(part for month in self.months for part in month.received)

    @property
    def parts_contributed(self) -> tuple[Part, ...]:
        """Sum all it brought, by use and site."""
        return by_group_and_site(part for month in self.months for part in month.contributed)


def by_group_and_site(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Sum parts over parties, in the order of groups, then sites."""
    sums: dict[tuple[str, str | None], int] = {}
    for part in parts:
        key = part.group, part.site
        sums[key] = sums.get(key, 0) + part.amount
    ordered = sorted(sums, key=lambda key: (GROUPS.index(key[0]), key[1] or ""))
    return tuple(Part(group, site, "", None, sums[group, site]) for group, site in ordered)


def account_of(connection: Connection, code: str, until: date | None, settings: Terms) -> Account:
    """Return a tenant's account from its admission (or from where billing began) to a month, or to the latest run.

    Those who gave or received are named where the settings of that month allow it. Raises Unknown.
    """
    row = connection.execute(select(tenant).where(tenant.c.code == code)).one_or_none()
    if row is None:
        raise Unknown(f"there is no tenant {code}")
    first_run, last_run = connection.execute(
        select(func.min(billing_run.c.period), func.max(billing_run.c.period)).where(
            billing_run.c.cross_subsidy.is_not(None)
        )
    ).one()
    if last_run is None or (until is not None and until < first_run):
        month = "no month" if until is None else f"no month up to {format_month(until)}"
        raise Unknown(f"{month} has been run: an account begins with the first run")
    last = last_run if until is None else min(until, last_run)
    starts = connection.scalars(select(lease.c.starts_on).where(lease.c.tenant == code)).all()
    admission = admission_day(row.admitted_on, starts)
    terms = tenancy(row.kind, row.incorporated_on, row.admitted_on, starts)
    # Usage before the admission is billed, and counts, as well.
    earliest = connection.scalar(select(func.min(run_position.c.period)).where(run_position.c.tenant == code))
    known = [day for day in (earliest, None if admission is None else first_of_month(admission)) if day is not None]
    first = max(first_run, min(*known, last)) if known else first_run
    months = tuple(_months(connection, code, first, last))
    prices, switch, problem = _prices(connection, code, first, last, terms)
    names = _names(connection, months) if settings.at(NAMES, last) else None
    return Account(
        tenant=code,
        legal_name=row.legal_name,
        until=last,
        admission=admission,
        terms=terms,
        months=months,
        prices=prices,
        switch=switch,
        prices_problem=problem,
        names=names,
    )


def _months(connection: Connection, code: str, first: date, last: date) -> Iterator[AccountMonth]:
    p = run_position.c
    worth = dict(
        connection.execute(
            select(p.period, func.sum(p.advantage))
            .where(p.tenant == code, p.period.between(first, last))
            .group_by(p.period)
        ).all()
    )
    for matrix in standing_matrices(connection, first, last):
        yield month_of(matrix, code, int(worth.get(matrix.period, 0)))


def month_of(matrix: KeptMatrix, code: str, advantage: int) -> AccountMonth:
    """Read what a run's matrix says of a tenant."""
    received: dict[Part, int] = {}
    contributed: dict[Part, int] = {}
    for cell in matrix.funding.cells_of(code):
        if cell.supported.tenant == code:
            key = Part(_group(cell), cell.funder.site, cell.funder.kind, cell.funder.code, 0)
            received[key] = received.get(key, 0) + cell.amount
        if cell.funder.kind == TENANT and cell.funder.code == code:
            key = Part(_group(cell), cell.supported.site, TENANT, cell.supported.tenant, 0)
            contributed[key] = contributed.get(key, 0) + cell.amount
    for funder, amount in matrix.funding.to_reserve:
        if funder.code == code:
            key = Part(FROM_RESERVE, None, RESERVE, None, 0)
            contributed[key] = contributed.get(key, 0) + amount
    return AccountMonth(matrix.period, _parts(received), _parts(contributed), advantage)


def _parts(sums: Mapping[Part, int]) -> tuple[Part, ...]:
    ordered = sorted(sums, key=lambda part: (GROUPS.index(part.group), part.site or "", part.code or ""))
    return tuple(part._replace(amount=sums[part]) for part in ordered)


_GROUP_OF_KIND = {GRANT: GRANTS, RESERVE: FROM_RESERVE, OPERATOR: FROM_OPERATOR}


def _group(cell: Cell) -> str:
    """Return the group to which a cell belongs, from either side of it."""
    funder, supported = cell.funder, cell.supported
    if funder.kind != TENANT:
        return _GROUP_OF_KIND[funder.kind]
    if funder.code == supported.tenant:
        return ITSELF
    return OWN_SITE if funder.site == supported.site else OTHER_SITES


def _prices(
    connection: Connection, code: str, first: date, last: date, terms: Tenancy
) -> tuple[tuple[PricedMonth, ...], Switch | None, str | None]:
    """Price the rents month by month, before and after the window ends, by the engine of the bill."""
    end = None if terms.window is None else terms.window.end
    until = add_months(last if end is None else max(last, first_of_month(end)), _MONTHS_AHEAD)
    since = first if terms.window is None else first_of_month(terms.window.start)
    problem = ""
    # Prices of before the first run were asked by other means: they are quoted if they are known.
    for begin in sorted({max(since, add_months(until, 1 - _MONTHS_OF_PRICES_MAX)), first}):
        count = (until.year - begin.year) * 12 + until.month - begin.month + 1
        try:
            quoted = quote(connection, Question(starts_on=begin, months=count, tenant=code))
        except PricingError as error:
            problem = str(error)
            continue
        months = tuple(
            PricedMonth(month.month, month.net, sum(line.full_amount for line in month.lines))
            for month in quoted.months
        )
        return months, None if end is None else _switch(quoted, end), None
    return (), None, problem


def _switch(quoted: Quote, end: date) -> Switch | None:
    """Return the bills of the last whole month before the day and of the first from it on; None if not priced."""
    before, after = add_months(first_of_month(end), -1), end if end.day == 1 else next_month(first_of_month(end))
    bills = {month.month: month.net + month.tax for month in quoted.months if month.lines}
    if before not in bills or after not in bills:
        return None
    return Switch(end, before, bills[before], after, bills[after])


def _names(connection: Connection, months: Iterable[AccountMonth]) -> dict[tuple[str, str], str]:
    codes: dict[str, set[str]] = {TENANT: set(), GRANT: set()}
    for month in months:
        for part in (*month.received, *month.contributed):
            if part.code is not None and part.kind in codes:
                codes[part.kind].add(part.code)
    names: dict[tuple[str, str], str] = {}
    for kind, column, name in (
        (TENANT, tenant.c.code, tenant.c.legal_name),
        (GRANT, subsidy_grant.c.code, subsidy_grant.c.funder),
    ):
        rows = connection.execute(select(column, name).where(column.in_(sorted(codes[kind]))))
        names |= {(kind, code): text for code, text in rows}
    return names
