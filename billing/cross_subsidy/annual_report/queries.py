"""Report on a year's péréquation from the books: a fold over the matrices kept of its months, tied to the ledger.

Each sum of the report is found on 9201, 9202, 9207, 9208, 9209 and 9301 in the entries of those months, to the centime;
where one is not, there is no report.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, or_, select

from billing.cross_subsidy.annual_report.year import (
    OF_GRANTS,
    OF_OPERATOR,
    OF_RESERVE,
    OTHER_SITES,
    OWN_SITE,
    SOURCES,
    Flow,
    GrantYear,
    Tie,
    YearMonth,
    YearStatement,
)
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

_SOURCE_OF_KIND = {GRANT: OF_GRANTS, "reserve": OF_RESERVE, OPERATOR: OF_OPERATOR}
# The accounts a report is tied to; the pools are at 0.00 after every run.
TIED = (CONTRIBUTIONS, SUPPORT, SITE_POOL, NETWORK_POOL, RESERVE, GRANTS, BORNE_BY_OPERATOR, ADVANTAGE)


def year_statement(connection: Connection, year: int) -> YearStatement:
    """Report on the months of a year that were run. Raises Unknown for none, Conflict if the books disagree."""
    first, last = date(year, 1, 1), date(year, 12, 1)
    matrices = list(standing_matrices(connection, first, last))
    if not matrices:
        raise Unknown(f"no month of {year} has been run")
    worth = _advantages(connection, first, last)
    reserve = reserve_before = _reserve_before(connection, first)
    months = []
    for matrix in matrices:
        flows, to_reserve, used = _of_month(matrix)
        reserve += sum(amount for _, amount in to_reserve) - used
        months.append(YearMonth(matrix.period, flows, to_reserve, worth.get(matrix.period, 0), reserve))
    report = YearStatement(
        year=year,
        months=tuple(months),
        sites=tuple((row.code, row.name) for row in connection.execute(select(site).order_by(site.c.code))),
        grants=_grants(connection, matrices, year),
        supports=_largest_first(_supports(matrices)),
        contributions=_largest_first(_contributions(matrices)),
        reserve_before=reserve_before,
        ties=(),
    )
    ties = _ties(connection, report)
    for tie in ties:
        if tie.stated != tie.booked:
            raise Conflict(
                f"account {tie.account} moved by {format_amount(tie.booked)} in the entries of {year}, the kept "
                f"matrices say {format_amount(tie.stated)}: run `technopark-billing check`, mend what it names first"
            )
    return replace(report, ties=ties)


def _of_month(matrix: KeptMatrix) -> tuple[tuple[Flow, ...], tuple[tuple[str, int], ...], int]:
    """Sum a run's flows by source and site, what its sites left to the reserve, what it took from the reserve.

    In a pool every site is given in proportion: the sums are of cells, so that they agree with the firms' accounts.
    """
    flows: dict[tuple[str, str | None, str], int] = {}
    used = 0
    for pool in matrix.funding.pools:
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
    for funder, amount in matrix.funding.to_reserve:
        to_reserve[funder.site or ""] = to_reserve.get(funder.site or "", 0) + amount
    ordered = sorted(flows, key=lambda key: (SOURCES.index(key[0]), key[1] or "", key[2]))
    return tuple(Flow(*key, flows[key]) for key in ordered), tuple(sorted(to_reserve.items())), used


def _supports(matrices: Iterable[KeptMatrix]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for matrix in matrices:
        for pool in matrix.funding.pools:
            for supported, amount in pool.receives:
                sums[supported.tenant] = sums.get(supported.tenant, 0) + amount
    return sums


def _contributions(matrices: Iterable[KeptMatrix]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for matrix in matrices:
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
    """Return the reserve that the runs of the months before left."""
    return -int(
        connection.scalar(
            select(func.sum(posting.c.amount))
            .join(entry, entry.c.id == posting.c.entry_id)
            .where(posting.c.account == RESERVE, _before(first))
        )
        or 0
    )


def _before(first: date) -> ColumnElement[bool]:
    """Select the entries of runs of months before a day; `PER/grant/…` are none."""
    return and_(entry.c.reference >= "PER/0", entry.c.reference < f"PER/{format_month(first)}")


def _grants(connection: Connection, matrices: Sequence[KeptMatrix], year: int) -> tuple[GrantYear, ...]:
    """Return each grant received up to the year's end: its amount as corrected, what the months of runs used of it.

    It counts as received in the year of `granted_on`, whenever its correction was booked, or in the year of its first
    use, where `granted_on` was moved behind that: nothing is used before it is received, or left below 0.00.
    """
    used: dict[str, int] = {}
    for matrix in matrices:
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


def _ties(connection: Connection, report: YearStatement) -> tuple[Tie, ...]:
    """Set what the report says of each account beside what the entries of its months, and of its year, moved it by."""
    stated = {
        CONTRIBUTIONS: sum(report.contributions),
        SUPPORT: -report.support,
        RESERVE: report.of(OF_RESERVE) - report.kept,
        GRANTS: report.of(OF_GRANTS),
        BORNE_BY_OPERATOR: report.of(OF_OPERATOR),
        ADVANTAGE: report.advantage,
    }
    first, end = date(report.year, 1, 1), date(report.year + 1, 1, 1)
    reference = entry.c.reference
    of_months = and_(reference >= f"PER/{report.year}-", reference < f"PER/{report.year}.")
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
    received = {grant.code for grant in report.grants if grant.received}
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
            sum(grant.received for grant in report.grants),
            entered,
            elsewhere,
            here,
        ),
    )
