"""Figures and days in French: U+202F between groups, U+00A0 before a unit (law.md section 9)."""

from datetime import date

import pytest

from invoices import formats


@pytest.mark.parametrize(
    ("centimes", "text"),
    [
        (0, "0,00"),
        (5, "0,05"),
        (99_999, "999,99"),
        (123_456, "1\u202f234,56"),
        (100_000_000, "1\u202f000\u202f000,00"),
        (-123_456, "\u22121\u202f234,56"),
    ],
)
def test_amounts_have_two_decimals_and_groups_of_three(centimes: int, text: str) -> None:
    assert formats.amount(centimes) == text
    assert formats.dirhams(centimes) == f"{text}\u00a0DH"


@pytest.mark.parametrize(
    ("price", "text"),
    [(1_450_000, "145,00"), (483_300, "48,33"), (123_456, "12,3456"), (12_345_678, "1\u202f234,5678")],
)
def test_prices_have_two_to_four_decimals(price: int, text: str) -> None:
    assert formats.price(price) == text


@pytest.mark.parametrize(
    ("quantity", "text"), [(22_500_000, "22,5"), (17_000_000, "17"), (1, "0,000001"), (1_234_000_000, "1\u202f234")]
)
def test_quantities_have_no_useless_zeros(quantity: int, text: str) -> None:
    assert formats.quantity(quantity) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(2000, "20\u00a0%"), (1000, "10\u00a0%"), (550, "5,5\u00a0%"), (0, "0\u00a0%")]
)
def test_rates_are_percentages(rate: int, text: str) -> None:
    assert formats.percentage(rate) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 9, 1), date(2026, 9, 9), "du 1er au 9 septembre 2026"),
        (date(2026, 9, 10), date(2026, 9, 30), "du 10 au 30 septembre 2026"),
        (date(2026, 9, 9), date(2026, 9, 9), "le 9 septembre 2026"),
        (date(2026, 9, 30), date(2026, 10, 1), "du 30 septembre au 1er octobre 2026"),
        (date(2026, 12, 31), date(2027, 1, 1), "du 31 décembre 2026 au 1er janvier 2027"),
        (date(2026, 12, 15), date(2026, 12, 31), "du 15 au 31 décembre 2026"),
    ],
)
def test_periods_count_their_last_day(first: date, last: date, text: str) -> None:
    assert formats.days(first, last) == text


def test_a_rib_is_grouped_and_anything_else_is_left_alone() -> None:
    assert formats.grouped("011780000012345678901234", (3, 3, 16, 2)).split("\u00a0") == [
        "011", "780", "0000123456789012", "34",
    ]  # fmt: skip
    assert formats.grouped("MA64 0117", (3, 3, 16, 2)) == "MA64 0117"


def test_a_month_is_named_with_or_without_its_year() -> None:
    assert formats.month(date(2026, 8, 31)) == "août 2026"
    assert formats.month_name(date(2026, 12, 1)) == "décembre"
