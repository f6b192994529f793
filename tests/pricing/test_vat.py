"""VAT once per rate, on the sum (R11, W7)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.vat import VatSubtotal, vat_breakdown


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        ([(2000, 3333), (2000, 3333), (2000, 3333)], (VatSubtotal(2000, 9999, 2000),)),  # W7
        ([(2000, 100), (1000, 100), (2000, 50)], (VatSubtotal(1000, 100, 10), VatSubtotal(2000, 150, 30))),
        ([(0, 12345)], (VatSubtotal(0, 12345, 0),)),
        ([(1000, 5)], (VatSubtotal(1000, 5, 1),)),
        ([(2000, 0)], (VatSubtotal(2000, 0, 0),)),
    ],
)
def test_r11_vat_is_computed_once_per_rate_on_the_sum_of_its_lines(
    lines: list[tuple[int, int]], expected: tuple[VatSubtotal, ...]
) -> None:
    assert vat_breakdown(lines) == expected


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10**12)), max_size=30))
def test_r11_bases_sum_to_the_net_and_each_vat_is_within_half_a_centime(lines: list[tuple[int, int]]) -> None:
    found = vat_breakdown(lines)
    assert sum(subtotal.base for subtotal in found) == sum(amount for _, amount in lines)
    assert [subtotal.rate for subtotal in found] == sorted({rate for rate, _ in lines})
    for subtotal in found:
        assert abs(subtotal.amount - Fraction(subtotal.base * subtotal.rate, 10_000)) <= Fraction(1, 2)
    assert found == vat_breakdown(reversed(lines))
