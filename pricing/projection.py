"""Runs to come: the same lines and the same waterfall as theirs, from facts and usual usage (R3-R19).

Offices are known from leases, windows and rates. Usage is known as far as it is on record; from a day on it is
the usual one, so much a day of presence, priced by the engine as if it had been used.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from pricing.cross_subsidy import Grant, Waterfall, waterfall
from pricing.eligibility import Tenancy
from pricing.money import settle
from pricing.period import Period, first_of_month, next_month
from pricing.rates import RateBook, VatBook
from pricing.rating import Lease, PricedLine, UsageEvent, office_lines, usage_lines


class Usual(NamedTuple):
    """The usual use of a service at a site: `quantity`, in millionths, in so many `days` of presence."""

    site: str
    service: str
    quantity: int
    days: int


class Funds(NamedTuple):
    """The money that meets needs beside contributions: the reserve, in centimes, and what is left of the grants."""

    reserve: int
    grants: tuple[Grant, ...]


def presence(leases: Iterable[Lease], span: Period) -> tuple[Period, ...]:
    """Return the days of `span` on which at least one of the leases runs, as periods that don't touch, in order."""
    present: list[Period] = []
    for lease in sorted(leases, key=lambda let: let.start):
        start, end = max(lease.start, span.start), span.end if lease.end is None else min(lease.end, span.end)
        if start >= end:
            continue
        if present and start <= present[-1].end:
            present[-1] = Period(present[-1].start, max(present[-1].end, end))
        else:
            present.append(Period(start, end))
    return tuple(present)


def usual_events(
    usual: Iterable[Usual], days: Iterable[Period], tenancy: Tenancy, rates: RateBook, vat: VatBook
) -> list[UsageEvent]:
    """Return usual usage on those days, as events the engine can price: one for each run of days of one price.

    A quantity is `quantity × days ÷ days of presence`, rounded to the millionth. They bear no id.
    """
    events = []
    present = tuple(days)
    for site, service, quantity, of_days in usual:
        for period in present:
            for piece in _pieces(period, site, service, tenancy, rates, vat):
                used = settle(quantity * piece.days, of_days)
                if used > 0:
                    events.append(UsageEvent(0, site, service, used, piece.start))
    return events


def _pieces(
    period: Period, site: str, service: str, tenancy: Tenancy, rates: RateBook, vat: VatBook
) -> Iterable[Period]:
    """Return the period, cut where a month, the window, a rate or VAT begins or ends."""
    cuts = {period.start}
    month = next_month(first_of_month(period.start))
    while month < period.end:
        cuts.add(month)
        month = next_month(month)
    for starts in (rates.timeline(site, service, tenancy.kind)[0], vat.timeline(service)[0], tenancy.window or ()):
        cuts.update(day for day in starts if period.start < day < period.end)
    ordered = [*sorted(cuts), period.end]
    return map(Period, ordered[:-1], ordered[1:])


class Stay(NamedTuple):
    """A tenant as a run to come will find it: its tenancy, leases, usage not billed yet by day, and usual usage.

    `is_resident` says that it uses services only while a lease runs; one that never had a lease uses them always.
    """

    tenancy: Tenancy
    leases: tuple[Lease, ...]
    events: tuple[UsageEvent, ...]
    usual: tuple[Usual, ...]
    is_resident: bool


class Lines(NamedTuple):
    """The lines a run will bill a tenant: its office lines, and its usage lines."""

    offices: tuple[PricedLine, ...]
    usage: tuple[PricedLine, ...]


def lines_of_run(
    stay: Stay, month: date, used: Period, usual_from: date | None, rates: RateBook, vat: VatBook
) -> Lines:
    """Return the lines of the run of the month that begins on `month`, which bills the usage of `used` (R9, R10).

    From `usual_from` on the usage is the usual one; None: as far as it is on record. Raises PricingError.
    """
    offices = tuple(line for lease in stay.leases for line in office_lines(lease, month, stay.tenancy, rates, vat))
    days = [event.occurred_on for event in stay.events]
    events = list(stay.events[bisect_left(days, used.start) : bisect_left(days, used.end)])
    events += unrecorded(stay, used, usual_from, rates, vat)
    return Lines(offices, tuple(line for line, _ in usage_lines(events, stay.tenancy, rates, vat)))


def unrecorded(stay: Stay, used: Period, usual_from: date | None, rates: RateBook, vat: VatBook) -> list[UsageEvent]:
    """Return the usual usage of the days of `used` that lie on or after `usual_from`; None: of none."""
    if usual_from is None or usual_from >= used.end or not stay.usual:
        return []
    span = Period(max(used.start, usual_from), used.end)
    days = presence(stay.leases, span) if stay.is_resident else (span,)
    return usual_events(stay.usual, days, stay.tenancy, rates, vat)


def cascade(runs: Sequence[tuple[date, Mapping[str, int], Mapping[str, int]]], funds: Funds) -> tuple[Waterfall, ...]:
    """Return the waterfall of each run, (month, contributions, draws): what one leaves, the next one finds (R18)."""
    outcomes = []
    reserve, grants = funds
    for month, contributions, draws in runs:
        outcome = waterfall(contributions, draws, reserve, grants, month)
        outcomes.append(outcome)
        reserve = outcome.reserve_after
        grants = tuple(grant._replace(left=outcome.grants_left.get(grant.code, grant.left)) for grant in grants)
    return tuple(outcomes)
