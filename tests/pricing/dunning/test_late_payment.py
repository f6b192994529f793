"""What late payment costs: the fine of the law (law.md section 4), and interest where a clause says so."""

from datetime import date, timedelta

import pytest

from pricing.dunning.late_payment import FineRates, contractual_interest, months_late, statutory_fine
from pricing.period import add_months

RATES = FineRates(225, 85)
DUE = date(2026, 1, 15)
SINCE = date(2020, 1, 1)


@pytest.mark.parametrize(
    ("months", "fine"), [(1, 270_00), (2, 372_00), (3, 474_00), (4, 576_00), (5, 678_00), (6, 780_00)]
)
def test_the_worked_example_12_000_dirhams_at_2_25_percent(months: int, fine: int) -> None:
    last_day = add_months(DUE, months)
    assert statutory_fine(12_000_00, DUE, last_day, RATES) == fine
    first_day = add_months(DUE, months - 1) + timedelta(1)
    assert statutory_fine(12_000_00, DUE, first_day, RATES) == fine


@pytest.mark.parametrize(
    ("due_on", "day", "months"),
    [
        ("2026-01-15", "2026-01-14", 0), ("2026-01-15", "2026-01-15", 0), ("2026-01-15", "2026-01-16", 1),
        ("2026-01-15", "2026-02-15", 1), ("2026-01-15", "2026-02-16", 2), ("2026-01-15", "2027-01-16", 13),
        # Months of other lengths: each ends on the last day it has.
        ("2026-01-31", "2026-02-28", 1), ("2026-01-31", "2026-03-01", 2), ("2026-01-31", "2026-03-31", 2),
        ("2026-01-31", "2026-04-01", 3), ("2028-01-31", "2028-02-29", 1), ("2026-12-31", "2027-01-01", 1),
    ],
)  # fmt: skip
def test_a_month_that_has_begun_counts_whole(due_on: str, day: str, months: int) -> None:
    assert months_late(date.fromisoformat(due_on), date.fromisoformat(day)) == months


def test_every_day_of_three_years_counts_as_many_months_as_have_ended_and_one() -> None:
    for days in range(1, 1100):
        day = DUE + timedelta(days)
        found = months_late(DUE, day)
        assert add_months(DUE, found - 1) < day <= add_months(DUE, found)


def test_the_fine_is_rounded_once_half_up() -> None:
    # 0.20 × 2.25 % = 0.0045; 0.60 × (2.25 % + 0.85 %) = 0.0186
    assert statutory_fine(20, DUE, DUE + timedelta(1), RATES) == 0
    assert statutory_fine(60, DUE, DUE + timedelta(40), RATES) == 2


def test_interest_runs_by_the_day_from_the_day_after_the_due_date() -> None:
    day = DUE + timedelta(73)
    assert contractual_interest(10_000_00, DUE, day, [(SINCE, 1000)]) == 200_00
    assert contractual_interest(10_000_00, DUE, DUE, [(SINCE, 1000)]) == 0
    assert contractual_interest(10_000_00, DUE, DUE + timedelta(1), [(SINCE, 1000)]) == 274
    assert contractual_interest(10_000_00, DUE, day, []) == 0


def test_no_interest_runs_before_the_clause_nor_after_it_was_ended() -> None:
    clause = DUE + timedelta(1)
    day = DUE + timedelta(73)
    assert contractual_interest(10_000_00, DUE, day, [(clause, 1000)]) == 200_00
    assert contractual_interest(10_000_00, DUE, day, [(clause + timedelta(36), 1000)]) == 101_37
    assert contractual_interest(10_000_00, DUE, day, [(day + timedelta(1), 1000)]) == 0
    assert contractual_interest(10_000_00, DUE, day, [(clause, 1000), (clause + timedelta(36), 0)]) == 98_63


def test_a_rate_that_changes_counts_from_its_day() -> None:
    day = DUE + timedelta(73)
    assert contractual_interest(10_000_00, DUE, day, [(SINCE, 1000), (DUE + timedelta(37), 2000)]) == 98_63 + 202_74
