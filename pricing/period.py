"""Civil time (R2): half-open periods of days, months with their real number of days."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days from `start` up to, and without, `end`. Never empty."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"a period must have at least one day: {self.start} to {self.end}")

    @property
    def days(self) -> int:
        """Return how many days the period has."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """Return the last day within the period, for texts and files, which count inclusively."""
        return self.end - ONE_DAY

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __and__(self, other: "Period") -> "Period | None":
        """Return the days both have, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


@lru_cache(maxsize=4096)
def first_of_month(day: date) -> date:
    """Return the first day of the month `day` lies in: how a month is named throughout."""
    return day.replace(day=1)


def next_month(first: date) -> date:
    """Return the first day of the following month."""
    return first.replace(year=first.year + 1, month=1) if first.month == 12 else first.replace(month=first.month + 1)


def month_period(first: date) -> Period:
    """Return the whole month that begins on `first`."""
    return Period(first, next_month(first))


def months(first: date, last: date) -> tuple[date, ...]:
    """Return the first days of the months from `first` to `last`, both included; empty if `last` is earlier."""
    firsts = []
    while first <= last:
        firsts.append(first)
        first = next_month(first)
    return tuple(firsts)


def add_months(day: date, count: int) -> date:
    """Return the same day `count` months later, or the last day of a shorter month (R2).

    >>> add_months(date(2024, 8, 31), 18)
    datetime.date(2026, 2, 28)
    """
    year, month0 = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def parse_month(text: str) -> date:
    """Read `YYYY-MM`, from 1900 to 2200, as the first day of that month; ValueError says what is wrong."""
    match = _MONTH.fullmatch(text)
    if match is None or not "1900" <= match[1] <= "2200":
        raise ValueError(f"{text!r} is not a month such as 2026-09")
    return date(int(match[1]), int(match[2]), 1)


def format_month(first: date) -> str:
    """Return a month as `YYYY-MM`."""
    return f"{first.year:04d}-{first.month:02d}"
