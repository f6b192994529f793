"""VAT once per rate, on the sum (R11, W7)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.vat import VatSubtotal, credited_vat, vat_breakdown


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


def test_w11_a_note_that_takes_back_two_invoices_credits_the_vat_of_each() -> None:
    left = {(1, 2000): 108_743, (2, 2000): 108_743}
    (vat,) = credited_vat([(1, 2000, 108_743), (2, 2000, 108_743)], left)
    assert vat == VatSubtotal(2000, 217_486, 43_498)
    assert set(left.values()) == {0}


def test_r11_what_is_not_credited_may_be_below_zero_and_rounds_alike() -> None:
    # 0.03 of 0.05 by hand, then the line whole: what remains, -0.03, is billed again with VAT 0.01.
    left = {(1, 2000): 5}
    assert credited_vat([(1, 2000, 3)], left) == (VatSubtotal(2000, 3, 1),)
    assert credited_vat([(1, 2000, 5)], left) == (VatSubtotal(2000, 5, 1),)
    assert left == {(1, 2000): -3}


_PARTS = st.lists(st.tuples(st.sampled_from((1, 2)), st.sampled_from((1000, 2000)), st.integers(1, 10**7)), max_size=8)


@given(_PARTS, st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_r11_whatever_notes_credit_an_invoice_whole_their_vat_is_that_of_the_invoice(
    parts: list[tuple[int, int, int]], notes: list[int]
) -> None:
    left: dict[tuple[int, int], int] = {}
    for invoice, rate, amount in parts:
        left[invoice, rate] = left.get((invoice, rate), 0) + amount
    invoiced = sum(v.amount for key in (1, 2) for v in vat_breakdown((r, a) for i, r, a in parts if i == key))
    credited = 0
    for note in range(4):
        its = [part for part, of in zip(parts, notes, strict=False) if of == note]
        found = credited_vat(its, left)
        assert [(v.rate, v.base) for v in found] == [(v.rate, v.base) for v in vat_breakdown((r, a) for _, r, a in its)]
        for subtotal in found:
            # Within half a centime for each rounding: two an invoice.
            assert abs(subtotal.amount - Fraction(subtotal.base * subtotal.rate, 10_000)) <= 2
        credited += sum(subtotal.amount for subtotal in found)
    assert credited == invoiced
    assert set(left.values()) <= {0}
