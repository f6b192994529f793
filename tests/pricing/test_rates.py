"""Rates and VAT in force on a day, prices and the ceiling (R6-R8, R11; W5, W8)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import NoRateInForce, NoVatRateInForce, PricingError
from pricing.rates import Rate, RateBook, VatBook, VatRate, ceiling_breach, subsidised_price


def day(text: str) -> date:
    return date.fromisoformat(text)


def version(effective_from: str, full_price: int) -> Rate:
    return Rate(day(effective_from), full_price, 0, 0)


BOOK = RateBook(
    [
        ("TNG", "OFFICE", "", version("2024-01-01", 1)),
        ("TNG", "OFFICE", "", version("2025-01-01", 2)),
        ("TNG", "OFFICE", "", version("2026-01-01", 4)),
        ("TNG", "OFFICE", "large", version("2025-07-01", 3)),
        ("TNG", "MEAL", "large", version("2025-07-01", 9)),
    ]
)


@pytest.mark.parametrize(
    ("kind", "on", "full_price"),
    [
        ("startup", "2024-01-01", 1),
        ("startup", "2024-12-31", 1),
        ("startup", "2025-01-01", 2),
        ("startup", "2025-07-01", 2),
        ("startup", "2026-01-01", 4),
        ("large", "2024-12-31", 1),
        ("large", "2025-06-30", 2),
        ("large", "2025-07-01", 3),
        # A kind with a version of its own keeps it, though a later one for every kind has begun.
        ("large", "2026-01-01", 3),
    ],
)
def test_r6_the_latest_version_of_the_own_kind_rules_else_the_latest_for_every_kind(
    kind: str, on: str, full_price: int
) -> None:
    assert BOOK.at("TNG", "OFFICE", kind, day(on)).full_price == full_price


@pytest.mark.parametrize(
    ("site", "service", "kind", "on"),
    [
        ("TNG", "OFFICE", "startup", "2023-12-31"),
        ("TNG", "OFFICE", "large", "2023-12-31"),
        ("TNG", "MEAL", "startup", "2026-01-01"),  # another kind's version helps nobody else
        ("TNG", "MEAL", "large", "2025-06-30"),
        ("CAS", "OFFICE", "startup", "2026-01-01"),
        ("TNG", "MEETING", "startup", "2026-01-01"),
    ],
)
def test_r6_no_version_in_force_is_named_with_its_remedy(site: str, service: str, kind: str, on: str) -> None:
    with pytest.raises(NoRateInForce, match=rf"no rate for {service} at {site} .* {kind} on {on}: enter") as caught:
        BOOK.at(site, service, kind, day(on))
    assert isinstance(caught.value, PricingError)


MONTHS = st.dates(date(2025, 1, 1), date(2026, 12, 31))


@given(st.dictionaries(st.tuples(st.sampled_from(["", "sme", "large"]), MONTHS), st.integers(1, 9), max_size=8), MONTHS)
def test_r6_the_timeline_answers_as_the_rule_reads(versions: dict[tuple[str, date], int], on: date) -> None:
    book = RateBook(("S", "X", kind, Rate(begins, price, 0, 0)) for (kind, begins), price in versions.items())
    for kind in ("sme", "large", "startup"):
        own = [begins for of_kind, begins in versions if of_kind == kind and begins <= on]
        every = [begins for of_kind, begins in versions if of_kind == "" and begins <= on]
        if own or every:
            expected = versions[kind, max(own)] if own else versions["", max(every)]
            assert book.at("S", "X", kind, on).full_price == expected
        else:
            with pytest.raises(NoRateInForce):
                book.at("S", "X", kind, on)


@pytest.mark.parametrize(
    ("text", "full_price", "expected"),
    [
        ("50.00", 1_500_000, 500_000),
        ("50", 1_500_000, 500_000),
        ("12.3456", 1_500_000, 123_456),
        ("1/3", 1_450_000, 483_300),  # W5
        ("1/3", 1_500_000, 500_000),
        ("2/3", 1_000_000, 666_700),
        ("0/3", 1_000_000, 0),
        ("1/1", 123_456, 123_500),
        ("0", 0, 0),
    ],
)
def test_r7_a_subsidised_price_is_an_amount_or_a_fraction_rounded_to_the_centime(
    text: str, full_price: int, expected: int
) -> None:
    assert subsidised_price(text, full_price) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1/0", "nothing below the line"),
        ("1/", "nor a fraction"),
        ("/3", "nor a fraction"),
        ("-1/3", "nor a fraction"),
        ("1 / 3", "nor a fraction"),
        ("0.5/3", "nor a fraction"),
        ("1/3/3", "nor a fraction"),
        ("1.00001", "more than 4 decimals"),
        ("third", "not a decimal number"),
        ("", "not a decimal number"),
    ],
)
def test_r7_anything_else_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        subsidised_price(text, 1_500_000)


VAT = VatBook(
    [
        ("MEAL", VatRate(day("2026-07-01"), 2_000)),
        ("MEAL", VatRate(day("2017-01-01"), 1_000)),
        ("OFFICE", VatRate(day("2017-01-01"), 2_000)),
    ]
)


def test_r11_the_vat_rate_in_force_is_the_latest_that_has_begun() -> None:
    assert VAT.at("MEAL", day("2017-01-01")).rate == 1_000
    assert VAT.at("MEAL", day("2026-06-30")).rate == 1_000
    assert VAT.at("MEAL", day("2026-07-01")).rate == 2_000
    for service, on in (("MEAL", "2016-12-31"), ("TRAINING", "2026-01-01")):
        with pytest.raises(NoVatRateInForce, match=f"no VAT rate for {service} on {on}: enter"):
            VAT.at(service, day(on))


@pytest.mark.parametrize(
    ("price", "start", "end", "breach"),
    [
        (181_800, "2026-01-01", "2026-02-01", (1_000, 2_000)),  # W8: 19.998 rounds to 20.00
        (181_700, "2026-01-01", "2026-02-01", None),  # W8: 19.987 rounds to 19.99
        (181_700, "2026-01-01", "2026-07-01", None),  # ended the day before VAT rises
        (181_700, "2026-01-01", "2026-07-02", (2_000, 2_180)),
        (181_700, "2026-01-01", None, (2_000, 2_180)),  # in force for ever: VAT will rise
        (166_600, "2026-01-01", None, None),  # 19.992 is 19.99
        (166_700, "2026-07-01", None, (2_000, 2_000)),  # 20.004 is 20.00
        (10**6, "2016-01-01", "2017-01-01", None),  # no VAT rate yet: nothing can be billed either
        (181_800, "2016-01-01", "2017-01-02", (1_000, 2_000)),
    ],
)
def test_r8_a_subsidised_price_stays_below_its_ceiling_under_every_vat_rate_it_meets(
    price: int, start: str, end: str | None, breach: tuple[int, int] | None
) -> None:
    found = ceiling_breach("MEAL", price, 2_000, day(start), day(end) if end else None, VAT)
    assert (found and (found[0].rate, found[1])) == breach
