"""The VAT of a sum that settles part of a document, by rate: exact over any parts.

VAT by "what was left, less what is left": at each rate, the VAT that was open less that of what is open after it,
rounded once. So no split of payments, credit notes and undoings is a centime off when the document is settled.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pricing.money import allocate, settle


class Share(NamedTuple):
    """An open or settled part of a document at one VAT rate: rate in ten-thousandths, base and VAT in centimes."""

    rate: int
    base: int
    vat: int

    @property
    def gross(self) -> int:
        """Return base and VAT."""
        return self.base + self.vat


def whole(shares: Iterable[Share]) -> int:
    """Return what shares amount to, VAT included."""
    return sum([share.base + share.vat for share in shares])


def taken_of(shares: Sequence[Share], amount: int) -> list[Share]:
    """Return the part of what is open that an amount settles, by rate; `amount` is from zero to all that is open.

    The VAT at each rate is R - settle(R x (open - amount) / open), R being the VAT open at it; bases take the rest in
    proportion. No part is negative or above what is open, and the parts make up the amount.
    """
    opened = whole(shares)
    if not 0 <= amount <= opened:
        raise ValueError(f"{amount} is not from 0 to the {opened} that are open")
    if amount == opened:
        return list(shares)
    left = opened - amount
    if len(shares) == 1:
        ((rate, base, vat),) = shares
        share = min(vat - settle(vat * left, opened), amount)
        if amount - share <= base:
            return [Share(rate, amount - share, share)]
    vats = [vat - settle(vat * left, opened) for _, _, vat in shares]
    rest, bases = amount - sum(vats), [base for _, base, _ in shares]
    if 0 <= rest <= sum(bases):
        parts = allocate(rest, bases) if rest else (0,) * len(bases)
    else:
        # Hardly anything but VAT is open, and its roundings exceed the amount: all share in proportion.
        spread = allocate(amount, [*bases, *(vat for _, _, vat in shares)])
        parts, vats = spread[: len(bases)], list(spread[len(bases) :])
    return [Share(s.rate, base, vat) for s, base, vat in zip(shares, parts, vats, strict=True)]


def netted_of(shares: Sequence[Share], credit: Sequence[Share]) -> list[Share]:
    """Return the part of what is open that a credit note settles: rate by rate, and what exceeds a rate over all.

    So a credited line takes its own VAT with it, and none falls due or is given back as long as it was still open.
    """
    by_rate = {share.rate: share for share in credit}
    matched = []
    for rate, base, vat in shares:
        mine = by_rate.get(rate, Share(rate, 0, 0))
        matched.append(Share(rate, min(base, mine.base), min(vat, mine.vat)))
    rest = left_of(shares, matched)
    beyond = taken_of(rest, whole(credit) - whole(matched))
    return [Share(m.rate, m.base + b.base, m.vat + b.vat) for m, b in zip(matched, beyond, strict=True)]


def alike_of(shares: Sequence[Share], others: Sequence[Share]) -> list[Share]:
    """Return the part of what is open that another document has open alike: base for base, VAT for VAT, by rate."""
    by_rate = {share.rate: share for share in others}
    nothing = Share(0, 0, 0)
    alike = []
    for rate, base, vat in shares:
        other = by_rate.get(rate, nothing)
        alike.append(Share(rate, min(base, other.base), min(vat, other.vat)))
    return alike


def left_of(shares: Sequence[Share], taken: Sequence[Share]) -> list[Share]:
    """Return what is open after a part was taken; both list the same rates in the same order."""
    return [Share(s.rate, s.base - t.base, s.vat - t.vat) for s, t in zip(shares, taken, strict=True)]
