"""Rates and VAT in force on a day (R6-R8, R11)."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from pricing.eligibility import SUBSIDISED
from pricing.errors import NoRateInForce, NoVatRateInForce, SiteNotOpen
from pricing.money import PRICE_DECIMALS, parse_decimal, price_fraction, price_with_vat
from pricing.vat import STANDARD

_FRACTION = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)
EVERY_KIND = ""


class Rate(NamedTuple):
    """One dated price version: full price, subsidised price and full cost, in ten-thousandths of a dirham.

    What is given in kind is free of charge in every tier: its subsidised price is 0, its full price what it is worth
    (R37).
    """

    effective_from: date
    full_price: int
    subsidised_price: int
    full_cost: int
    in_kind: bool = False

    def charged(self, tier: str) -> int:
        """Return the price charged in a tier (R7, R37)."""
        return self.subsidised_price if tier == SUBSIDISED or self.in_kind else self.full_price


class VatRate(NamedTuple):
    """One dated VAT version of a service; `rate` in ten-thousandths of one, and why it is 0 where it is."""

    effective_from: date
    rate: int
    treatment: str = STANDARD
    reason: str = ""


def subsidised_price(text: str, full_price: int) -> int:
    """Return the subsidised price written as an amount (`50.00`) or a fraction of the full price (`1/3`) (R7).

    Raises ValueError, with the reason in words, for any other text and for a fraction with a zero
    denominator.
    """
    match = _FRACTION.fullmatch(text)
    if match is None:
        try:
            return parse_decimal(text, PRICE_DECIMALS)
        except ValueError as error:
            raise ValueError(f"{error}, nor a fraction such as 1/3" if "/" in text else str(error)) from None
    numerator, denominator = int(match[1]), int(match[2])
    if denominator == 0:
        raise ValueError("is a fraction with nothing below the line")
    return price_fraction(full_price, numerator, denominator)


class RateBook:
    """Every rate version, ready to be asked which is in force (R6), and the days before which sites sell nothing."""

    __slots__ = ("_opened", "_timelines", "_versions")

    def __init__(
        self, versions: Iterable[tuple[str, str, str, Rate]], opened: Mapping[str, date] | None = None
    ) -> None:
        """Take versions as (site, service, tenant kind or blank, rate), and the opening days of sites that have one."""
        self._opened = opened or {}
        self._versions: dict[tuple[str, str], dict[str, list[Rate]]] = defaultdict(lambda: defaultdict(list))
        for site, service, kind, rate in versions:
            self._versions[site, service][kind].append(rate)
        self._timelines: dict[tuple[str, str, str], tuple[tuple[date, ...], tuple[Rate, ...]]] = {}

    def __repr__(self) -> str:
        """Tell every version, in an order that depends on them alone."""
        by_kind = ((key, kind, sorted(rates)) for key, kinds in self._versions.items() for kind, rates in kinds.items())
        return f"RateBook({sorted(by_kind)})"

    def timeline(self, site: str, service: str, kind: str) -> tuple[tuple[date, ...], tuple[Rate, ...]]:
        """Return the first days, and the versions that then come into force for that kind, in order of days.

        A kind's own versions rule from the day the first of them begins; before it, those for every
        kind do (R6).
        """
        key = site, service, kind
        if key not in self._timelines:
            of_service = self._versions.get((site, service), {})
            own = sorted(of_service.get(kind, ()))
            every = sorted(of_service.get(EVERY_KIND, ())) if kind != EVERY_KIND else []
            if own:
                every = [rate for rate in every if rate.effective_from < own[0].effective_from]
            rates = (*every, *own)
            self._timelines[key] = tuple(rate.effective_from for rate in rates), rates
        return self._timelines[key]

    def opened_on(self, site: str) -> date:
        """Return the day a site opened; the first of all days where none is entered."""
        return self._opened.get(site, date.min)

    def at(self, site: str, service: str, kind: str, day: date) -> Rate:
        """Return the version in force on `day` (R6); raises NoRateInForce, and SiteNotOpen before the site opened."""
        starts, rates = self.timeline(site, service, kind)
        index = bisect_right(starts, day)
        if index == 0:
            raise NoRateInForce(site, service, kind, day)
        opened_on = self._opened.get(site)
        if opened_on is not None and day < opened_on:
            raise SiteNotOpen(site, service, opened_on, day)
        return rates[index - 1]


class VatBook:
    """Every VAT version, ready to be asked which is in force (R11)."""

    __slots__ = ("_timelines",)

    def __init__(self, versions: Iterable[tuple[str, VatRate]]) -> None:
        """Take versions as (service, VAT rate)."""
        of_service: dict[str, list[VatRate]] = defaultdict(list)
        for service, version in versions:
            of_service[service].append(version)
        self._timelines = {
            service: (tuple(v.effective_from for v in ordered), tuple(ordered))
            for service, ordered in ((service, sorted(unordered)) for service, unordered in of_service.items())
        }

    def __repr__(self) -> str:
        """Tell every version, in an order that depends on them alone."""
        return f"VatBook({sorted(self._timelines.items())})"

    def timeline(self, service: str) -> tuple[tuple[date, ...], tuple[VatRate, ...]]:
        """Return the first days, and the versions that then come into force, in order of days."""
        return self._timelines.get(service, ((), ()))

    def at(self, service: str, day: date) -> VatRate:
        """Return the version in force on `day` (R11); raises NoVatRateInForce."""
        starts, versions = self.timeline(service)
        index = bisect_right(starts, day)
        if index == 0:
            raise NoVatRateInForce(service, day)
        return versions[index - 1]

    def in_force_during(self, service: str, start: date, end: date | None) -> tuple[VatRate, ...]:
        """Return the versions in force on some day from `start` up to, and without, `end` (None: for ever)."""
        starts, versions = self.timeline(service)
        first = max(bisect_right(starts, start) - 1, 0)
        return tuple(v for v in versions[first:] if end is None or v.effective_from < end)


def ceiling_breach(
    service: str, price: int, ceiling: int, start: date, end: date | None, vat: VatBook
) -> tuple[VatRate, int] | None:
    """Return the first VAT version under which a subsidised price reaches its ceiling, and what it then costs (R8).

    `price` in ten-thousandths of a dirham, `ceiling` and the result in centimes including VAT; the
    rate version is in force from `start` up to, and without, `end`. None when it stays below.
    """
    for version in vat.in_force_during(service, start, end):
        with_vat = price_with_vat(price, version.rate)
        if with_vat >= ceiling:
            return version, with_vat
    return None
