"""Admissions on the last days of months, 36 runs in a row (R2, R5, R9): each day once, one switch."""

from collections import Counter
from datetime import date, timedelta

import pytest

from tests.oracle.reference import following
from tests.support.park import Park

# Admission and, by R2 and R5, the first market day.
ADMISSIONS = {
    "2023-12-29": "2025-06-29",
    "2023-12-30": "2025-06-30",
    "2023-12-31": "2025-06-30",
    "2024-01-29": "2025-07-29",
    "2024-01-31": "2025-07-31",
    "2024-02-28": "2025-08-28",
    "2024-02-29": "2025-08-29",
    "2024-08-29": "2026-02-28",
    "2024-08-30": "2026-02-28",
    "2024-08-31": "2026-02-28",
    "2025-02-28": "2026-08-28",
}


@pytest.fixture
def full_park(park: Park) -> Park:
    park.opens(
        tenants=[{"code": f"T-{day}", "incorporated_on": "2023-06-01"} for day in ADMISSIONS],
        leases=[
            {"code": f"L-{day}", "tenant": f"T-{day}", "site": "TNG", "area_m2": "31", "starts_on": day}
            for day in ADMISSIONS
        ],
    )
    return park


def test_36_months_in_a_row_no_day_is_unbilled_or_billed_twice_and_the_price_switches_once(full_park: Park) -> None:
    month, months = "2023-12", []
    for _ in range(36):
        full_park.run(month)
        months.append(month)
        month = following(month)
    tiers: dict[str, dict[date, str]] = {f"T-{day}": {} for day in ADMISSIONS}
    times: Counter[tuple[str, date]] = Counter()
    for run in months:
        for document in full_park.documents(run):
            assert document.kind == "invoice"
            for line in document.lines:
                first, last = line.priced.first_day, line.priced.last_day
                assert first is not None
                assert last is not None
                for n in range((last - first).days + 1):
                    times[document.buyer.code, first + timedelta(days=n)] += 1
                    tiers[document.buyer.code][first + timedelta(days=n)] = line.priced.tier
    end = date(2026, 12, 1)
    for admission, switch in ADMISSIONS.items():
        start, tenant = date.fromisoformat(admission), f"T-{admission}"
        days = [start + timedelta(days=n) for n in range((end - start).days)]
        assert {day: count for (code, day), count in times.items() if code == tenant} == dict.fromkeys(days, 1)
        assert [tiers[tenant][day] for day in days] == [
            "subsidised" if day < date.fromisoformat(switch) else "market" for day in days
        ]
