"""The assumptions of a forecast as exact numbers: who comes, who leaves, what is never paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

EVERY_SITE = "*"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The assumptions as exact numbers: shares and probabilities from zero to one, areas in millionths of a m2."""

    arrivals: Mapping[str, Fraction]
    kinds: Mapping[str, Fraction]
    areas: Mapping[int, Fraction]
    young: Fraction
    leaves_subsidised: Fraction
    leaves_at_the_switch: Fraction
    leaves_market: Fraction
    unpaid_least: Fraction
    unpaid_most: Fraction

    def arrivals_at(self, site: str) -> Fraction:
        """Return how many newcomers come to a site each month, on average."""
        return self.arrivals.get(site, self.arrivals.get(EVERY_SITE, Fraction(0)))
