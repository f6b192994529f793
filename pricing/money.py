"""The one module that rounds (R1): scaled integers inside, decimal strings and `moneyed` at the edge.

Four scales, each an exact integer, so that no intermediate value is ever rounded and no binary
floating point comes near money:

- amount:   whole centimes                      (1 = 0.01 DH)
- price:    ten-thousandths of a dirham         (1 = 0.0001 DH, R1: at most 4 decimals)
- quantity: millionths of the unit              (1 = 0.000001 m2, hour, piece)
- rate:     ten-thousandths of one              (2000 = 20 %)
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from moneyed import MAD, Money

CENTIMES = 100
PRICE_SCALE = 10_000
QUANTITY_SCALE = 1_000_000
RATE_SCALE = 10_000

PRICE_DECIMALS = 4
QUANTITY_DECIMALS = 6
RATE_DECIMALS = 4
AMOUNT_DECIMALS = 2

# Bounds that keep any amount, and the sum of tens of thousands of the largest lines, inside a 64-bit integer.
PRICE_MAX = 10**6 * PRICE_SCALE
QUANTITY_MAX = 10**6 * QUANTITY_SCALE
AMOUNT_MAX = 10**12 * CENTIMES

_PRICE_X_QUANTITY = PRICE_SCALE * QUANTITY_SCALE // CENTIMES
_PRICE_PER_CENTIME = PRICE_SCALE // CENTIMES
_DECIMAL = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?", re.ASCII)


def settle(numerator: int, denominator: int) -> int:
    """Return `numerator / denominator` as a whole number, rounded half away from zero (R1).

    `denominator` is above zero. Negative values mirror positive ones: -2.5 gives -3.
    """
    quotient, remainder = divmod(abs(numerator), denominator)
    if 2 * remainder >= denominator:
        quotient += 1
    return quotient if numerator >= 0 else -quotient


def nearest(value: Fraction) -> int:
    """Return the whole number nearest to an exact value, halves upwards.

    So a sum that is not below zero is rounded half away from zero (R1), from whatever whole number it is counted.
    """
    return (value + Fraction(1, 2)).__floor__()


def line_amount(price: int, quantity: int, days: int = 1, days_in_month: int = 1) -> int:
    """Return `price × quantity × days / days in month` in centimes, rounded once (R1, R9, R10)."""
    whole = _PRICE_X_QUANTITY * days_in_month
    product = price * quantity * days
    # The hottest line of a run: half up is half away from zero for what is not negative, as prices are.
    return (2 * product + whole) // (2 * whole) if product >= 0 else settle(product, whole)


def vat_amount(base: int, rate: int) -> int:
    """Return VAT in centimes on a base in centimes, rounded once (R11)."""
    return settle(base * rate, RATE_SCALE)


def vat_included(amount: int, rate: int) -> int:
    """Return the VAT that an amount includes, at `rate` in ten-thousandths of one."""
    return settle(amount * rate, RATE_SCALE + rate)


def price_fraction(price: int, numerator: int, denominator: int) -> int:
    """Return a fraction of a price, rounded to the centime (R7): 145.00 × 1/3 = 48.33."""
    return settle(price * numerator, denominator * _PRICE_PER_CENTIME) * _PRICE_PER_CENTIME


def share_of(part: int, whole: int) -> int:
    """Return what part of a whole an amount is, as a rate, rounded to the whole percent: 1 of 3 gives 0.33."""
    return settle(part * 100, whole) * (RATE_SCALE // 100)


def price_of(amount: int) -> int:
    """Return the price of one unit that costs an amount in centimes, exactly."""
    return amount * _PRICE_PER_CENTIME


def price_with_vat(price: int, rate: int) -> int:
    """Return a unit price including VAT, in centimes, rounded once (R8): 18.18 at 10 % gives 20.00."""
    return settle(price * (RATE_SCALE + rate), RATE_SCALE * _PRICE_PER_CENTIME)


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Share `total` centimes in proportion to `weights`, by largest remainder; ties go to the first (R19).

    The parts always sum to the whole. Raises ValueError when there is something to share and no
    weight above zero, or when a weight is negative.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    if total == 0:
        return (0,) * len(weights)
    if whole == 0:
        raise ValueError("nothing to share in proportion to")
    size = abs(total)
    parts = [size * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % whole), i))
    for index in by_remainder[: size - sum(parts)]:
        parts[index] += 1
    return tuple(parts) if total > 0 else tuple(-part for part in parts)


def parse_decimal(text: str, decimals: int) -> int:
    """Return a plain decimal string as an integer scaled by `10 ** decimals`, exactly.

    Raises ValueError, with the reason in words, for anything else: exponents, group separators,
    decimal commas, or more significant decimals than `decimals`.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError("is not a decimal number such as 1234.56")
    sign, whole, fraction = match[1], match[2], match[3]
    digits = (fraction or "").rstrip("0")
    if len(digits) > decimals:
        raise ValueError(f"has more than {decimals} decimals")
    value: int = int(whole) * 10**decimals + int(digits.ljust(decimals, "0") or "0")
    return -value if sign else value


def _format(value: int, decimals: int, decimals_min: int) -> str:
    whole, fraction = divmod(abs(value), 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0").ljust(decimals_min, "0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def format_amount(amount: int) -> str:
    """Return centimes as a decimal string: 236250 gives `2362.50`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def format_price(price: int) -> str:
    """Return a price with two to four decimals: 500000 gives `50.00`, 123456 gives `12.3456`."""
    return _format(price, PRICE_DECIMALS, 2)


def format_quantity(quantity: int) -> str:
    """Return a quantity without useless zeros: 22500000 gives `22.5`."""
    return _format(quantity, QUANTITY_DECIMALS, 0)


def format_rate(rate: int) -> str:
    """Return a rate with two to four decimals: 2000 gives `0.20`."""
    return _format(rate, RATE_DECIMALS, 2)


def dirhams(amount: int) -> Money:
    """Return centimes as `moneyed.Money`, for interfaces people read."""
    return Money(Decimal(amount).scaleb(-AMOUNT_DECIMALS), MAD)


def total(amounts: Iterable[int]) -> int:
    """Return the exact sum of amounts in centimes."""
    return sum(amounts)
