"""Rounding, sharing and decimal strings (R1, R7, R8, R19)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.money import (
    AMOUNT_MAX,
    PRICE_DECIMALS,
    PRICE_MAX,
    QUANTITY_DECIMALS,
    QUANTITY_MAX,
    RATE_DECIMALS,
    allocate,
    dirhams,
    format_amount,
    format_price,
    format_quantity,
    format_rate,
    line_amount,
    parse_decimal,
    price_fraction,
    price_with_vat,
    settle,
    total,
    vat_amount,
)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (0, 7, 0),
        (10_050, 100, 101),  # 1.005 dirham is 1.01, where a binary float gives 1.00
        (26_750, 100, 268),  # 2.675 is 2.68, where a binary float gives 2.67
        (10_049, 100, 100),
        (10_150, 100, 102),  # 1.015: banker's rounding and ours agree
        (10_250, 100, 103),  # 1.025: banker's rounding would give 1.02
        (1, 2, 1),
        (1, 3, 0),
        (2, 3, 1),
        (3, 2, 2),
        (5, 10, 1),
        (49_999_999_999, 10**11, 0),
        (50_000_000_000, 10**11, 1),
    ],
)
def test_r1_halves_round_away_from_zero_on_both_sides(numerator: int, denominator: int, expected: int) -> None:
    assert settle(numerator, denominator) == expected
    assert settle(-numerator, denominator) == -expected


@given(st.integers(-(10**24), 10**24), st.integers(1, 10**15))
def test_r1_settling_equals_decimal_half_up_of_the_exact_fraction(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    found = settle(numerator, denominator)
    assert abs(found - exact) <= Fraction(1, 2)
    assert settle(-numerator, denominator) == -found
    if abs(found - exact) == Fraction(1, 2):
        assert abs(found) > abs(exact)


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_r1_settling_a_decimal_is_what_an_accountant_writes(unscaled: int, decimals: int) -> None:
    written = Decimal(unscaled).scaleb(-decimals)
    assert settle(unscaled, 10**decimals) == int(written.quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("price", "quantity", "days", "days_in_month", "amount"),
    [
        ("50.00", "22.5", 9, 30, "337.50"),
        ("150.00", "22.5", 21, 30, "2362.50"),
        ("48.33", "25", 31, 31, "1208.25"),
        ("48.33", "25", 28, 28, "1208.25"),
        ("0.0001", "50", 1, 1, "0.01"),  # half a centime goes up
        ("0.0001", "49.999999", 1, 1, "0.00"),
        ("0.00", "1000", 1, 1, "0.00"),
        ("12.3456", "0.000001", 1, 1, "0.00"),
        ("33.335", "1", 1, 1, "33.34"),
        ("1.005", "1", 1, 1, "1.01"),
        ("2.675", "1", 1, 1, "2.68"),
        ("100.00", "1", 1, 31, "3.23"),
        ("100.00", "1", 30, 31, "96.77"),
        ("10000000.00", "10000000", 31, 31, "100000000000000.00"),
    ],
)
def test_r1_a_product_is_exact_until_its_one_rounding(
    price: str, quantity: str, days: int, days_in_month: int, amount: str
) -> None:
    price_scaled = parse_decimal(price, PRICE_DECIMALS)
    quantity_scaled = parse_decimal(quantity, QUANTITY_DECIMALS)
    assert format_amount(line_amount(price_scaled, quantity_scaled, days, days_in_month)) == amount


@given(st.integers(0, PRICE_MAX), st.integers(1, QUANTITY_MAX), st.integers(28, 31))
def test_r9_a_whole_month_costs_exactly_the_monthly_price(price: int, quantity: int, days: int) -> None:
    assert line_amount(price, quantity, days, days) == line_amount(price, quantity)


@given(st.integers(0, PRICE_MAX), st.integers(1, QUANTITY_MAX), st.integers(28, 31), st.data())
def test_r9_the_parts_of_a_split_month_differ_from_the_whole_by_their_roundings_only(
    price: int, quantity: int, days_in_month: int, data: st.DataObject
) -> None:
    days = data.draw(st.integers(1, days_in_month - 1))
    parts = line_amount(price, quantity, days, days_in_month) + line_amount(
        price, quantity, days_in_month - days, days_in_month
    )
    assert abs(parts - line_amount(price, quantity)) <= 1


@pytest.mark.parametrize(
    ("base", "rate", "expected"),
    [
        ("99.99", "0.20", "20.00"),
        ("33.33", "0.20", "6.67"),
        ("0.02", "0.20", "0.00"),
        ("0.03", "0.20", "0.01"),
        ("0.25", "0.10", "0.03"),
        ("100.00", "0.00", "0.00"),
        ("100.00", "0.0825", "8.25"),
    ],
)
def test_r11_vat_is_rounded_once_half_away_from_zero(base: str, rate: str, expected: str) -> None:
    tax = vat_amount(parse_decimal(base, 2), parse_decimal(rate, RATE_DECIMALS))
    assert format_amount(tax) == expected


@pytest.mark.parametrize(
    ("price", "numerator", "denominator", "expected"),
    [
        ("145.00", 1, 3, "48.33"),
        ("150.00", 1, 3, "50.00"),
        ("149.50", 1, 3, "49.83"),
        ("0.01", 1, 2, "0.01"),
        ("0.0099", 1, 2, "0.00"),
        ("100.01", 1, 2, "50.01"),
        ("12.3456", 1, 1, "12.35"),
        ("95.00", 0, 3, "0.00"),
        ("10.00", 2, 3, "6.67"),
    ],
)
def test_r7_a_fraction_of_a_price_is_rounded_to_the_centime(
    price: str, numerator: int, denominator: int, expected: str
) -> None:
    assert format_price(price_fraction(parse_decimal(price, PRICE_DECIMALS), numerator, denominator)) == expected


@given(st.integers(0, PRICE_MAX), st.integers(0, 10**6), st.integers(1, 10**6))
def test_r7_a_fraction_of_a_price_is_the_nearest_centime(price: int, numerator: int, denominator: int) -> None:
    found = price_fraction(price, numerator, denominator)
    assert found % 100 == 0
    assert abs(found - Fraction(price * numerator, denominator)) <= 50


@pytest.mark.parametrize(
    ("price", "rate", "expected"),
    [
        ("18.18", "0.10", "20.00"),
        ("18.17", "0.10", "19.99"),
        ("18.1772", "0.10", "19.99"),
        ("18.1773", "0.10", "20.00"),
    ],
)
def test_r8_a_price_including_vat_is_rounded_to_the_centime(price: str, rate: str, expected: str) -> None:
    assert format_amount(price_with_vat(parse_decimal(price, 4), parse_decimal(rate, 4))) == expected


@pytest.mark.parametrize(
    ("total_centimes", "weights", "expected"),
    [
        (10_000, (4_000, 4_000, 4_000), (3_334, 3_333, 3_333)),
        (10_001, (4_000, 4_000, 4_000), (3_334, 3_334, 3_333)),
        (1, (1, 1), (1, 0)),
        (1, (1, 2), (0, 1)),
        (5, (0, 3, 0, 2), (0, 3, 0, 2)),
        (7, (2, 2, 3), (2, 2, 3)),
        (100, (1, 1, 98), (1, 1, 98)),
        (10, (1, 2, 4), (1, 3, 6)),  # 1.43, 2.86, 5.71: the two largest remainders are 0.86 and 0.71
        (0, (0, 0), (0, 0)),
        (0, (), ()),
        (-10_000, (4_000, 4_000, 4_000), (-3_334, -3_333, -3_333)),
    ],
)
def test_r19_sharing_is_by_largest_remainder_and_ties_go_to_the_first(
    total_centimes: int, weights: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert allocate(total_centimes, weights) == expected


@given(st.integers(-AMOUNT_MAX, AMOUNT_MAX), st.lists(st.integers(0, AMOUNT_MAX), min_size=1, max_size=8))
def test_r19_shares_sum_to_the_whole_and_stay_within_a_centime_of_their_due(total_: int, weights: list[int]) -> None:
    if total_ and not sum(weights):
        with pytest.raises(ValueError, match="in proportion"):
            allocate(total_, weights)
        return
    parts = allocate(total_, weights)
    assert sum(parts) == total_
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total_ * weight, sum(weights) or 1)) < 1
        assert weight or not part


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8), st.data())
def test_r19_nobody_gets_more_than_it_needs_when_no_more_is_shared_than_all_need(
    needs: list[int], data: st.DataObject
) -> None:
    parts = allocate(data.draw(st.integers(0, sum(needs))), needs)
    assert all(part <= need for part, need in zip(parts, needs, strict=True))


def test_r19_negative_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        allocate(1, (2, -1))
    with pytest.raises(ValueError, match="negative"):
        allocate(0, (1, -1))


@pytest.mark.parametrize(
    ("text", "decimals", "expected"),
    [
        ("0", 2, 0),
        ("1", 2, 100),
        ("1.5", 2, 150),
        ("1.50000", 2, 150),
        ("-2.675", 4, -26_750),
        ("0.0001", 4, 1),
        ("007", 0, 7),
        ("22.5", 6, 22_500_000),
        ("-0.00", 2, 0),
    ],
)
def test_a_decimal_string_is_read_exactly(text: str, decimals: int, expected: int) -> None:
    assert parse_decimal(text, decimals) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 000", "1,5", "1.", ".5", "+1", "1e3", "1E3", "--1", "0x10", "1_000", "nan", "inf", "٣", "1.5\n", " 1"],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        parse_decimal(text, 4)


def test_r1_more_decimals_than_allowed_are_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match="more than 4 decimals"):
        parse_decimal("1.23456", 4)
    assert parse_decimal("1.23450", 4) == 12_345


@given(st.integers(-(10**15), 10**15))
def test_amounts_prices_quantities_and_rates_read_back_as_written(value: int) -> None:
    assert parse_decimal(format_amount(value), 2) == value
    assert parse_decimal(format_price(value), PRICE_DECIMALS) == value
    assert parse_decimal(format_quantity(value), QUANTITY_DECIMALS) == value
    assert parse_decimal(format_rate(value), RATE_DECIMALS) == value


@pytest.mark.parametrize(
    ("amount", "written"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (236_250, "2362.50"), (-100, "-1.00"), (10**14, "1000000000000.00")],
)
def test_amounts_are_written_with_two_decimals(amount: int, written: str) -> None:
    assert format_amount(amount) == written
    assert str(dirhams(amount).amount) == written


@pytest.mark.parametrize(
    ("price", "quantity", "rate"),
    [(0, "0", "0.00"), (500_000, "0.5", "50.00"), (123_456, "0.123456", "12.3456"), (2_000, "0.002", "0.20")],
)
def test_prices_and_rates_have_two_to_four_decimals_and_quantities_no_useless_zero(
    price: int, quantity: str, rate: str
) -> None:
    assert format_price(price) == rate
    assert format_rate(price) == rate
    assert format_quantity(price) == quantity


def test_a_total_is_the_exact_sum() -> None:
    assert total([1, 2, -4]) == -1
    assert total([]) == 0
