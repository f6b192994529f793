"""A year's use of grants, read off the annual report and the matrices of its months: a value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.cross_subsidy.annual_report.queries import year_statement
from billing.cross_subsidy.annual_report.year import GrantYear
from billing.frame.database import among
from billing.frame.errors import Unknown
from billing.register.tables import tenant
from billing.run.matrices import KeptMatrix, standing_matrices
from pricing.funding_matrix import GRANT


class Use(NamedTuple):
    """The amount that a grant gave to one firm at a site in a month's run, in centimes."""

    period: date
    grant: str
    site: str
    tenant: str
    amount: int


@dataclass(frozen=True, slots=True)
class GrantsYear:
    """The grants of a year, all or those asked for: what came, what was used for whom, what is carried over."""

    year: int
    last: date
    grants: tuple[GrantYear, ...]
    uses: tuple[Use, ...]
    sites: Mapping[str, str]
    firms: Mapping[str, str]

    def by_month(self) -> Mapping[tuple[date, str], int]:
        """Sum the uses by month and grant, in order."""
        sums: dict[tuple[date, str], int] = {}
        for use in self.uses:
            sums[use.period, use.grant] = sums.get((use.period, use.grant), 0) + use.amount
        return sums

    def by_firm(self) -> Mapping[tuple[str, str, str], tuple[int, int]]:
        """Return by grant, site and firm in how many months it was helped, and with how much."""
        sums: dict[tuple[str, str, str], tuple[int, int]] = {}
        for use in self.uses:
            months, amount = sums.get((use.grant, use.site, use.tenant), (0, 0))
            sums[use.grant, use.site, use.tenant] = months + 1, amount + use.amount
        return {key: sums[key] for key in sorted(sums)}


def grants_year(connection: Connection, year: int, funder: str | None = None, grant: str | None = None) -> GrantsYear:
    """Report on the grants of a year, of one funder or one grant if asked for.

    Raises Unknown where there is none, and Conflict where the annual report does (`year_statement`).
    """
    report = year_statement(connection, year)
    grants = tuple(g for g in report.grants if funder in (None, g.funder) and grant in (None, g.code))
    if not grants:
        there = ", ".join(f"{g.code} ({g.funder})" for g in report.grants) or "none"
        raise Unknown(f"no such grant was at hand in {year}: there is {there}")
    wanted = {g.code for g in grants}
    matrices = standing_matrices(connection, date(year, 1, 1), date(year, 12, 1))
    uses = tuple(use for matrix in matrices for use in _uses(matrix, wanted))
    codes = {use.tenant for use in uses}
    firms = select(tenant.c.code, tenant.c.legal_name).where(among(connection, tenant.c.code, codes))
    return GrantsYear(
        year, report.months[-1].period, grants, uses, dict(report.sites), dict(connection.execute(firms).all())
    )


def _uses(matrix: KeptMatrix, wanted: set[str]) -> Iterator[Use]:
    """Yield what these grants gave in a run, firm by firm; of pools without them nothing is computed."""
    for pool in matrix.funding.pools:
        if any(_is_wanted(funder.kind, funder.code, wanted) for funder, _ in pool.gives):
            for (funder, _), row in pool.rows():
                if funder.code is not None and _is_wanted(funder.kind, funder.code, wanted):
                    yield from (
                        Use(matrix.period, funder.code, supported.site, supported.tenant, amount)
                        for (supported, _), amount in zip(pool.receives, row, strict=True)
                        if amount
                    )


def _is_wanted(kind: str, code: str | None, wanted: set[str]) -> bool:
    return kind == GRANT and code in wanted


def total(grants: Sequence[GrantYear]) -> GrantYear:
    """Sum grants as one."""
    sums = (sum(getattr(g, name) for g in grants) for name in ("before", "received", "used"))
    return GrantYear("", "", None, *sums)
