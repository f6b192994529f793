"""VAT on a document: once per rate, on the sum of the lines at that rate (R11)."""

from collections.abc import Iterable
from typing import NamedTuple

from pricing.money import vat_amount


class VatSubtotal(NamedTuple):
    """One rate on a document: rate in ten-thousandths, base and VAT in centimes."""

    rate: int
    base: int
    amount: int


def vat_breakdown(amounts: Iterable[tuple[int, int]]) -> tuple[VatSubtotal, ...]:
    """Return the VAT of a document from its lines' (VAT rate, amount), one subtotal a rate, by rate (R11, BR-CO-17)."""
    bases: dict[int, int] = {}
    for rate, amount in amounts:
        bases[rate] = bases.get(rate, 0) + amount
    return tuple([VatSubtotal(rate, bases[rate], vat_amount(bases[rate], rate)) for rate in sorted(bases)])
