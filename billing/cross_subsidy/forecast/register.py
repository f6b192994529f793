"""Read what a forecast starts from: the register, the books and the usage on record, in one snapshot."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, func, select

from billing.frame.errors import RunRefused
from billing.register.catalogue import Catalogue, load_catalogue
from billing.register.tables import billing_run, site, tenant, usage_event, usage_void
from billing.run.batch import read_batch
from billing.run.closing import standing_funds
from billing.run.facts import Scope, TenantFacts, run_basis
from billing.run.plan import BATCH_TENANTS, MONTHS_AHEAD_MAX
from billing.run.tenant_bill import TenantBill, bill_tenant
from pricing.cross_subsidy import Position, positions
from pricing.errors import PricingError
from pricing.forecast.outlook import FirstRun, Outlook, UsageOnRecord
from pricing.period import Period, add_months, first_of_month, format_month, next_month
from pricing.projection import Stay, unrecorded
from pricing.rating import usage_lines

# Usual usage is that of so many whole months, as far as there is usage on record.
USUAL_MONTHS = 12


def first_run_ahead(connection: Connection, today: date, wanted: date | None = None) -> date:
    """Return the month of the first run ahead: that after the latest run, or the present month before any run.

    A later one may be wanted: months between are caught up by it (R14). Raises RunRefused.
    """
    c = billing_run.c
    latest = connection.execute(select(c.period, c.status).order_by(c.period.desc()).limit(1)).one_or_none()
    if latest is not None and latest.status != "complete":
        month = format_month(latest.period)
        raise RunRefused(f"the run of {month} is not complete: finish it first with `technopark-billing run {month}`")
    if latest is None:
        least, most = None, add_months(first_of_month(today), MONTHS_AHEAD_MAX)
        first = wanted or first_of_month(today)
    else:
        least, most = next_month(latest.period), add_months(latest.period, MONTHS_AHEAD_MAX)
        first = wanted or least
    if least is not None and first < least:
        raise RunRefused(f"{format_month(first)} has been run: a forecast begins with {format_month(least)} or later")
    if first > most:
        raise RunRefused(
            f"{format_month(first)} is too far ahead: a forecast begins with {format_month(most)} at latest"
        )
    return first


def load_outlook(connection: Connection, first: date, usual_from: date | None) -> Outlook:
    """Read what the runs from the month that begins on `first` on will rest on."""
    catalogue = load_catalogue(connection)
    usual = usage_on_record(connection, usual_from)
    tenants: dict[str, FirstRun] = {}
    unpriced = []
    for facts, bill in _bills(connection, first, catalogue, usual_from):
        reason, code = bill.error, facts.party.code
        if reason is None:
            stay = _stay(facts, first, usual_from, usual)
            try:
                tenants[code] = FirstRun(stay, _with_unrecorded(bill, stay, first, usual_from, catalogue))
            except PricingError as error:
                reason = str(error)
        if reason is not None:
            unpriced.append((code, reason))
    capacity = dict(connection.execute(select(site.c.code, site.c.capacity)).all())
    return Outlook(
        first=first,
        sites=tuple(sorted(capacity)),
        capacity=capacity,
        rates=catalogue.rates,
        vat=catalogue.vat,
        funds=standing_funds(connection),
        tenants=tenants,
        unpriced=tuple(unpriced),
        usual_from=usual_from,
        on_record=usual,
    )


def _bills(
    connection: Connection, first: date, catalogue: Catalogue, usual_from: date | None
) -> Iterator[tuple[TenantFacts, TenantBill]]:
    """Return each tenant with its facts and what the first run will bill it, by code."""
    basis = run_basis(connection, first)
    for low, high in tenant_ranges(connection):
        for facts in read_batch(connection, Scope(first, low, high, only_errors=False), catalogue, basis):
            known = facts.events
            if usual_from is not None:
                known = tuple(event for event in known if event.occurred_on < usual_from)
            known_facts = facts._replace(events=known)
            yield known_facts, bill_tenant(known_facts, catalogue, first, basis.previous, basis.first)


def tenant_ranges(connection: Connection) -> list[tuple[str, str]]:
    """Return all tenants in ranges of codes, both ends included, as runs lay out their batches."""
    codes = list(connection.scalars(select(tenant.c.code).order_by(tenant.c.code)))
    batches = [codes[start : start + BATCH_TENANTS] for start in range(0, len(codes), BATCH_TENANTS)]
    return [(batch[0], batch[-1]) for batch in batches]


def _stay(facts: TenantFacts, first: date, usual_from: date | None, usual: UsageOnRecord) -> Stay:
    events = sorted((e for e in facts.events if e.occurred_on >= first), key=lambda e: (e.occurred_on, e.id))
    own = () if usual_from is None else usual.of(facts.party.code, facts.leases)
    return Stay(facts.tenancy, facts.leases, tuple(events), own, bool(facts.leases))


def _with_unrecorded(
    bill: TenantBill, stay: Stay, first: date, usual_from: date | None, catalogue: Catalogue
) -> tuple[Position, ...]:
    """Return the first run's positions, with the usual usage of the days before it that are not on record yet."""
    if usual_from is None or usual_from >= first:
        return bill.positions
    events = unrecorded(stay, Period(usual_from, first), usual_from, catalogue.rates, catalogue.vat)
    added = positions(line for line, _ in usage_lines(events, stay.tenancy, catalogue.rates, catalogue.vat))
    by_site: dict[str, Position] = {position.site: position for position in bill.positions}
    for position in added:
        before = by_site.get(position.site, Position(position.site, 0, 0, 0))
        by_site[position.site] = Position(
            position.site,
            before.contribution + position.contribution,
            before.draw + position.draw,
            before.advantage + position.advantage,
        )
    return tuple(by_site[code] for code in sorted(by_site))


def usage_on_record(connection: Connection, usual_from: date | None) -> UsageOnRecord:
    """Sum the usage of the last twelve whole months before `usual_from`, set-wise."""
    if usual_from is None:
        return UsageOnRecord(None, {})
    c = usage_event.c
    earliest = connection.scalar(select(func.min(c.occurred_on)))
    end = first_of_month(usual_from)
    start = end if earliest is None else max(add_months(end, -USUAL_MONTHS), first_of_month(earliest))
    if start >= end:
        return UsageOnRecord(None, {})
    rows = connection.execute(
        select(c.tenant, c.site, c.service, func.sum(c.quantity))
        .outerjoin(usage_void, usage_void.c.usage_event_id == c.id)
        .where(c.occurred_on >= start, c.occurred_on < end, usage_void.c.usage_event_id.is_(None))
        .group_by(c.tenant, c.site, c.service)
        .order_by(c.tenant, c.site, c.service)
    )
    used: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for code, place, service, quantity in rows:
        used[code].append((place, service, int(quantity)))
    return UsageOnRecord(Period(start, end), {code: tuple(services) for code, services in used.items()})
