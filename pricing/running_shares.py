"""What acts settle of a document by VAT rate, and what of it falls due: exact running shares, rounded once (R26).

Two sums run by themselves: what is settled, and what of it has fallen due, which a cheque joins once it is cleared.
Each act adds its exact share to a sum and moves by whole centimes what the rounded sum has become, less what was moved
before. A credit note or a write-off moves whole centimes, rate by rate; an undoing takes its exact share out again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from pricing.money import nearest
from pricing.vat_shares import Share, left_of, whole


class Exact(NamedTuple):
    """An exact share at one VAT rate, in centimes and parts of one: base and VAT."""

    base: Fraction
    vat: Fraction

    def __str__(self) -> str:
        """Return it as it is stored: base and VAT over their common denominator."""
        below = lcm(self.base.denominator, self.vat.denominator)
        base, vat = (part.numerator * (below // part.denominator) for part in self)
        return f"{base} {vat} {below}"

    @classmethod
    def parse(cls, text: str) -> "Exact":
        """Return the share that was stored; raises ValueError for another text."""
        base, vat, below = map(int, text.split(" "))
        return cls(Fraction(base, below), Fraction(vat, below))

    @classmethod
    def of(cls, base: int, vat: int) -> "Exact":
        """Return whole centimes as an exact share."""
        return cls(Fraction(base), Fraction(vat))

    def is_just(self, base: int, vat: int) -> bool:
        """Return whether the share is just these whole centimes."""
        return self.base == base and self.vat == vat

    def plus(self, other: "Exact") -> "Exact":
        """Return the sum of two shares."""
        return Exact(self.base + other.base, self.vat + other.vat)

    def times(self, factor: Fraction | int) -> "Exact":
        """Return so much of the share."""
        return Exact(self.base * factor, self.vat * factor)


ZERO = Exact.of(0, 0)


class Moved(NamedTuple):
    """What an act moves of a document at one rate, in centimes: settled, and fallen due.

    An exact share is None where it is what was moved.
    """

    rate: int
    base: int
    vat: int
    base_due: int = 0
    vat_due: int = 0
    exact: Exact | None = None
    exact_due: Exact | None = None


@dataclass(slots=True)
class RunningShares:
    """What of a document is open by rate, in centimes, and how far the exact sums are ahead of the rounded ones.

    `waiting` is what is settled but has not fallen due (None: nothing), `due` what has (None: nothing). `ahead` and
    `ahead_due` are what the exact sums of what is settled, and of what has fallen due, exceed the rounded ones by.
    """

    open: list[Share]
    waiting: list[Share] | None = None
    due: list[Share] | None = None
    ahead: list[Exact] | None = None
    ahead_due: list[Exact] | None = None

    def settle(self, amount: int, *, falls_due: bool) -> list[Moved]:
        """Let money settle so much of what is open; it falls due with it unless it is still to be cleared."""
        gross = whole(self.open)
        if not 0 <= amount <= gross:
            raise ValueError(f"{amount} is not from 0 to the {gross} that are open")
        if amount == gross and not (self.ahead or self.ahead_due or self.waiting):
            # By far the most are paid at once: nothing is rounded.
            return self.take(self.open, falls_due=falls_due, waits=not falls_due)
        part = Fraction(amount, gross or 1)
        exact = [
            Exact(share.base - ahead.base, share.vat - ahead.vat).times(part)
            for share, ahead in zip(self.open, self._ahead(), strict=True)
        ]
        taken, self.ahead = _moved(amount, exact, self._ahead(), self.open)
        self.open = left_of(self.open, taken)
        self.waiting = _sum(self._waiting(), taken)
        due = self._fall_due(amount, exact) if falls_due else None
        return _rows(taken, due, exact)

    def fall_due(self, exact: Mapping[int, Exact]) -> list[Moved]:
        """Let fall due, now that it is cleared, what a cheque settled: its exact shares by rate."""
        shares = self._by_rate(exact)
        nothing = [Share(share.rate, 0, 0) for share in self.open]
        due = self._fall_due(_amount(shares), shares)
        return [row._replace(exact=None) for row in _rows(nothing, due, shares)]

    def take(self, taken: Sequence[Share], *, falls_due: bool, waits: bool = False) -> list[Moved]:
        """Take so much of what is open at each rate, in whole centimes, as credit notes and write-offs do.

        It falls due at once, or `waits` to fall due, or never will.
        """
        self.open = left_of(self.open, taken)
        if waits:
            self.waiting = _sum(self._waiting(), taken)
        if not falls_due:
            return [Moved(*share) for share in taken]
        self.due = _sum(self._due(), taken)
        return [Moved(*share, share.base, share.vat) for share in taken]

    def undo(self, exact: Mapping[int, Exact], exact_due: Mapping[int, Exact]) -> list[Moved]:
        """Take an act's exact shares out of what is settled, and of what has fallen due; rows are negative."""
        shares, shares_due = self._by_rate(exact), self._by_rate(exact_due)
        back_due: list[Share] | None = None
        if amount := _amount(shares_due):
            behind = [ahead.times(-1) for ahead in self._ahead_due()]
            back_due, behind_after = _moved(amount, shares_due, behind, self._due(), downwards=True)
            self.ahead_due = None if behind_after is None else [after.times(-1) for after in behind_after]
            self.due = left_of(self._due(), back_due)
            self.waiting = _sum(self._waiting(), back_due)
        behind = [ahead.times(-1) for ahead in self._ahead()]
        back, behind_after = _moved(_amount(shares), shares, behind, self._waiting(), downwards=True)
        self.ahead = None if behind_after is None else [after.times(-1) for after in behind_after]
        self.waiting = _unless_nothing(left_of(self._waiting(), back))
        self.open = _sum(self.open, back)
        rows = _rows(back, back_due, shares)
        if back_due is not None:
            rows = [
                row._replace(exact_due=None if share.is_just(row.base_due, row.vat_due) else share)
                for row, share in zip(rows, shares_due, strict=True)
            ]
        return [_taken_back(row) for row in rows]

    def _fall_due(self, amount: int, exact: Sequence[Exact]) -> list[Share]:
        due, self.ahead_due = _moved(amount, exact, self._ahead_due(), self._waiting())
        self.waiting = _unless_nothing(left_of(self._waiting(), due))
        self.due = _sum(self._due(), due)
        return due

    def _by_rate(self, exact: Mapping[int, Exact]) -> list[Exact]:
        return [exact.get(share.rate, ZERO) for share in self.open]

    def _waiting(self) -> list[Share]:
        return self.waiting or [Share(share.rate, 0, 0) for share in self.open]

    def _due(self) -> list[Share]:
        return self.due or [Share(share.rate, 0, 0) for share in self.open]

    def _ahead(self) -> list[Exact]:
        return self.ahead or [ZERO] * len(self.open)

    def _ahead_due(self) -> list[Exact]:
        return self.ahead_due or [ZERO] * len(self.open)


def _moved(
    amount: int,
    exact: Sequence[Exact],
    ahead: Sequence[Exact],
    most: Sequence[Share],
    *,
    downwards: bool = False,
) -> tuple[list[Share], list[Exact] | None]:
    """Return what an act moves at each rate, and how far the exact sums are ahead after it; None: nowhere.

    VAT is what the rounded sum becomes less what it was; the base takes the rest of the amount. Neither is below zero
    nor above `most`. A sum that goes `downwards` rounds its halves down, so that it stays the rounding of what is left.
    """
    wanted = [share.plus(before) for share, before in zip(exact, ahead, strict=True)]
    bases_most = [share.base for share in most]
    rounded = [-nearest(-share.vat) if downwards else nearest(share.vat) for share in wanted]
    vats = [min(max(vat, 0), share.vat) for vat, share in zip(rounded, most, strict=True)]
    within = min(max(sum(vats), amount - sum(bases_most)), amount)
    vats = _fitted(vats, [share.vat for share in wanted], [share.vat for share in most], within)
    bases = [min(max(share.base.__floor__(), 0), room) for share, room in zip(wanted, bases_most, strict=True)]
    bases = _fitted(bases, [share.base for share in wanted], bases_most, amount - within)
    moved = [Share(share.rate, base, vat) for share, base, vat in zip(most, bases, vats, strict=True)]
    after = [share.plus(Exact.of(-m.base, -m.vat)) for share, m in zip(wanted, moved, strict=True)]
    return moved, None if all(share == ZERO for share in after) else after


def _fitted(parts: list[int], wanted: Sequence[Fraction], most: Sequence[int], total: int) -> list[int]:
    """Return parts that make up a total, none below zero or above its most.

    Those farthest from what is wanted give way: a centime each first, then wherever there is room.
    """
    parts = list(parts)
    for at_once in (1, None):
        lacking = total - sum(parts)
        sign = 1 if lacking > 0 else -1
        for index in sorted(range(len(parts)), key=lambda index: (sign * (parts[index] - wanted[index]), index)):
            room = most[index] - parts[index] if sign > 0 else parts[index]
            step = min(abs(lacking), room, room if at_once is None else at_once)
            parts[index] += sign * step
            lacking -= sign * step
    return parts


def _rows(taken: Sequence[Share], due: Sequence[Share] | None, exact: Sequence[Exact]) -> list[Moved]:
    """Return what was moved by rate, with its exact shares where they differ."""
    return [
        Moved(
            *share,
            0 if due is None else due[index].base,
            0 if due is None else due[index].vat,
            None if exact[index].is_just(share.base, share.vat) else exact[index],
            None if due is None or exact[index].is_just(due[index].base, due[index].vat) else exact[index],
        )
        for index, share in enumerate(taken)
    ]


def _taken_back(row: Moved) -> Moved:
    rate, base, vat, base_due, vat_due, exact, exact_due = row
    return Moved(
        rate, -base, -vat, -base_due, -vat_due, exact and exact.times(-1), exact_due and exact_due.times(-1)
    )  # fmt: skip


def _amount(shares: Iterable[Exact]) -> int:
    """Return the whole centimes that exact shares make up."""
    total = sum((share.base + share.vat for share in shares), Fraction(0))
    if total.denominator != 1:
        raise ValueError(f"shares make up {total}, no whole centimes")
    return total.numerator


def _unless_nothing(shares: list[Share]) -> list[Share] | None:
    return shares if any(share.base or share.vat for share in shares) else None


def _sum(shares: Sequence[Share], others: Sequence[Share]) -> list[Share]:
    return [Share(s.rate, s.base + o.base, s.vat + o.vat) for s, o in zip(shares, others, strict=True)]
