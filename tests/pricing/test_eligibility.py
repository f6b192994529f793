"""Who is subsidised and until when (R3-R5; W2-W4, W6)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.eligibility import MARKET, SUBSIDISED, Window, admission_day, is_eligible, tenancy
from pricing.period import add_months

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("admitted_on", "lease_starts", "expected"),
    [
        (None, [], None),
        (None, ["2025-03-10"], "2025-03-10"),
        (None, ["2026-01-01", "2025-03-10"], "2025-03-10"),
        ("2024-12-01", ["2025-03-10"], "2024-12-01"),
        ("2025-06-01", ["2025-03-10"], "2025-03-10"),  # the earliest, even if the register says later
        ("2024-12-01", [], "2024-12-01"),
    ],
)
def test_r3_admission_is_the_earliest_of_an_earlier_stay_and_the_first_lease(
    admitted_on: str | None, lease_starts: list[str], expected: str | None
) -> None:
    found = admission_day(day(admitted_on) if admitted_on else None, map(day, lease_starts))
    assert found == (day(expected) if expected else None)


@pytest.mark.parametrize(
    ("kind", "incorporated_on", "admission", "eligible"),
    [
        ("startup", "2024-05-01", "2026-05-01", False),  # W3: exactly 24 months old
        ("startup", "2024-05-02", "2026-05-01", True),  # W4: one day younger
        ("sme", "2024-05-02", "2026-05-01", True),
        ("large", "2024-05-02", "2026-05-01", False),
        ("subsidiary", "2024-05-02", "2026-05-01", False),
        ("startup", None, "2026-05-01", False),
        ("startup", "2024-02-29", "2026-02-27", True),  # 29 Feb 2024 + 24 months = 28 Feb 2026
        ("startup", "2024-02-29", "2026-02-28", False),
        ("startup", "2022-02-28", "2024-02-27", True),
        ("startup", "2022-02-28", "2024-02-28", False),
        ("startup", "2024-08-31", "2026-08-30", True),
        ("startup", "2026-06-01", "2026-05-01", True),  # admitted before it was incorporated
    ],
)
def test_r4_a_startup_or_sme_under_24_months_is_eligible(
    kind: str, incorporated_on: str | None, admission: str, eligible: bool
) -> None:
    assert is_eligible(kind, day(incorporated_on) if incorporated_on else None, day(admission)) is eligible


@pytest.mark.parametrize(
    ("admission", "first_market_day"),
    [
        ("2025-03-10", "2026-09-10"),  # W1
        ("2024-08-31", "2026-02-28"),  # W2
        ("2024-08-30", "2026-02-28"),
        ("2024-08-29", "2026-02-28"),
        ("2024-08-28", "2026-02-28"),
        ("2022-08-31", "2024-02-29"),
        ("2024-02-29", "2025-08-29"),
        ("2026-05-01", "2027-11-01"),  # W4
        ("2025-01-15", "2026-07-15"),  # W6
        ("2024-12-31", "2026-06-30"),
    ],
)
def test_r5_the_window_ends_the_day_before_admission_plus_18_months(admission: str, first_market_day: str) -> None:
    found = tenancy("startup", day(admission) - timedelta(days=90), None, [day(admission)])
    assert found.window == Window(day(admission), day(first_market_day))
    assert found.tier(day(admission) - timedelta(days=1)) == MARKET
    assert found.tier(day(admission)) == SUBSIDISED
    assert found.tier(day(first_market_day) - timedelta(days=1)) == SUBSIDISED
    assert found.tier(day(first_market_day)) == MARKET


def test_r5_without_lease_or_admission_day_a_tenant_pays_the_market_price() -> None:
    found = tenancy("startup", day("2026-01-01"), None, [])
    assert found.window is None
    assert found.tier(day("2026-02-01")) == MARKET


@given(DAYS, st.one_of(st.none(), DAYS), st.lists(DAYS, max_size=4), st.sampled_from(["startup", "sme"]))
def test_r5_the_switch_to_market_happens_exactly_once_and_never_back(
    incorporated_on: date, admitted_on: date | None, lease_starts: list[date], kind: str
) -> None:
    found = tenancy(kind, incorporated_on, admitted_on, lease_starts)
    known = [*lease_starts, *([admitted_on] if admitted_on else [])]
    if not known or min(known) >= add_months(incorporated_on, 24):
        assert found.window is None
        return
    tiers = [found.tier(min(known) + timedelta(days=n)) for n in range(800)]
    switches = [n for n in range(1, 800) if tiers[n] != tiers[n - 1]]
    assert tiers[0] == SUBSIDISED
    assert [min(known) + timedelta(days=n) for n in switches] == [add_months(min(known), 18)]


@given(DAYS, DAYS, DAYS)
def test_r3_a_later_lease_never_restarts_the_window(incorporated_on: date, first: date, second: date) -> None:
    earlier, later = sorted((first, second))
    assert tenancy("startup", incorporated_on, None, [later, earlier]) == tenancy(
        "startup", incorporated_on, None, [earlier]
    )
