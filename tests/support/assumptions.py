"""Assumptions of a forecast in which chance decides nothing."""

from dataclasses import replace
from fractions import Fraction

from billing.cross_subsidy.forecast.assumptions import load_assumptions
from pricing.forecast.assumptions import EVERY_SITE, Assumptions


def nothing_by_chance() -> Assumptions:
    """Return assumptions by which nobody comes, nobody leaves and everybody pays: every draw is the exact path."""
    zero = Fraction(0)
    return replace(
        load_assumptions(None),
        arrivals={EVERY_SITE: zero},
        leaves_subsidised=zero,
        leaves_at_the_switch=zero,
        leaves_market=zero,
        unpaid_least=zero,
        unpaid_most=zero,
    )
