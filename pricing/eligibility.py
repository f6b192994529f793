"""Decide who is subsidised, and until when (R3-R5)."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from pricing.period import add_months

KINDS = ("startup", "sme", "large", "subsidiary")
ELIGIBLE_KINDS = frozenset({"startup", "sme"})
SUBSIDISED = "subsidised"
MARKET = "market"
AGE_LIMIT_MONTHS = 24
WINDOW_MONTHS = 18


class Window(NamedTuple):
    """The days a tenant pays the subsidised price: from `start` up to, and without, `end` (R5)."""

    start: date
    end: date


class Tenancy(NamedTuple):
    """A tenant as far as it decides its price on a day: its kind and its window, if it has one."""

    kind: str
    window: Window | None

    def tier(self, day: date) -> str:
        """Return `subsidised` within the window, `market` on any other day (R5)."""
        window = self.window
        return SUBSIDISED if window is not None and window.start <= day < window.end else MARKET


def admission_day(admitted_on: date | None, lease_starts: Iterable[date]) -> date | None:
    """Return the earliest of `admitted_on` and the first day of the first lease, or None (R3)."""
    known = [day for day in (admitted_on, *lease_starts) if day is not None]
    return min(known, default=None)


def is_eligible(kind: str, incorporated_on: date | None, admission: date) -> bool:
    """Return whether a tenant admitted on that day is subsidised: a startup or SME under 24 months old (R4)."""
    return (
        kind in ELIGIBLE_KINDS
        and incorporated_on is not None
        and admission < add_months(incorporated_on, AGE_LIMIT_MONTHS)
    )


def tenancy(
    kind: str,
    incorporated_on: date | None,
    admitted_on: date | None,
    lease_starts: Iterable[date],
    *,
    window_months: int = WINDOW_MONTHS,
) -> Tenancy:
    """Return the tenant's kind and window, from the facts of the register (R3-R5).

    Another length of the window than R5's is for asking what if; bills are never priced by one. Zero months are no
    window at all. Raises ValueError for fewer.
    """
    if window_months < 0:
        raise ValueError("a window has no negative length")
    admission = admission_day(admitted_on, lease_starts)
    if admission is None or window_months == 0 or not is_eligible(kind, incorporated_on, admission):
        return Tenancy(kind, None)
    return Tenancy(kind, Window(admission, add_months(admission, window_months)))
