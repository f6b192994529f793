"""What late payment costs: the fine of the law (law.md section 4), and interest where a clause says so."""

from datetime import date, timedelta

import pytest

from billing.frame.errors import BadConfiguration
from billing.frame.terms import Term, Terms, load_terms
from billing.receivables.dunning.fine import FineRates, contractual_interest, months_late, statutory_fine
from billing.receivables.dunning.policy import EVERYBODY, fine_rates, policy_at
from pricing.period import add_months

RATES = FineRates(225, 85)
DUE = date(2026, 1, 15)


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


@pytest.mark.parametrize(
    ("due_on", "first_month"),
    [("2023-06-30", 300), ("2024-05-30", 300), ("2024-05-31", 275), ("2024-11-30", 250), ("2025-02-28", 225)],
)
def test_the_key_rate_is_that_of_the_day_the_delay_begins(due_on: str, first_month: int) -> None:
    issued_on = date(2023, 5, 1)
    found = fine_rates(load_terms(None), date.fromisoformat(due_on), issued_on, 10_000_01)
    assert found == FineRates(first_month, 85)


def test_there_is_no_fine_before_the_law_nor_on_small_invoices_of_its_first_years() -> None:
    terms = load_terms(None)
    assert fine_rates(terms, date(2023, 6, 29), date(2023, 5, 1), 50_000_00) is None
    assert fine_rates(terms, date(2025, 2, 1), date(2024, 12, 31), 10_000_00) is None
    assert fine_rates(terms, date(2025, 2, 1), date(2024, 12, 31), 10_000_01) is not None
    assert fine_rates(terms, date(2025, 3, 2), date(2025, 1, 1), 1_00) is not None


SINCE = date(2020, 1, 1)


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


def with_setting(name: str, value: object) -> Terms:
    shipped = load_terms(None)
    return Terms({**shipped.versions, name: (Term(date(2000, 1, 1), value, "test"),)})


def test_a_ladder_is_a_tenants_or_its_sites_or_everybodys() -> None:
    policy = policy_at(with_setting("dunning.ladder", {EVERYBODY: [3], "site/TNG": [5], "tenant/T9": [7]}), DUE)
    assert [policy.ladder(*who) for who in (("T1", "CAS"), ("T1", "TNG"), ("T9", "TNG"), ("T1", None))] == [
        (3,), (5,), (7,), (3,),
    ]  # fmt: skip
    assert policy_at(with_setting("dunning.ladder", {}), DUE).ladder("T1", "TNG") == ()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("dunning.ladder", {"*": [3, 1]}, "ascending"),
        ("dunning.ladder", {"*": [3, 3]}, "ascending"),
        ("dunning.ladder", {"*": ["3"]}, "whole numbers"),
        ("dunning.ladder", {"*": [True]}, "whole numbers"),
        ("dunning.ladder", {"*": [400]}, "to 365"),
        ("dunning.ladder", {"T1": [3]}, "none of"),
        ("dunning.least_amount", "x", "least_amount is 'x'"),
        ("dunning.least_amount", "-1.00", "least_amount"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: object, sentence: str) -> None:
    with pytest.raises(BadConfiguration, match=sentence):
        policy_at(with_setting(name, value), DUE)
