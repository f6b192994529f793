"""Chance as whole numbers: the same seed gives the same draws on any machine, in any order, for any company.

Every purpose has a stream of its own, named by texts (what it decides, for whom), so that one tenant more changes
nobody else's draws, and two questions that share names share chance. A draw is the upper 53 bits of PCG64's raw
output, and what it decides is found by comparing it with thresholds that are worked out exactly: no floating point
is involved, and no distribution whose algorithm a library might change.
"""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]

BITS = 53
_ALL = 1 << BITS
# Digits of e ** -x: many more than a threshold has.
_DIGITS = Context(prec=60)


def draws(seed: int, count: int, *name: str) -> Whole:
    """Draw `count` whole numbers, evenly from zero to 2 ** 53 - 1, out of the stream of that name."""
    digest = blake2b("\0".join(name).encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[start : start + 4], "big") for start in range(0, 16, 4)]
    source = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=tuple(words)))
    raw: NDArray[np.uint64] = source.random_raw(count)
    return (raw >> np.uint64(64 - BITS)).astype(np.int64)


def thresholds(weights: Iterable[Fraction]) -> Whole:
    """Return the cumulated weights as thresholds: a draw decides for the first place whose threshold is above it.

    A draw above all of them decides for none: its place is their number. Weights sum to one at most.
    """
    cumulated, limits = Fraction(0), []
    for weight in weights:
        cumulated += weight
        limits.append(int(cumulated * _ALL))
    if cumulated > 1:
        raise ValueError("weights sum to more than one")
    return np.array(limits, dtype=np.int64)


def decide(drawn: Whole, limits: Whole) -> Whole:
    """Return the place each draw decides for."""
    return np.searchsorted(limits, drawn, side="right").astype(np.int64)


def poisson(mean: Fraction) -> Whole:
    """Return the thresholds of a Poisson distribution: a draw's place is the number of arrivals.

    They end where no draw can go beyond: at the last 2 ** -53 of chance.
    """
    nothing = _DIGITS.exp(_DIGITS.divide(Decimal(-mean.numerator), Decimal(mean.denominator)))
    weight = Fraction(nothing)
    cumulated, limits, count = weight, [], 0
    while True:
        limits.append(min(int(cumulated * _ALL), _ALL))
        count += 1
        weight = weight * mean * Fraction(1, count)
        cumulated += weight
        if weight * _ALL < 1 and count > mean:
            break
    limits[-1] = _ALL
    return np.array(limits, dtype=np.int64)


def leaving(hazards: Sequence[Fraction]) -> Whole:
    """Return the thresholds of the month somebody leaves in, each with its own hazard; beyond the last: stays."""
    staying, weights = Fraction(1), []
    for hazard in hazards:
        weights.append(staying * hazard)
        # Kept short: what is cut off lies far below a threshold's last bit.
        staying = Fraction(int(staying * (1 - hazard) * 2**120), 2**120)
    return thresholds(weights)
