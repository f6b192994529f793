"""The waterfall over many draws at once (R18, R19): the arithmetic of `pricing.cross_subsidy`, to the centime.

Arrays are draws × sites, the sites by code. Whole numbers only; where a product might pass 64 bits Python's own
numbers are used instead, more slowly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pricing.cross_subsidy import Grant

Amounts: TypeAlias = NDArray[Any]

_SIXTY_THREE_BITS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Fundings:
    """The sources that met the sites' needs in each draw, in centimes: `SiteFunding`, draws × sites."""

    contributions: Amounts
    draws: Amounts
    earmarked_grants: Amounts
    own: Amounts
    network: Amounts
    reserve: Amounts
    network_grants: Amounts
    unfunded: Amounts
    reserve_after: Amounts


class FundsInDraws:
    """The money that meets needs beside contributions, in every draw: the reserve, and what is left of the grants."""

    def __init__(self, draws: int, reserve: int, grants: Sequence[Grant]) -> None:
        self.reserve: Amounts = np.full(draws, reserve, dtype=np.int64)
        self._grants = sorted(grants, key=lambda grant: (grant.granted_on, grant.code))
        self._left: dict[str, Amounts] = {
            grant.code: np.full(draws, max(grant.left, 0), dtype=np.int64) for grant in grants
        }

    def meet(self, contributions: Amounts, draws: Amounts, sites: Sequence[str], month: date) -> Fundings:
        """Meet the needs of one run in every draw (R18); what it leaves, the next one finds."""
        need = draws.copy()
        available = [grant for grant in self._grants if grant.granted_on <= month]
        earmarked = self.meet_earmarked(need, sites, month)
        own = np.minimum(need, contributions)
        need -= own
        left_over = contributions.sum(axis=1) - own.sum(axis=1)
        network = _share(left_over, need)
        from_reserve = _share(self.reserve, need)
        surplus = left_over - network.sum(axis=1)
        self.reserve = self.reserve - from_reserve.sum(axis=1) + surplus
        network_grants = np.zeros_like(need)
        for grant in available:
            if grant.site is None:
                given = _share(self._left[grant.code], need)
                self._left[grant.code] = self._left[grant.code] - given.sum(axis=1)
                network_grants += given
        return Fundings(contributions, draws, earmarked, own, network, from_reserve, network_grants, need, self.reserve)

    def settle(self, contributions: Amounts, need: Amounts, sites: Sequence[str], month: date) -> None:
        """Settle only what a run leaves in the reserve, without who gave what to whom; `need` is used up.

        Contributions meet any site's need before the reserve does (R18), so the reserve moves by the difference of the
        two sums, and ends at zero. Grants for the whole network come after it and move it never.
        """
        self.meet_earmarked(need, sites, month)
        self.reserve = np.maximum(self.reserve + contributions.sum(axis=1) - need.sum(axis=1), 0)

    def meet_earmarked(self, need: Amounts, sites: Sequence[str], month: date) -> Amounts:
        """Return what grants for single sites give, by site; `need` is lowered by it."""
        earmarked = np.zeros_like(need)
        for grant in self._grants:
            if grant.site in sites and grant.granted_on <= month:
                column = sites.index(grant.site)
                used = np.minimum(self._left[grant.code], need[:, column])
                earmarked[:, column] += used
                need[:, column] -= used
                self._left[grant.code] = self._left[grant.code] - used
        return earmarked


def _share(available: Amounts, need: Amounts) -> Amounts:
    """Give of a sum to every site in proportion to its need, by largest remainder, ties to the first; lower the needs.

    Never more is given than is needed (R19).
    """
    whole = need.sum(axis=1)
    size = np.minimum(available, whole)
    if not size.any():
        return np.zeros_like(need)
    exact = need
    if int(size.max()) * int(need.max()) > _SIXTY_THREE_BITS:
        size, exact, whole = size.astype(object), need.astype(object), whole.astype(object)
    products = size[:, None] * exact
    # Nothing is needed: nothing is shared, whatever one divides by.
    by = np.maximum(whole, 1)[:, None]
    parts = products // by
    remainders = products - parts * by
    left = size - parts.sum(axis=1)
    # Largest remainder first; a stable order keeps ties in the order of the sites.
    order = np.argsort(-remainders, axis=1, kind="stable")
    ranks = np.empty(need.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.arange(need.shape[1])[None, :].repeat(len(need), axis=0), axis=1)
    parts = (parts + (ranks < left[:, None])).astype(np.int64)
    need -= parts
    shared: Amounts = parts
    return shared
