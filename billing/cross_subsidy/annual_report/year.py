"""The year's statement of the péréquation: who funded whom, month by month and site by site, tied to the ledger.

A fold over the kept matrices of the year's months (R16-R19). Each of its sums is found on 9201, 9202, 9207, 9208, 9209
and 9301 in the entries of those months, to the centime; where one is not, there is no statement.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, or_, select

from billing.entries.accounts import (
    ADVANTAGE,
    BORNE_BY_OPERATOR,
    CONTRIBUTIONS,
    GRANTS,
    GRANTS_COUNTERPART,
    NETWORK_POOL,
    RESERVE,
    SITE_POOL,
    SUPPORT,
)
from billing.frame.errors import Conflict, Unknown
from billing.register.tables import site, subsidy_grant
from billing.run.matrices import KeptMatrix, standing_matrices
from billing.run.tables import run_position
from ledger.accounts import label_of
from ledger.models import entry, posting
from pricing.funding_matrix import GRANT, OPERATOR, TENANT
from pricing.money import format_amount
from pricing.period import format_month

# From whom support comes.
OWN_SITE = "own_site"
OTHER_SITES = "other_sites"
OF_GRANTS = "grants"
OF_RESERVE = "reserve"
OF_OPERATOR = "operator"
SOURCES = (OWN_SITE, OTHER_SITES, OF_GRANTS, OF_RESERVE, OF_OPERATOR)
_SOURCE_OF_KIND = {GRANT: OF_GRANTS, "reserve": OF_RESERVE, OPERATOR: OF_OPERATOR}
# The accounts a statement is tied to; the pools are nil after every run.
TIED = (CONTRIBUTIONS, SUPPORT, SITE_POOL, NETWORK_POOL, RESERVE, GRANTS, BORNE_BY_OPERATOR, ADVANTAGE)


class Flow(NamedTuple):
    """What one source gave the firms of one site: a site's firms, or grants, reserve, operator (blank `origin`)."""

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
        """What the firms needed, and got."""
        return sum(flow.amount for flow in self.flows)

    @property
    def kept(self) -> int:
        """What nobody needed."""
        return sum(amount for _, amount in self.to_reserve)

    def of(self, source: str) -> int:
        """What came from one kind of source."""
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
        """What the months to come find."""
        return self.before + self.received - self.used


class Tie(NamedTuple):
    """An account: what the statement says it moved (debit less credit), what the months' entries moved it by, and
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
        """What all firms needed, and got."""
        return sum(month.support for month in self.months)

    @property
    def kept(self) -> int:
        """What went to the reserve."""
        return sum(month.kept for month in self.months)

    @property
    def advantage(self) -> int:
        """What all discounts were worth."""
        return sum(month.advantage for month in self.months)

    @property
    def reserve_after(self) -> int:
        """The reserve after the year's last month."""
        return self.months[-1].reserve_after

    @property
    def is_whole(self) -> bool:
        """Whether all twelve months were run."""
        return len(self.months) == 12

    def of(self, source: str) -> int:
        """What came from one kind of source."""
        return sum(month.of(source) for month in self.months)

    def flows(self) -> tuple[Flow, ...]:
        """The year's flows, summed over months."""
        sums: dict[tuple[str, str | None, str], int] = {}
        for month in self.months:
            for flow in month.flows:
                key = flow.source, flow.origin, flow.site
                sums[key] = sums.get(key, 0) + flow.amount
        ordered = sorted(sums, key=lambda key: (SOURCES.index(key[0]), key[1] or "", key[2]))
        return tuple(Flow(*key, sums[key]) for key in ordered)

    def kept_by_site(self) -> dict[str, int]:
        """What each site's firms left to the reserve."""
        sums: dict[str, int] = {}
        for month in self.months:
            for code, amount in month.to_reserve:
                sums[code] = sums.get(code, 0) + amount
        return sums


def year_statement(connection: Connection, year: int) -> YearStatement:
    """The statement of the months of a year that were run. Raises Unknown for none, Conflict if the books disagree."""
    first, last = date(year, 1, 1), date(year, 12, 1)
    kept = list(standing_matrices(connection, first, last))
    if not kept:
        raise Unknown(f"no month of {year} has been run")
    worth = _advantages(connection, first, last)
    reserve = reserve_before = _reserve_before(connection, first)
    months = []
    for matrix in kept:
        flows, to_reserve, used = _of_month(matrix)
        reserve += sum(amount for _, amount in to_reserve) - used
        months.append(YearMonth(matrix.period, flows, to_reserve, worth.get(matrix.period, 0), reserve))
    found = YearStatement(
        year=year,
        months=tuple(months),
        sites=tuple((row.code, row.name) for row in connection.execute(select(site).order_by(site.c.code))),
        grants=_grants(connection, kept, year),
        supports=_largest_first(_supports(kept)),
        contributions=_largest_first(_contributions(kept)),
        reserve_before=reserve_before,
        ties=(),
    )
    ties = _ties(connection, found)
    for tie in ties:
        if tie.stated != tie.booked:
            raise Conflict(
                f"account {tie.account} moved by {format_amount(tie.booked)} in the entries of {year}, the kept "
                f"matrices say {format_amount(tie.stated)}: run `technopark-billing check`, mend what it names first"
            )
    return replace(found, ties=ties)


def _of_month(kept: KeptMatrix) -> tuple[tuple[Flow, ...], tuple[tuple[str, int], ...], int]:
    """The flows of a run by source and site, what its sites left to the reserve, what it took from the reserve.

    In a pool every site is given in proportion: the sums are of cells, so that they agree with the firms' accounts.
    """
    flows: dict[tuple[str, str | None, str], int] = {}
    used = 0
    for pool in kept.funding.pools:
        sites = [supported.site for supported, _ in pool.receives]
        for (funder, given), row in pool.rows():
            if funder.kind == "reserve":
                used += given
            for code, amount in zip(sites, row, strict=True):
                if not amount:
                    continue
                if funder.kind == TENANT:
                    source, origin = OWN_SITE if funder.site == code else OTHER_SITES, funder.site
                else:
                    source, origin = _SOURCE_OF_KIND[funder.kind], None
                key = source, origin, code
                flows[key] = flows.get(key, 0) + amount
    to_reserve: dict[str, int] = {}
    for funder, amount in kept.funding.to_reserve:
        to_reserve[funder.site or ""] = to_reserve.get(funder.site or "", 0) + amount
    ordered = sorted(flows, key=lambda key: (SOURCES.index(key[0]), key[1] or "", key[2]))
    return tuple(Flow(*key, flows[key]) for key in ordered), tuple(sorted(to_reserve.items())), used


def _supports(kept: Iterable[KeptMatrix]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for matrix in kept:
        for pool in matrix.funding.pools:
            for supported, amount in pool.receives:
                sums[supported.tenant] = sums.get(supported.tenant, 0) + amount
    return sums


def _contributions(kept: Iterable[KeptMatrix]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for matrix in kept:
        gifts = [gift for pool in matrix.funding.pools for gift in pool.gives]
        for funder, amount in (*gifts, *matrix.funding.to_reserve):
            if funder.kind == TENANT and funder.code is not None:
                sums[funder.code] = sums.get(funder.code, 0) + amount
    return sums


def _largest_first(sums: dict[str, int]) -> tuple[int, ...]:
    return tuple(sorted(sums.values(), reverse=True))


def _advantages(connection: Connection, first: date, last: date) -> dict[date, int]:
    p = run_position.c
    rows = connection.execute(
        select(p.period, func.sum(p.advantage)).where(p.period.between(first, last)).group_by(p.period)
    )
    return {period: int(amount) for period, amount in rows}


def _reserve_before(connection: Connection, first: date) -> int:
    """The reserve that the runs of the months before left."""
    return -int(
        connection.scalar(
            select(func.sum(posting.c.amount))
            .join(entry, entry.c.id == posting.c.entry_id)
            .where(posting.c.account == RESERVE, _before(first))
        )
        or 0
    )


def _before(first: date) -> ColumnElement[bool]:
    """The entries of runs of months before a day; `PER/grant/…` are none."""
    return and_(entry.c.reference >= "PER/0", entry.c.reference < f"PER/{format_month(first)}")


def _grants(connection: Connection, kept: Sequence[KeptMatrix], year: int) -> tuple[GrantYear, ...]:
    """Return each grant received up to the year's end: its amount as corrected, what the months of runs used of it.

    It counts as received in the year of `granted_on`, whenever its correction was booked, or in the year of its first
    use, where `granted_on` was moved behind that: nothing is used before it is received, or left below 0.00.
    """
    used: dict[str, int] = {}
    for matrix in kept:
        for pool in matrix.funding.pools:
            for funder, amount in pool.gives:
                if funder.kind == GRANT and funder.code is not None:
                    used[funder.code] = used.get(funder.code, 0) + amount
    used_before = (
        select(posting.c.auxiliary, func.sum(posting.c.amount), func.min(entry.c.reference))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(posting.c.account == GRANTS, _before(date(year, 1, 1)))
        .group_by(posting.c.auxiliary)
    )
    gone = {
        code: (int(amount), int(first[len("PER/") :][:4])) for code, amount, first in connection.execute(used_before)
    }
    grants = []
    for row in connection.execute(select(subsidy_grant).order_by(subsidy_grant.c.granted_on, subsidy_grant.c.code)):
        gone_before, first_used = gone.get(row.code, (0, year if row.code in used else row.granted_on.year))
        received_in = min(row.granted_on.year, first_used)
        before = row.amount - gone_before if received_in < year else 0
        received = row.amount if received_in == year else 0
        grant = GrantYear(row.code, row.funder, row.site, before, received, used.get(row.code, 0))
        if any((grant.before, grant.received, grant.used)):
            grants.append(grant)
    return tuple(grants)


def _ties(connection: Connection, found: YearStatement) -> tuple[Tie, ...]:
    """What the statement says of each account, beside what the entries of its months, and of its year, moved it by."""
    stated = {
        CONTRIBUTIONS: sum(found.contributions),
        SUPPORT: -found.support,
        RESERVE: found.of(OF_RESERVE) - found.kept,
        GRANTS: found.of(OF_GRANTS),
        BORNE_BY_OPERATOR: found.of(OF_OPERATOR),
        ADVANTAGE: found.advantage,
    }
    first, end = date(found.year, 1, 1), date(found.year + 1, 1, 1)
    reference = entry.c.reference
    of_months = and_(reference >= f"PER/{found.year}-", reference < f"PER/{found.year}.")
    of_runs = and_(reference >= "PER/0", reference < "PER/:")
    in_year = and_(entry.c.effective_on >= first, entry.c.effective_on < end)

    def sum_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, posting.c.amount), else_=0))

    rows = connection.execute(
        select(
            posting.c.account,
            sum_where(of_months),
            sum_where(and_(of_months, not_(in_year))),
            sum_where(and_(in_year, not_(of_months))),
        )
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(posting.c.account.in_(TIED), of_runs, or_(of_months, in_year))
        .group_by(posting.c.account)
    )
    booked = {account: tuple(map(int, sums)) for account, *sums in rows}
    of_grant = (
        select(posting.c.auxiliary, func.sum(posting.c.amount), sum_where(in_year))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(posting.c.account == GRANTS_COUNTERPART)
        .group_by(posting.c.auxiliary)
    )
    received = {grant.code for grant in found.grants if grant.received}
    entered = elsewhere = here = 0
    for code, amount, dated_here in connection.execute(of_grant):
        if code in received:
            entered += int(amount)
            elsewhere += int(amount) - int(dated_here)
        else:
            here += int(dated_here)
    return (
        *(Tie(account, label_of(account), stated.get(account, 0), *booked.get(account, (0, 0, 0))) for account in TIED),
        Tie(
            GRANTS_COUNTERPART,
            label_of(GRANTS_COUNTERPART),
            sum(grant.received for grant in found.grants),
            entered,
            elsewhere,
            here,
        ),
    )
