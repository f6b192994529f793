"""The terms of a what-if: other rates, another window or discount, checked as if they were to be entered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from billing.frame.errors import Fault, Refused
from pricing.money import format_amount, format_price, format_rate, price_fraction
from pricing.rates import Rate, RateBook, VatBook, ceiling_breach

WINDOW_MONTHS_MAX = 120

Version = tuple[str, str, str, Rate]


@dataclass(frozen=True, slots=True)
class Asked:
    """The terms asked about, in place of today's: None or empty, as it is.

    Versions of `rates` stand in place of all those of the same site, service and kind. `discounts` say which part of
    the full price the incubation discount is, by service; `window_months` how long it is granted.
    """

    rates: tuple[Version, ...] = ()
    window_months: int | None = None
    discounts: Mapping[str, Fraction] | None = None


class Terms(NamedTuple):
    """The terms of one side."""

    rates: RateBook
    vat: VatBook
    window_months: int


def other_versions(versions: Sequence[Version], asked: Asked) -> list[Version]:
    """Return the rate book asked about: other versions for the places named, then other discounts (R7)."""
    named = {version[:3] for version in asked.rates}
    book = [*asked.rates, *(version for version in versions if version[:3] not in named)]
    discounts = asked.discounts or {}
    return [
        (place, code, kind, _discounted(prices, discounts[code]) if code in discounts else prices)
        for place, code, kind, prices in book
    ]


def _discounted(prices: Rate, discount: Fraction) -> Rate:
    """Return the version with the price that a discount leaves, to the centime; what is in kind stays free."""
    if prices.in_kind:
        return prices
    left = 1 - discount
    return prices._replace(subsidised_price=price_fraction(prices.full_price, left.numerator, left.denominator))


def require_ceilings(
    ceilings: Mapping[str, int | None], versions: Iterable[Version], vat: VatBook, asked: Asked
) -> None:
    """Refuse terms that could not be entered: unknown services, subsidised prices at their ceiling (R8)."""
    faults = [
        Fault("what-if", None, "discount", code, "is no known service", "correct the code")
        for code in asked.discounts or {}
        if code not in ceilings
    ]
    timelines: dict[tuple[str, str, str], list[Rate]] = {}
    for place, code, kind, prices in versions:
        timelines.setdefault((place, code, kind), []).append(prices)
    for (place, code, kind), timeline in sorted(timelines.items()):
        ceiling = ceilings.get(code)
        if ceiling is None:
            continue
        ordered = sorted(timeline)
        for prices, following in zip(ordered, [*ordered[1:], None], strict=True):
            end = None if following is None else following.effective_from
            breach = ceiling_breach(code, prices.subsidised_price, ceiling, prices.effective_from, end, vat)
            if breach is not None:
                named = f"{place}/{code}/{kind or '*'}/{prices.effective_from}"
                problem = (
                    f"is too high: {format_price(prices.subsidised_price)} with VAT {format_rate(breach[0].rate)} is "
                    f"{format_amount(breach[1])}, and must stay below {format_amount(ceiling)} (R8)"
                )
                faults.append(Fault("what-if", None, "subsidised", named, problem, "ask for a lower price"))
    if faults:
        raise Refused(faults)
