"""From facts to priced lines, with their workings (R9, R10, R16)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from pricing.eligibility import MARKET, SUBSIDISED, Tenancy
from pricing.money import line_amount
from pricing.period import ONE_DAY, first_of_month, month_period
from pricing.rates import RateBook, VatBook
from pricing.vat import STANDARD

OFFICE = "OFFICE"


class Lease(NamedTuple):
    """One office let to one tenant; `area` in millionths of a m2; `end` is excluded (None: open)."""

    code: str
    site: str
    area: int
    start: date
    end: date | None


class UsageEvent(NamedTuple):
    """One use of a service billed in arrears; `quantity` in millionths of the unit."""

    id: int
    site: str
    service: str
    quantity: int
    occurred_on: date


class PricedLine(NamedTuple):
    """A line and its workings: it explains itself and can be computed again (R9, R10).

    Prices in ten-thousandths of a dirham, quantity in millionths, amounts in centimes, VAT rate in
    ten-thousandths. Office lines have a lease, first and last day, and are prorated by `days` of
    `days_in_month`; on usage lines these three are None and the two counts are 1.
    """

    service: str
    site: str
    lease: str | None
    month: date
    first_day: date | None
    last_day: date | None
    days: int
    days_in_month: int
    tier: str
    quantity: int
    full_price: int
    unit_price: int
    unit_cost: int
    amount: int
    full_amount: int
    cost_amount: int
    vat_rate: int
    vat_treatment: str = STANDARD
    vat_reason: str = ""

    @property
    def of_vat(self) -> tuple[int, str, str, int]:
        """Return the VAT rate, treatment and reason with the amount they are of (`pricing.vat.by_treatment`)."""
        return self.vat_rate, self.vat_treatment, self.vat_reason, self.amount

    @property
    def contribution(self) -> int:
        """Return what a line at the market price brings above its full cost, in centimes (R16)."""
        return self.amount - self.cost_amount if self.tier == MARKET and self.unit_price > self.unit_cost else 0

    @property
    def draw(self) -> int:
        """Return what a line at the subsidised price lacks to its full cost, in centimes (R16)."""
        return self.cost_amount - self.amount if self.tier == SUBSIDISED and self.unit_price < self.unit_cost else 0

    @property
    def advantage(self) -> int:
        """Return what the discount is worth, whoever bears it, in centimes (R16)."""
        return self.full_amount - self.amount


def office_lines(lease: Lease, month: date, tenancy: Tenancy, rates: RateBook, vat: VatBook) -> tuple[PricedLine, ...]:
    """Price the days of the month beginning on `month` that the lease is billed, one line a segment (R9).

    Days before the site opened are not billed (R34). A segment is a run of consecutive days with the same tier,
    price, full price and full cost.
    Raises NoRateInForce or NoVatRateInForce for a day that cannot be priced.
    """
    whole = month_period(month)
    start = max(lease.start, whole.start, rates.opened_on(lease.site))
    end = whole.end if lease.end is None else min(lease.end, whole.end)
    if start >= end:
        return ()
    starts, _ = rates.timeline(lease.site, OFFICE, tenancy.kind)
    cuts = [start, *starts[bisect_right(starts, start) : bisect_left(starts, end)]]
    if tenancy.window is not None:
        cuts += [day for day in tenancy.window if start < day < end]
        cuts.sort()
    segments: list[tuple[date, tuple[str, int, int, int]]] = []
    for day in cuts:
        rate = rates.at(lease.site, OFFICE, tenancy.kind, day)
        tier = tenancy.tier(day)
        price = rate.charged(tier)
        terms = (tier, price, rate.full_price, rate.full_cost)
        if not segments or segments[-1][1] != terms:
            segments.append((day, terms))
    days_in_month = whole.days
    lines = []
    for index, (first, (tier, price, full_price, full_cost)) in enumerate(segments):
        after = segments[index + 1][0] if index + 1 < len(segments) else end
        days = (after - first).days
        of_vat = vat.at(OFFICE, first)
        lines.append(
            PricedLine(
                service=OFFICE,
                site=lease.site,
                lease=lease.code,
                month=month,
                first_day=first,
                last_day=after - ONE_DAY,
                days=days,
                days_in_month=days_in_month,
                tier=tier,
                quantity=lease.area,
                full_price=full_price,
                unit_price=price,
                unit_cost=full_cost,
                amount=line_amount(price, lease.area, days, days_in_month),
                full_amount=line_amount(full_price, lease.area, days, days_in_month),
                cost_amount=line_amount(full_cost, lease.area, days, days_in_month),
                vat_rate=of_vat.rate,
                vat_treatment=of_vat.treatment,
                vat_reason=of_vat.reason,
            )
        )
    return tuple(lines)


def usage_lines(
    events: Iterable[UsageEvent],
    tenancy: Tenancy,
    rates: RateBook,
    vat: VatBook,
    again: Iterable[tuple[PricedLine, UsageEvent]] = (),
) -> tuple[tuple[PricedLine, tuple[int, ...]], ...]:
    """Return one line for the events that share site, service, month, tier, prices and VAT, with their ids (R10).

    `again` are events that are billed once more, each with the line that billed it: its tier, prices and VAT
    stay. The order is by month, site, service, tier and prices. Raises NoRateInForce or NoVatRateInForce.
    """
    # Per key: the sum of the quantities, and the events.
    alike: dict[tuple[date, str, str, str, int, int, int, int, str, str], tuple[list[int], list[int]]] = {}
    for line, event in again:
        key = (
            line.month, line.site, line.service, line.tier, line.unit_price, line.full_price, line.unit_cost,
            line.vat_rate, line.vat_treatment, line.vat_reason,
        )  # fmt: skip
        of_line = alike.setdefault(key, ([], []))
        of_line[0].append(event.quantity)
        of_line[1].append(event.id)
    for number, site, service, quantity, day in events:
        _, full_price, subsidised_price, full_cost, in_kind = rates.at(site, service, tenancy.kind, day)
        tier = tenancy.tier(day)
        price = subsidised_price if tier == SUBSIDISED or in_kind else full_price
        _, vat_rate, treatment, reason = vat.at(service, day)
        key = first_of_month(day), site, service, tier, price, full_price, full_cost, vat_rate, treatment, reason
        sums = alike.get(key)
        if sums is None:
            alike[key] = [quantity], [number]
        else:
            sums[0].append(quantity)
            sums[1].append(number)
    lines = []
    for key in sorted(alike):
        month, site, service, tier, price, full_price, full_cost, vat_rate, treatment, reason = key
        quantities, ids = alike[key]
        quantity = sum(quantities)
        priced = PricedLine(
            service=service,
            site=site,
            lease=None,
            month=month,
            first_day=None,
            last_day=None,
            days=1,
            days_in_month=1,
            tier=tier,
            quantity=quantity,
            full_price=full_price,
            unit_price=price,
            unit_cost=full_cost,
            amount=line_amount(price, quantity),
            full_amount=line_amount(full_price, quantity),
            cost_amount=line_amount(full_cost, quantity),
            vat_rate=vat_rate,
            vat_treatment=treatment,
            vat_reason=reason,
        )
        lines.append((priced, tuple(ids)))
    return tuple(lines)
