"""Civil months and days (R2)."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.period import (
    Period,
    add_months,
    first_of_month,
    format_month,
    month_period,
    months,
    next_month,
    parse_month,
)

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2024-08-31", 18, "2026-02-28"),  # R2
        ("2022-08-31", 18, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 24, "2026-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2025-01-30", 1, "2025-02-28"),
        ("2025-01-29", 1, "2025-02-28"),
        ("2024-01-29", 1, "2024-02-29"),
        ("2025-03-31", 1, "2025-04-30"),
        ("2025-12-31", 2, "2026-02-28"),
        ("2025-06-15", 0, "2025-06-15"),
        ("2025-11-30", 3, "2026-02-28"),
        ("2025-03-31", -1, "2025-02-28"),
    ],
)
def test_r2_adding_months_keeps_the_day_or_takes_the_last_of_a_shorter_month(
    day: str, count: int, expected: str
) -> None:
    assert add_months(date.fromisoformat(day), count) == date.fromisoformat(expected)


@pytest.mark.parametrize("day", ["2024-01-29", "2023-01-29", "2024-01-30", "2023-08-31", "2024-02-29", "2023-02-28"])
def test_r2_thirty_six_months_in_a_row_from_a_month_end_each_land_in_their_own_month(day: str) -> None:
    start = date.fromisoformat(day)
    for count in range(37):
        found = add_months(start, count)
        year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
        assert (found.year, found.month) == (year, month + 1)
        assert found.day == min(start.day, monthrange(year, month + 1)[1])


@given(DAYS, st.integers(0, 60), st.integers(0, 60))
def test_r2_adding_more_months_never_goes_back(day: date, fewer: int, more: int) -> None:
    assert add_months(day, fewer) <= add_months(day, fewer + more)


@given(DAYS, DAYS, st.integers(0, 60))
def test_r2_adding_months_keeps_the_order_of_days(one: date, other: date, count: int) -> None:
    earlier, later = sorted((one, other))
    assert add_months(earlier, count) <= add_months(later, count)


@given(DAYS)
def test_r2_a_month_has_its_real_number_of_days_and_the_next_one_follows(day: date) -> None:
    whole = month_period(first_of_month(day))
    assert whole.days == monthrange(day.year, day.month)[1]
    assert day in whole
    assert whole.end == next_month(whole.start)
    assert whole.end not in whole
    assert whole.last_day == whole.end - timedelta(days=1)
    assert parse_month(format_month(whole.start)) == whole.start


def test_months_are_listed_with_both_ends() -> None:
    assert months(date(2025, 11, 1), date(2026, 2, 1)) == tuple(
        date.fromisoformat(day) for day in ("2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01")
    )
    assert months(date(2026, 2, 1), date(2026, 2, 1)) == (date(2026, 2, 1),)
    assert months(date(2026, 3, 1), date(2026, 2, 1)) == ()


@given(DAYS, DAYS, DAYS, DAYS)
def test_two_periods_meet_in_exactly_the_days_both_have(a: date, b: date, c: date, d: date) -> None:
    if a == b or c == d:
        return
    one, other = Period(min(a, b), max(a, b)), Period(min(c, d), max(c, d))
    both = one & other
    assert both == (other & one)
    for day in (a, b, c, d):
        assert (both is not None and day in both) == (day in one and day in other)


def test_an_empty_or_backward_period_is_refused() -> None:
    for end in (date(2026, 1, 1), date(2025, 12, 31)):
        with pytest.raises(ValueError, match="at least one day"):
            Period(date(2026, 1, 1), end)


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "2026-1", "26-01", "2026/01", "2026-01-01", "", "1899-12", "2201-01", "9999-12", "٢٠٢٦-01"],
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        parse_month(text)
