"""Chance in whole numbers: the same anywhere, and as likely as it says."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.forecast.chance import BITS, decide, draws, leaving, poisson, thresholds

ALL = 1 << BITS
FROZEN = [4979350186946681, 5188075222948180, 4080902508738392]


def test_the_same_name_gives_the_same_draws_on_any_machine_and_another_name_others() -> None:
    """Frozen: whoever changes them changes every forecast ever shown."""
    assert draws(1, 3, "leaves", "T0001").tolist() == FROZEN
    assert draws(1, 2, "leaves", "T0001").tolist() == FROZEN[:2]
    assert draws(2, 3, "leaves", "T0001").tolist() != FROZEN
    assert draws(1, 3, "leaves", "T0002").tolist() != FROZEN
    # The parts of a name can't run into each other.
    assert draws(1, 3, "leaves", "a", "b").tolist() != draws(1, 3, "leaves", "ab").tolist()


def test_draws_lie_evenly_between_nil_and_two_to_the_53() -> None:
    found = draws(7, 100_000, "evenly")
    assert 0 <= int(found.min()) < int(found.max()) < ALL
    assert abs(int(found.mean()) / ALL - 0.5) < 0.005


@given(st.lists(st.fractions(0, 1, max_denominator=1000), max_size=6), st.integers(0, ALL - 1))
def test_a_draw_decides_for_the_place_whose_share_it_falls_into(weights: list[Fraction], drawn: int) -> None:
    total = sum(weights)
    shares = [weight / total for weight in weights] if total > 1 else weights
    place = int(decide(np.array([drawn]), thresholds(shares))[0])
    expected = next((n for n in range(len(shares)) if drawn < int(sum(shares[: n + 1]) * ALL)), len(shares))
    assert place == expected


def test_shares_of_more_than_one_are_refused() -> None:
    with pytest.raises(ValueError, match="more than one"):
        thresholds([Fraction(1, 2), Fraction(51, 100)])


@pytest.mark.parametrize("mean", ["0", "1/1000", "0.6", "1", "3.5", "10"])
def test_arrivals_are_poisson(mean: str) -> None:
    limits = poisson(Fraction(mean))
    assert int(limits[-1]) == ALL
    assert (np.diff(limits) >= 0).all()
    numbers = decide(draws(1, 200_000, "poisson", mean), limits)
    expected = float(Fraction(mean))
    # Mean and variance are both the mean; four standard errors.
    assert abs(numbers.mean() - expected) <= 4 * (expected / 200_000) ** 0.5
    assert abs(numbers.var() - expected) <= 0.05 * expected + 0.001


def test_each_month_takes_its_share_of_those_who_are_left() -> None:
    limits = leaving([Fraction(1, 2), Fraction(0), Fraction(1, 2), Fraction(1)])
    assert [int(limit) for limit in limits] == [ALL // 2, ALL // 2, ALL // 2 + ALL // 4, ALL]
    assert decide(np.array([0, ALL // 2, ALL - 1]), limits).tolist() == [0, 2, 3]
