"""The policy of a day: the rates of the fine, the ladder of a tenant, and settings that cannot be."""

from datetime import date

import pytest

from billing.frame.errors import BadConfiguration
from billing.frame.terms import Term, Terms, load_terms
from billing.receivables.dunning.policy import EVERYBODY, fine_rates, policy_at
from pricing.dunning.late_payment import FineRates

DUE = date(2026, 1, 15)


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
