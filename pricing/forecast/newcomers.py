"""A newcomer's amounts month by month: priced by the engine, as if it had been admitted (R3-R16)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from pricing.eligibility import ELIGIBLE_KINDS, Tenancy, Window
from pricing.errors import PricingError
from pricing.forecast.assumptions import Assumptions
from pricing.forecast.chance import Whole
from pricing.forecast.outlook import Outlook
from pricing.period import Period, next_month
from pricing.projection import Usual, presence, usual_events
from pricing.rating import Lease, PricedLine, office_lines, usage_lines

_SUBSIDISED, _MARKET = 0, 1


class Firm(NamedTuple):
    """A kind of newcomer: whether it is subsidised at first, and its office, in millionths of a m2."""

    kind: str
    is_subsidised: bool
    area: int


class Amounts(NamedTuple):
    """Supplies and needs in centimes, tiers (subsidised, market) × firms × months; a month's usage stands in it."""

    office_supply: Whole
    office_need: Whole
    usage_supply: Whole
    usage_need: Whole


def firms(assumptions: Assumptions) -> tuple[Firm, ...]:
    """Return every kind of newcomer that may come."""
    return tuple(
        Firm(kind, is_subsidised, area)
        for kind in assumptions.kinds
        for is_subsidised in ((True, False) if kind in ELIGIBLE_KINDS else (False,))
        for area in assumptions.areas
    )


def amounts_at(outlook: Outlook, site: str, months: Sequence[date], newcomers: Sequence[Firm]) -> Amounts:
    """Return what each firm would supply and need at a site in each month it is there."""
    usual = {is_subsidised: average_usage(outlook, site, is_subsidised) for is_subsidised in (True, False)}
    made = Amounts(*(np.zeros((2, len(newcomers), len(months)), dtype=np.int64) for _ in range(4)))
    for number, firm in enumerate(newcomers):
        for place, month in enumerate(months):
            for tier in (_SUBSIDISED, _MARKET) if firm.is_subsidised else (_MARKET,):
                offices, usage = _lines(outlook, site, month, firm, tier, usual[firm.is_subsidised])
                made.office_supply[tier, number, place] = sum(line.contribution for line in offices)
                made.office_need[tier, number, place] = sum(line.draw for line in offices)
                made.usage_supply[tier, number, place] = sum(line.contribution for line in usage)
                made.usage_need[tier, number, place] = sum(line.draw for line in usage)
    return made


def _lines(
    outlook: Outlook, site: str, month: date, firm: Firm, tier: int, usual: Sequence[Usual]
) -> tuple[Sequence[PricedLine], Sequence[PricedLine]]:
    """Return a whole month's office and usage lines; none where the site has no price for the firm."""
    rates, vat, whole = outlook.rates, outlook.vat, Period(month, next_month(month))
    tenancy = Tenancy(firm.kind, Window(whole.start, whole.end) if tier == _SUBSIDISED else None)
    try:
        offices = office_lines(Lease("", site, firm.area, month, None), month, tenancy, rates, vat)
        used = usage_lines(usual_events(usual, (whole,), tenancy, rates, vat), tenancy, rates, vat)
    except PricingError:
        return (), ()
    return offices, [line for line, _ in used]


def average_usage(outlook: Outlook, site: str, with_window: bool) -> tuple[Usual, ...]:
    """Return what the firms of a site use a day of presence, on average: those with a window, or those without one."""
    span = outlook.on_record.span
    if span is None:
        return ()
    days = 0
    used: dict[str, int] = defaultdict(int)
    for code, tenant in outlook.tenants.items():
        if (tenant.stay.tenancy.window is not None) != with_window or not tenant.stay.is_resident:
            continue
        days += sum(x.days for x in presence([let for let in tenant.stay.leases if let.site == site], span))
        for place, service, quantity in outlook.on_record.used.get(code, ()):
            if place == site:
                used[service] += quantity
    return tuple(Usual(site, service, used[service], days) for service in sorted(used)) if days else ()
