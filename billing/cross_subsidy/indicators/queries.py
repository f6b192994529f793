"""Read what indicators are made of: tenants, leases and surveys; documents and runs of the period."""

import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, func, select

from billing.cross_subsidy.indicators.report import IndicatorReport, Money, Place
from billing.register.tables import billing_run, lease, site, survey, tenant
from billing.run.tables import run_position
from ledger.entry import SALES
from ledger.models import entry, posting
from pricing.indicators import Answer, Counted, Firm, Stay, count_firms, indicators
from pricing.money import AMOUNT_DECIMALS, parse_decimal
from pricing.period import ONE_DAY, Period, months

# Where the waterfall of a run says what each source gave (R18).
_SOURCES = {
    "support": ("draws",), "own_site": ("own",), "other_sites": ("network",),
    "grants": ("earmarked_grants", "network_grants"), "reserve": ("reserve",), "operator": ("unfunded",),
}  # fmt: skip
_NETWORK = ""


def indicator_report(connection: Connection, period: Period) -> IndicatorReport:
    """Return the indicators of a year or a month, by the register as it stands and the runs of its months (R36)."""
    rows = count_firms(_firms(connection), period)
    of_place: dict[str | None, list[Counted]] = {}
    for row in rows:
        of_place.setdefault(row.site, []).append(row)
    names = dict(connection.execute(select(site.c.code, site.c.name).order_by(site.c.code)).all())
    money, months_run = _money(connection, period, names)

    def place(code: str | None) -> Place:
        return Place(indicators(of_place.get(code, ())), money[code or _NETWORK])

    return IndicatorReport(
        period=period,
        names=names,
        sites={code: place(code) for code in names},
        network=place(None),
        rows=tuple(rows),
        months_run=months_run,
        months=len(months(period.start, period.last_day)),
    )


def _firms(connection: Connection) -> Iterator[Firm]:
    """Yield every tenant with its leases and answers, by code."""
    t, x, s = tenant.c, lease.c, survey.c
    leases = connection.execute(select(x.tenant, x.site, x.starts_on, x.ends_on).order_by(x.tenant, x.starts_on))
    stays = {
        code: tuple(Stay(at, start, None if end is None else end + ONE_DAY) for _, at, start, end in rows)
        for code, rows in groupby(leases, key=itemgetter(0))
    }
    surveys = connection.execute(
        select(s.tenant, s.year, s.jobs, s.export_share, s.satisfaction, s.active, s.left_as).order_by(s.tenant, s.year)
    )
    answers = {code: tuple(Answer(*row[1:]) for row in rows) for code, rows in groupby(surveys, key=itemgetter(0))}
    tenants = select(t.code, t.kind, t.incorporated_on, t.admitted_on).order_by(t.code)
    for code, kind, incorporated_on, admitted_on in connection.execute(tenants):
        yield Firm(code, kind, incorporated_on, admitted_on, stays.get(code, ()), answers.get(code, ()))


def _money(connection: Connection, period: Period, names: dict[str, str]) -> tuple[dict[str, Money], int]:
    """Return the money of each site and of the network, and how many months were run; what nothing is on is None."""
    income = _income(connection, period)
    runs, advantage = _runs(connection, period)
    funding = {name: _sums(runs, parts) for name, parts in _SOURCES.items()}

    def of(sums: dict[str, int], code: str) -> int:
        return sum(sums.values()) if code == _NETWORK else sums.get(code, 0)

    return {
        code: Money(
            income=of(income, code) if income else None,
            advantage=of(advantage, code) if runs else None,
            **{name: of(sums, code) if runs else None for name, sums in funding.items()},
        )
        for code in (*names, _NETWORK)
    }, len(runs)


def _income(connection: Connection, period: Period) -> dict[str, int]:
    """Return what documents of these days brought without VAT, credit notes taken off, by site."""
    p = posting.c
    of_documents = (
        select(p.site, func.sum(p.amount))
        .join(entry, entry.c.id == p.entry_id)
        .where(
            entry.c.journal == SALES,
            entry.c.effective_on >= period.start,
            entry.c.effective_on < period.end,
            p.account.between("7", "7Z"),
        )
        .group_by(p.site)
    )
    return {code or _NETWORK: -int(amount) for code, amount in connection.execute(of_documents)}


def _runs(connection: Connection, period: Period) -> tuple[list[dict[str, dict[str, str]]], dict[str, int]]:
    """Return the waterfall of each complete run of the period, by site, and the advantage given in them."""
    r, p = billing_run.c, run_position.c
    complete = select(r.period, r.cross_subsidy).where(
        r.period >= period.start, r.period < period.end, r.cross_subsidy.is_not(None)
    )
    runs = dict(connection.execute(complete).all())
    given = select(p.site, func.sum(p.advantage)).where(p.period.in_(list(runs))).group_by(p.site)
    advantage = {code: int(amount) for code, amount in connection.execute(given)}
    return [json.loads(outcome)["sites"] for outcome in runs.values()], advantage


def _sums(runs: list[dict[str, dict[str, str]]], parts: tuple[str, ...]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for sites in runs:
        for code, of_site in sites.items():
            amounts = (parse_decimal(of_site[part], AMOUNT_DECIMALS) for part in parts)
            sums[code] = sums.get(code, 0) + sum(amounts)
    return sums
