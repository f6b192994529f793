"""Exact running shares of what settles a document and of what falls due, rounded once (R26, W12)."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.running_shares import Exact, Moved, RunningShares
from pricing.vat_shares import Share, taken_of, whole


def due(rows: list[Moved]) -> int:
    """The VAT that fell due by an act."""
    return sum(row.vat_due for row in rows)


@pytest.mark.parametrize(
    ("base", "vat", "parts", "expected"),
    [
        # 400 receipts of 0.02 on an invoice of 3,480.00: 8.00 of it, VAT 1.33 (E6).
        (290_000, 58_000, [2] * 400, 133),
        # W12: twelve times 100.00 as once 1,200.00.
        (665_900, 126_040, [10_000] * 12, 19_098),
        (665_900, 126_040, [120_000], 19_098),
        (5, 1, [1] * 6, 1),
        (0, 7, [1] * 7, 7),
    ],
)
def test_r26_what_falls_due_does_not_depend_on_the_number_of_payments(
    base: int, vat: int, parts: list[int], expected: int
) -> None:
    running = RunningShares([Share(2000, base, vat)])
    assert sum(due(running.settle(part, falls_due=True)) for part in parts) == expected


def test_r26_a_cheque_counts_in_what_is_open_and_in_what_is_due_once_cleared() -> None:
    running = RunningShares([Share(2000, 290_000, 58_000)])
    (cheque,) = running.settle(3, falls_due=False)
    assert (cheque.base, cheque.vat, cheque.base_due, cheque.vat_due) == (2, 1, 0, 0)
    # The two sums round by themselves: 0.5 + 0.5 of what is settled, 0.5 of what is due.
    (money,) = running.settle(3, falls_due=True)
    assert (money.base, money.vat, money.base_due, money.vat_due) == (3, 0, 2, 1)
    (cleared,) = running.fall_due({2000: cheque.exact or Exact.of(2, 1)})
    assert (cleared.base, cleared.vat, cleared.base_due, cleared.vat_due) == (0, 0, 3, 0)


def test_r26_an_undoing_takes_its_exact_share_out() -> None:
    running = RunningShares([Share(2000, 290_000, 58_000)])
    acts = [running.settle(2, falls_due=True)[0] for _ in range(4)]
    assert [row.vat_due for row in acts] == [0, 1, 0, 0]
    # 8/6 of a centime less 2/6 is 1: nothing goes back; less 4/6 is 0.67: nothing; less 6/6 is 0.33: the centime does.
    shares = [{2000: row.exact or Exact.of(row.base, row.vat)} for row in acts]
    assert [due(running.undo(share, share)) for share in shares] == [0, 0, -1, 0]
    assert running.open == [Share(2000, 290_000, 58_000)]


_RATES = (1000, 2000, 0)
_ACT = st.tuples(st.sampled_from(("money", "money", "cheque", "clear", "undo", "note", "loss")), st.integers(1, 100))


class Model:
    """What a person with exact fractions would keep, rate by rate."""

    def __init__(self, shares: list[Share]) -> None:
        self.of = {share.rate: share for share in shares}
        # Each act: its exact VAT and base by rate, its amount, and whether it has fallen due, or never will (None).
        self.acts: list[tuple[dict[int, Exact], int, bool | None]] = []

    def open(self) -> int:
        return whole(self.of.values()) - sum(amount for _, amount, _ in self.acts)

    def share(self, amount: int) -> dict[int, Exact]:
        gross = self.open()
        shares = {}
        for rate, share in self.of.items():
            base = share.base - sum((act[rate].base for act, _, _ in self.acts if rate in act), Fraction(0))
            vat = share.vat - sum((act[rate].vat for act, _, _ in self.acts if rate in act), Fraction(0))
            shares[rate] = Exact(base * amount / gross, vat * amount / gross)
        return shares

    def sums(self, only_due: bool) -> dict[int, Fraction]:
        """The exact VAT settled, or fallen due, by rate."""
        return {
            rate: sum(
                (a[rate].vat for a, _, is_due in self.acts if rate in a and (is_due or not only_due)), Fraction(0)
            )
            for rate in self.of
        }


def _stored(rows: list[Moved]) -> dict[int, Exact]:
    return {row.rate: row.exact or Exact.of(row.base, row.vat) for row in rows}


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=3), st.lists(_ACT, max_size=25))
def test_r26_any_acts_move_the_exact_share_rounded_once(bases: list[int], acts: list[tuple[str, int]]) -> None:
    shares = [Share(r, base, (base * r + 5_000) // 10_000) for r, base in zip(_RATES, bases, strict=False)]
    running, model = RunningShares(list(shares)), Model(shares)
    settled: Counter[int] = Counter()
    fallen_due: Counter[int] = Counter()
    only_money = True
    for kind, number in acts:
        rows: list[Moved] = []
        amount = max(model.open() * number // 100, 1) if number % 2 else min(number, model.open())
        if kind in ("money", "cheque") and model.open():
            exact = model.share(amount)
            rows = running.settle(amount, falls_due=kind == "money")
            assert _stored(rows) == exact
            model.acts.append((exact, amount, kind == "money"))
        elif kind in ("note", "loss") and model.open():
            only_money = False
            taken = taken_of(running.open, amount)
            rows = running.take(taken, falls_due=kind == "note")
            whole_centimes = {share.rate: Exact.of(share.base, share.vat) for share in taken}
            model.acts.append((whole_centimes, amount, True if kind == "note" else None))
        elif kind == "clear" and (waiting := [x for x in model.acts if x[2] is False]):
            act = waiting[number % len(waiting)]
            rows = running.fall_due(act[0])
            model.acts[model.acts.index(act)] = (act[0], act[1], True)
            assert sum(row.base_due + row.vat_due for row in rows) == act[1]
        elif kind == "undo" and (standing := [x for x in model.acts if x[2] is not None]):
            act = standing[number % len(standing)]
            rows = running.undo(act[0], act[0] if act[2] else {})
            model.acts.remove(act)
            assert sum(row.base + row.vat for row in rows) == -act[1]
        sign = -1 if kind == "undo" else 1
        for row in rows:
            # Never below zero; an undoing never takes more.
            assert min(sign * part for part in (row.base, row.vat, row.base_due, row.vat_due)) >= 0
            settled[row.rate] += row.vat
            fallen_due[row.rate] += row.vat_due
        for share, left in zip(shares, running.open, strict=True):
            assert 0 <= left.base <= share.base
            assert 0 <= fallen_due[share.rate] <= settled[share.rate] == share.vat - left.vat
        # Rounded once; where an act of hardly a centime concerns several rates, or notes took whole centimes, a sum
        # may lag behind, never by a whole one.
        within = Fraction(1, 2) if len(shares) == 1 and only_money else 1
        for sums, moved in ((model.sums(False), settled), (model.sums(True), fallen_due)):
            assert all(abs(exact - moved[rate]) <= within for rate, exact in sums.items())
    for act in [x for x in model.acts if x[2] is False]:
        running.fall_due(act[0])
    running.settle(whole(running.open), falls_due=True)
    assert whole(running.open) == 0
    assert running.waiting is None


def test_an_exact_share_is_stored_as_it_is() -> None:
    share = Exact(Fraction(5, 3), Fraction(1, 4))
    assert str(share) == "20 3 12"
    assert Exact.parse("20 3 12") == share
    with pytest.raises(ValueError, match="not enough values"):
        Exact.parse("20 3")
