"""What runs to come will find: presence, usual usage, and one waterfall after the other."""

from datetime import date

import pytest

from pricing.cross_subsidy import Grant
from pricing.eligibility import Tenancy, Window, tenancy
from pricing.errors import NoRateInForce
from pricing.period import Period
from pricing.projection import Funds, Stay, Usual, cascade, lines_of_run, presence, unrecorded, usual_events
from pricing.rates import Rate, RateBook, VatBook, VatRate
from pricing.rating import Lease, UsageEvent

LONG_AGO = date(2015, 1, 1)
RATES = RateBook(
    [
        ("TNG", "OFFICE", "", Rate(LONG_AGO, 1_500_000, 500_000, 1_340_000)),
        ("TNG", "MEAL", "", Rate(LONG_AGO, 340_000, 175_000, 315_000)),
        ("TNG", "MEAL", "", Rate(date(2026, 9, 21), 360_000, 175_000, 315_000)),
    ]
)
VAT = VatBook([("OFFICE", VatRate(LONG_AGO, 2000)), ("MEAL", VatRate(LONG_AGO, 1000))])
SEPTEMBER = Period(date(2026, 9, 1), date(2026, 10, 1))


def lease(start: str, end: str | None = None) -> Lease:
    last = None if end is None else date.fromisoformat(end)
    return Lease("L1", "TNG", 22_500_000, date.fromisoformat(start), last)


def test_presence_is_the_days_on_which_any_lease_runs() -> None:
    leases = [lease("2026-09-10", "2026-09-15"), lease("2026-08-01", "2026-09-04"), lease("2026-09-12", "2026-09-20")]
    assert presence(leases, SEPTEMBER) == (
        Period(date(2026, 9, 1), date(2026, 9, 4)),
        Period(date(2026, 9, 10), date(2026, 9, 20)),
    )
    assert presence([lease("2026-10-01")], SEPTEMBER) == ()
    assert presence([lease("2020-01-01")], SEPTEMBER) == (SEPTEMBER,)


def test_usual_usage_is_cut_where_its_price_changes() -> None:
    """30 meals in 30 days of presence: 9 within the window, 11 at the market price, 10 at the new one."""
    window = Window(date(2025, 3, 10), date(2026, 9, 10))
    found = usual_events([Usual("TNG", "MEAL", 30_000_000, 30)], (SEPTEMBER,), Tenancy("startup", window), RATES, VAT)
    assert found == [
        UsageEvent(0, "TNG", "MEAL", 9_000_000, date(2026, 9, 1)),
        UsageEvent(0, "TNG", "MEAL", 11_000_000, date(2026, 9, 10)),
        UsageEvent(0, "TNG", "MEAL", 10_000_000, date(2026, 9, 21)),
    ]


def test_usage_is_on_record_up_to_a_day_and_usual_from_it_on() -> None:
    events = tuple(UsageEvent(n, "TNG", "MEAL", 1_000_000, date(2026, 9, n)) for n in (1, 2, 30))
    usual = (Usual("TNG", "MEAL", 30_000_000, 30),)
    stay = Stay(Tenancy("large", None), (lease("2026-01-01", "2026-09-26"),), events, usual, True)
    october = date(2026, 10, 1)
    known = lines_of_run(stay, october, SEPTEMBER, None, RATES, VAT)
    assert known.offices == ()
    assert [(line.full_price, line.quantity) for line in known.usage] == [(340_000, 2_000_000), (360_000, 1_000_000)]
    # The lease's last day is the 25th: five usual days from the 21st on.
    assert unrecorded(stay, SEPTEMBER, date(2026, 9, 21), RATES, VAT) == [
        UsageEvent(0, "TNG", "MEAL", 5_000_000, date(2026, 9, 21))
    ]
    assert unrecorded(stay, SEPTEMBER, october, RATES, VAT) == []
    always = stay._replace(leases=(), is_resident=False)
    assert sum(event.quantity for event in unrecorded(always, SEPTEMBER, date(2026, 9, 1), RATES, VAT)) == 30_000_000


def test_a_day_without_a_price_is_named() -> None:
    stay = Stay(Tenancy("large", None), (Lease("L1", "CAS", 1, LONG_AGO, None),), (), (), True)
    with pytest.raises(NoRateInForce):
        lines_of_run(stay, date(2026, 9, 1), SEPTEMBER, None, RATES, VAT)


def test_r18_each_run_finds_what_the_one_before_has_left() -> None:
    grants = (Grant("G1", "TNG", date(2026, 1, 1), 50), Grant("G2", None, date(2026, 10, 1), 500))
    runs = [
        (date(2026, 8, 1), {"TNG": 100}, {"TNG": 80}),
        (date(2026, 9, 1), {"TNG": 0}, {"TNG": 100}),
        (date(2026, 10, 1), {"TNG": 0}, {"TNG": 100}),
    ]
    first, second, third = cascade(runs, Funds(20, grants))
    # 50 of the grant, 30 of its own; 70 to the reserve.
    assert (first.sites["TNG"].earmarked_grants, first.reserve_after) == (50, 90)
    assert (second.sites["TNG"].reserve, second.sites["TNG"].unfunded, second.reserve_after) == (90, 10, 0)
    assert (third.sites["TNG"].network_grants, third.grants_left["G2"]) == (100, 400)


def test_r5_another_window_is_only_asked_for_and_18_months_are_the_rule() -> None:
    facts = ("startup", date(2024, 1, 15), None, [date(2025, 3, 10)])
    assert tenancy(*facts) == tenancy(*facts, window_months=18)
    assert tenancy(*facts).window == Window(date(2025, 3, 10), date(2026, 9, 10))
    assert tenancy(*facts, window_months=24).window == Window(date(2025, 3, 10), date(2027, 3, 10))
    assert tenancy(*facts, window_months=0) == Tenancy("startup", None)
    with pytest.raises(ValueError, match="negative"):
        tenancy(*facts, window_months=-1)
