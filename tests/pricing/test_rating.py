"""From facts to priced lines (R9-R11, R16; W1, W2, W5, W6, pitfalls)."""

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.eligibility import MARKET, SUBSIDISED, Tenancy, tenancy
from pricing.errors import NoRateInForce, NoVatRateInForce
from pricing.period import month_period, months
from pricing.rates import Rate, RateBook, VatBook, VatRate
from pricing.rating import Lease, PricedLine, UsageEvent, office_lines, usage_lines

DIRHAM = 10_000
UNIT = 1_000_000


def day(text: str) -> date:
    return date.fromisoformat(text)


def rate(effective_from: str, full: float, subsidised: float, cost: float) -> Rate:
    return Rate(day(effective_from), round(full * DIRHAM), round(subsidised * DIRHAM), round(cost * DIRHAM))


def lease(start: str, end: str | None = None, area: float = 20) -> Lease:
    """A lease at Tanger; `end` is its last day, as in leases.csv."""
    return Lease("L1", "TNG", round(area * UNIT), day(start), day(end) + timedelta(days=1) if end else None)


VAT = VatBook([("OFFICE", VatRate(day("2017-01-01"), 2_000)), ("MEAL", VatRate(day("2017-01-01"), 1_000))])
TANGER = rate("2015-01-01", 150, 50, 134)
BOOK = RateBook([("TNG", "OFFICE", "", TANGER)])
MATURE = Tenancy("large", None)


def spans(lines: tuple[PricedLine, ...]) -> list[tuple[int, int, str, str]]:
    """First and last day of the month, tier and amount of each line."""
    return [
        (line.first_day.day, line.last_day.day, line.tier, f"{line.amount / 100:.2f}")
        for line in lines
        if line.first_day and line.last_day
    ]


@pytest.mark.parametrize(
    ("start", "end", "month", "expected"),
    [
        ("2024-01-01", None, "2026-06-01", [(1, 30, MARKET, "3000.00")]),
        ("2024-01-01", None, "2026-02-01", [(1, 28, MARKET, "3000.00")]),
        ("2024-01-01", None, "2024-02-01", [(1, 29, MARKET, "3000.00")]),
        ("2026-06-10", None, "2026-06-01", [(10, 30, MARKET, "2100.00")]),  # of the month's 30 days, not of 21
        ("2024-01-01", "2026-06-15", "2026-06-01", [(1, 15, MARKET, "1500.00")]),
        ("2026-06-10", "2026-06-10", "2026-06-01", [(10, 10, MARKET, "100.00")]),
        ("2026-06-30", "2026-07-01", "2026-06-01", [(30, 30, MARKET, "100.00")]),
        ("2026-06-30", "2026-07-01", "2026-07-01", [(1, 1, MARKET, "96.77")]),
        ("2026-07-01", None, "2026-06-01", []),  # begins after the month
        ("2024-01-01", "2026-05-31", "2026-06-01", []),  # ended before it: never a negative amount
        ("2024-01-01", "2026-06-30", "2026-06-01", [(1, 30, MARKET, "3000.00")]),
        ("2024-01-01", "2026-07-01", "2026-06-01", [(1, 30, MARKET, "3000.00")]),
    ],
)
def test_r9_a_lease_is_billed_for_its_days_within_the_month_over_the_whole_months_days(
    start: str, end: str | None, month: str, expected: list[tuple[int, int, str, str]]
) -> None:
    assert spans(office_lines(lease(start, end), day(month), MATURE, BOOK, VAT)) == expected


def test_r9_a_line_keeps_the_product_at_full_price_and_at_full_cost_each_rounded_by_itself() -> None:
    found = office_lines(lease("2026-06-02", area=33.333333), day("2026-06-01"), MATURE, BOOK, VAT)
    (line,) = found
    assert (line.amount, line.full_amount, line.cost_amount) == (483_333, 483_333, 431_778)
    assert (line.days, line.days_in_month, line.quantity, line.vat_rate) == (29, 30, 33_333_333, 2_000)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        # A rate change in mid-month splits it.
        ([TANGER, rate("2026-06-11", 160, 50, 134)], [(1, 10, MARKET, "1000.00"), (11, 30, MARKET, "2133.33")]),
        # The same full price, price and cost again: not split.
        ([TANGER, rate("2026-06-11", 150, 50, 134)], [(1, 30, MARKET, "3000.00")]),
        # A market tenant isn't split by the subsidised price alone.
        ([TANGER, rate("2026-06-11", 150, 60, 134)], [(1, 30, MARKET, "3000.00")]),
        # Another full cost is another segment, though the tenant pays the same.
        ([TANGER, rate("2026-06-11", 150, 50, 135)], [(1, 10, MARKET, "1000.00"), (11, 30, MARKET, "2000.00")]),
        # There and back: three segments, the first and the third are not joined.
        (
            [TANGER, rate("2026-06-11", 160, 50, 134), rate("2026-06-21", 150, 50, 134)],
            [(1, 10, MARKET, "1000.00"), (11, 20, MARKET, "1066.67"), (21, 30, MARKET, "1000.00")],
        ),
        # Two versions that begin on the month's first and last day.
        (
            [TANGER, rate("2026-06-01", 160, 50, 134), rate("2026-06-30", 170, 50, 134)],
            [(1, 29, MARKET, "3093.33"), (30, 30, MARKET, "113.33")],
        ),
        # A version that begins on the first of the next month changes nothing.
        ([TANGER, rate("2026-07-01", 160, 50, 134)], [(1, 30, MARKET, "3000.00")]),
    ],
)
def test_r9_segments_are_split_where_price_full_price_or_full_cost_change(
    versions: list[Rate], expected: list[tuple[int, int, str, str]]
) -> None:
    book = RateBook([("TNG", "OFFICE", "", version) for version in versions])
    assert spans(office_lines(lease("2024-01-01"), day("2026-06-01"), MATURE, book, VAT)) == expected


def test_r9_window_end_and_rate_change_on_one_day_make_one_cut_and_neither_is_lost() -> None:
    newcomer = tenancy("startup", day("2024-06-01"), None, [day("2025-03-10")])
    book = RateBook([("TNG", "OFFICE", "", TANGER), ("TNG", "OFFICE", "", rate("2026-09-10", 160, 60, 140))])
    found = office_lines(lease("2025-03-10"), day("2026-09-01"), newcomer, book, VAT)
    assert spans(found) == [(1, 9, SUBSIDISED, "300.00"), (10, 30, MARKET, "2240.00")]
    assert [(line.full_price, line.unit_cost) for line in found] == [
        (150 * DIRHAM, 134 * DIRHAM),
        (160 * DIRHAM, 140 * DIRHAM),
    ]


def test_r9_window_end_and_rate_change_days_apart_make_three_segments() -> None:
    newcomer = tenancy("startup", day("2024-06-01"), None, [day("2025-03-10")])
    book = RateBook([("TNG", "OFFICE", "", TANGER), ("TNG", "OFFICE", "", rate("2026-09-09", 160, 60, 140))])
    found = office_lines(lease("2025-03-10"), day("2026-09-01"), newcomer, book, VAT)
    assert spans(found) == [(1, 8, SUBSIDISED, "266.67"), (9, 9, SUBSIDISED, "40.00"), (10, 30, MARKET, "2240.00")]


def test_r9_tiers_of_equal_price_still_split_the_month() -> None:
    newcomer = tenancy("startup", day("2024-06-01"), None, [day("2025-03-10")])
    book = RateBook([("TNG", "OFFICE", "", rate("2015-01-01", 150, 150, 134))])
    found = office_lines(lease("2025-03-10"), day("2026-09-01"), newcomer, book, VAT)
    assert spans(found) == [(1, 9, SUBSIDISED, "900.00"), (10, 30, MARKET, "2100.00")]


def test_r6_a_kind_that_gets_its_own_first_version_in_mid_month_is_split_there() -> None:
    book = RateBook([("TNG", "OFFICE", "", TANGER), ("TNG", "OFFICE", "large", rate("2026-06-16", 175, 50, 134))])
    found = office_lines(lease("2024-01-01"), day("2026-06-01"), MATURE, book, VAT)
    assert spans(found) == [(1, 15, MARKET, "1500.00"), (16, 30, MARKET, "1750.00")]


def test_r11_an_office_line_takes_the_vat_of_its_first_day() -> None:
    vat = VatBook([("OFFICE", VatRate(day("2017-01-01"), 2_000)), ("OFFICE", VatRate(day("2026-06-02"), 1_000))])
    found = office_lines(lease("2024-01-01"), day("2026-06-01"), MATURE, BOOK, vat)
    assert [line.vat_rate for line in found] == [2_000]  # a VAT change alone splits nothing
    found = office_lines(lease("2026-06-02"), day("2026-06-01"), MATURE, BOOK, vat)
    assert [line.vat_rate for line in found] == [1_000]
    book = RateBook([("TNG", "OFFICE", "", TANGER), ("TNG", "OFFICE", "", rate("2026-06-02", 151, 50, 134))])
    found = office_lines(lease("2024-01-01"), day("2026-06-01"), MATURE, book, vat)
    assert [line.vat_rate for line in found] == [2_000, 1_000]


def test_r6_a_day_without_rate_or_vat_cannot_be_billed() -> None:
    late = RateBook([("TNG", "OFFICE", "", rate("2026-06-02", 150, 50, 134))])
    with pytest.raises(NoRateInForce, match="2026-06-01"):
        office_lines(lease("2024-01-01"), day("2026-06-01"), MATURE, late, VAT)
    assert spans(office_lines(lease("2026-06-02"), day("2026-06-01"), MATURE, late, VAT)) == [
        (2, 30, MARKET, "2900.00")
    ]
    with pytest.raises(NoVatRateInForce, match="OFFICE on 2026-06-01"):
        office_lines(lease("2024-01-01"), day("2026-06-01"), MATURE, BOOK, VatBook([]))


DAYS = st.dates(date(2025, 1, 1), date(2026, 12, 31))
PRICES = st.integers(0, 4)


@st.composite
def rate_books(draw: st.DrawFn) -> RateBook:
    """Versions of the own kind and of every kind, few prices, so that equal neighbours occur."""
    versions = [("TNG", "OFFICE", "", Rate(date(2024, 1, 1), 4, 2, 3))]
    for kind, begins in draw(st.sets(st.tuples(st.sampled_from(["", "startup"]), DAYS), max_size=6)):
        full = draw(PRICES)
        versions.append(("TNG", "OFFICE", kind, Rate(begins, full, draw(st.integers(0, full)), draw(PRICES))))
    return RateBook(versions)


@given(rate_books(), DAYS, st.one_of(st.none(), DAYS), DAYS)
def test_r9_segments_are_exactly_the_runs_of_days_with_equal_terms(
    book: RateBook, start: date, end: date | None, incorporated_on: date
) -> None:
    if end is not None and end < start:
        start, end = end, start
    office = Lease("L1", "TNG", 10**10, start, None if end is None else end + timedelta(days=1))
    firm = tenancy("startup", incorporated_on, None, [start])
    for month in months(date(2025, 1, 1), date(2026, 12, 1)):
        expected: dict[date, tuple[str, int, int, int]] = {}
        today = month
        while today.month == month.month:
            if start <= today and (end is None or today <= end):
                found = book.at("TNG", "OFFICE", "startup", today)
                tier = firm.tier(today)
                price = found.full_price if tier == MARKET else found.subsidised_price
                expected[today] = (tier, price, found.full_price, found.full_cost)
            today += timedelta(days=1)
        lines = office_lines(office, month, firm, book, VAT)
        billed: dict[date, tuple[str, int, int, int]] = {}
        for line in lines:
            assert line.first_day is not None
            assert line.last_day is not None
            assert line.days == (line.last_day - line.first_day).days + 1
            assert line.days_in_month == month_period(month).days
            for n in range(line.days):
                assert line.first_day + timedelta(days=n) not in billed
                billed[line.first_day + timedelta(days=n)] = (
                    line.tier,
                    line.unit_price,
                    line.full_price,
                    line.unit_cost,
                )
        assert billed == expected
        for before, after in pairwise(lines):
            terms = [(line.tier, line.unit_price, line.full_price, line.unit_cost) for line in (before, after)]
            assert before.last_day is not None
            assert terms[0] != terms[1] or before.last_day + timedelta(days=1) != after.first_day


@pytest.mark.parametrize(
    "admission",
    ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-29", "2025-02-28", "2024-08-29", "2024-08-30", "2024-08-31"],
)
def test_month_ends_36_months_in_a_row_bill_every_day_once_and_switch_once(admission: str) -> None:
    start = day(admission)
    firm = tenancy("sme", start, None, [start])
    lines = [
        line
        for month in months(start.replace(day=1), date(start.year + 3, start.month, 1))
        for line in office_lines(Lease("L1", "TNG", UNIT, start, None), month, firm, BOOK, VAT)
    ]
    expected = start
    for line in lines:
        assert line.first_day == expected
        assert line.last_day is not None
        expected = line.last_day + timedelta(days=1)
    switches = [line.first_day for before, line in pairwise(lines) if before.tier != line.tier]
    assert firm.window is not None
    assert switches == [firm.window.end]


def events(*rows: tuple[str, str, float, str]) -> list[UsageEvent]:
    return [UsageEvent(n, site, service, round(q * UNIT), day(on)) for n, (site, service, q, on) in enumerate(rows, 1)]


MEALS = RateBook(
    [
        ("TNG", "MEAL", "", rate("2015-01-01", 34, 17.5, 31.5)),
        ("TNG", "MEAL", "", rate("2026-05-16", 35.5, 18, 32.75)),
        ("CAS", "MEAL", "", rate("2015-01-01", 34, 17.5, 31.5)),
        ("CAS", "MEAL", "", rate("2026-05-16", 34, 17.5, 31.5)),
    ]
)
NEWCOMER = tenancy("startup", day("2025-01-01"), None, [day("2025-06-01")])


def test_r10_events_of_equal_terms_in_one_month_form_one_line_rounded_once() -> None:
    book = RateBook([("TNG", "MEAL", "", rate("2015-01-01", 0.005, 0.005, 0.001))])
    ((line, ids),) = usage_lines(
        events(("TNG", "MEAL", 1, "2026-05-01"), ("TNG", "MEAL", 1, "2026-05-31"), ("TNG", "MEAL", 1, "2026-05-31")),
        MATURE,
        book,
        VAT,
    )
    assert (line.amount, line.full_amount, line.cost_amount) == (2, 2, 0)  # 1.5 centimes, not three times one
    assert (line.lease, line.first_day, line.last_day) == (None, None, None)
    assert ids == (1, 2, 3)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # A rate change in mid-month, and back dated events of two months.
        (
            [("TNG", "MEAL", 2, "2026-05-15"), ("TNG", "MEAL", 1, "2026-05-16"), ("TNG", "MEAL", 4, "2026-04-30")],
            [("TNG", "2026-04", 4, 7000), ("TNG", "2026-05", 2, 3500), ("TNG", "2026-05", 1, 1800)],
        ),
        # A new version of equal prices splits nothing.
        ([("CAS", "MEAL", 2, "2026-05-15"), ("CAS", "MEAL", 1, "2026-05-16")], [("CAS", "2026-05", 3, 5250)]),
        # Sites stay apart.
        (
            [("TNG", "MEAL", 1, "2026-05-01"), ("CAS", "MEAL", 1, "2026-05-01")],
            [("CAS", "2026-05", 1, 1750), ("TNG", "2026-05", 1, 1750)],
        ),
        ([], []),
    ],
)
def test_r10_events_are_grouped_by_site_month_and_terms(
    rows: list[tuple[str, str, float, str]], expected: list[tuple[str, str, int, int]]
) -> None:
    found = usage_lines(events(*rows), NEWCOMER, MEALS, VAT)
    assert [(line.site, f"{line.month:%Y-%m}", line.quantity // UNIT, line.amount) for line, _ in found] == expected


def test_r10_tier_and_vat_are_those_of_the_day_of_the_event() -> None:
    vat = VatBook([("MEAL", VatRate(day("2017-01-01"), 1_000)), ("MEAL", VatRate(day("2026-11-20"), 2_000))])
    leaving = tenancy("startup", day("2025-01-01"), None, [day("2025-05-11")])  # market from 2026-11-11
    found = usage_lines(
        events(
            ("CAS", "MEAL", 1, "2025-05-10"),
            ("CAS", "MEAL", 1, "2026-11-10"),
            ("CAS", "MEAL", 1, "2026-11-11"),
            ("CAS", "MEAL", 1, "2026-11-20"),
        ),
        leaving,
        MEALS,
        vat,
    )
    assert [(f"{line.month:%Y-%m}", line.tier, line.amount, line.vat_rate) for line, _ in found] == [
        ("2025-05", MARKET, 3400, 1_000),  # before its admission
        ("2026-11", MARKET, 3400, 1_000),
        ("2026-11", MARKET, 3400, 2_000),
        ("2026-11", SUBSIDISED, 1750, 1_000),
    ]


@given(
    st.lists(
        st.builds(
            UsageEvent,
            st.integers(1, 10**6),
            st.sampled_from(["TNG", "CAS"]),
            st.just("MEAL"),
            st.integers(1, 10**9),
            st.dates(date(2025, 1, 1), date(2027, 3, 1)),
        ),
        max_size=20,
        unique_by=lambda event: event.id,
    )
)
def test_r10_every_event_is_on_exactly_one_line_with_its_quantity(found: list[UsageEvent]) -> None:
    lines = usage_lines(found, NEWCOMER, MEALS, VAT)
    by_id = {event.id: event for event in found}
    assert sorted(event_id for _, ids in lines for event_id in ids) == sorted(by_id)
    terms: dict[tuple[object, ...], int] = defaultdict(int)
    for line, ids in lines:
        assert line.quantity == sum(by_id[event_id].quantity for event_id in ids)
        terms[line[:3], line.month, line.tier, line.unit_price, line.vat_rate] += 1
    assert set(terms.values()) <= {1}
    again = usage_lines(sorted(found, reverse=True), NEWCOMER, MEALS, VAT)
    assert [line for line, _ in again] == [line for line, _ in lines]


@pytest.mark.parametrize(
    ("tier", "price", "full", "cost", "contribution", "draw", "advantage"),
    [
        (MARKET, 150, 150, 134, 1600, 0, 0),
        (MARKET, 150, 150, 150, 0, 0, 0),
        (MARKET, 130, 130, 134, 0, 0, 0),  # below its cost: no negative contribution, no draw
        (SUBSIDISED, 50, 150, 134, 0, 8400, 10_000),
        (SUBSIDISED, 140, 150, 134, 0, 0, 1_000),  # above its cost: no contribution
        (SUBSIDISED, 134, 150, 134, 0, 0, 1_600),
    ],
)
def test_r16_only_market_lines_above_cost_contribute_and_only_subsidised_lines_below_cost_draw(
    tier: str, price: int, full: int, cost: int, contribution: int, draw: int, advantage: int
) -> None:
    firm = MATURE if tier == MARKET else NEWCOMER
    book = RateBook([("TNG", "MEAL", "", rate("2015-01-01", full, price, cost))])
    ((line, _),) = usage_lines(events(("TNG", "MEAL", 1, "2026-01-05")), firm, book, VAT)
    assert (line.tier, line.contribution, line.draw, line.advantage) == (tier, contribution, draw, advantage)
