"""Which period is asked for: a year, or a month."""

import re
from datetime import date

from pricing.period import Period, month_period, parse_month

_YEAR = re.compile(r"(19|20|21)[0-9]{2}", re.ASCII)


def year_period(year: int) -> Period:
    """Return the days of a year."""
    return Period(date(year, 1, 1), date(year + 1, 1, 1))


def parse_period(text: str) -> Period:
    """Read `2026` or `2026-09` as days; ValueError says what is wrong."""
    if _YEAR.fullmatch(text):
        return year_period(int(text))
    try:
        return month_period(parse_month(text))
    except ValueError:
        raise ValueError("is neither a year such as 2026 nor a month such as 2026-09") from None
