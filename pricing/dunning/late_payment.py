"""The cost of late payment by law and by contract, in centimes.

The fine of the law on payment terms (n° 69-21) is the debtor's to the Treasury: the central bank's key rate for the
first month of delay and 0.85 % for each further month or part of one, on what is unpaid, VAT included (law.md section
4).
Interest is the operator's own, where a clause of the lease says so, by the day.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pricing.money import RATE_DECIMALS, settle
from pricing.period import ONE_DAY, add_months

_WHOLE = 10**RATE_DECIMALS
_DAYS_IN_YEAR = 365


class FineRates(NamedTuple):
    """The rates of a delay, in ten-thousandths: that of its first month, that of each further month or part of one."""

    first_month: int
    further_month: int


def months_late(due_on: date, day: date) -> int:
    """Return how many months of delay have begun by a day: none until the due date is past, then 1, 2, ..."""
    if day <= due_on:
        return 0
    months = (day.year - due_on.year) * 12 + day.month - due_on.month
    return months + 1 if day > add_months(due_on, months) else months


def statutory_fine(unpaid: int, due_on: date, day: date, rates: FineRates) -> int:
    """Return the fine on what is unpaid since its due date, up to a day, rounded once."""
    months = months_late(due_on, day)
    if months == 0:
        return 0
    return settle(unpaid * (rates.first_month + rates.further_month * (months - 1)), _WHOLE)


def contractual_interest(unpaid: int, due_on: date, day: date, rates: Sequence[tuple[date, int]]) -> int:
    """Return simple interest by the day from the day after the due date up to a day, rounded once.

    `rates` are yearly rates (ten-thousandths) with the first day each counts, ascending: none runs before the first.
    """
    end = day + ONE_DAY
    until = [*(min(starts_on, end) for starts_on, _ in rates[1:]), end]
    weighed = 0
    for (starts_on, rate), stop in zip(rates, until, strict=False):
        weighed += rate * max((stop - max(starts_on, due_on + ONE_DAY)).days, 0)
    return settle(unpaid * weighed, _WHOLE * _DAYS_IN_YEAR)
