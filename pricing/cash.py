"""The law on cash: the limit of a day, the payer's two thresholds of deduction, the stamp duty; amounts in centimes.

A seller paid 20 000 DH or more in cash is fined (CGI art. 193); a buyer deducts what it pays in cash up to 5 000 DH
a day and 50 000 DH a month a supplier (art. 11); an acquittance for cash bears a stamp duty of 0.25 %
(law.md section 3).
"""

from dataclasses import dataclass
from typing import NamedTuple

from pricing.money import RATE_SCALE, settle

DAY, MONTH = "day", "month"


class Taken(NamedTuple):
    """The cash a tenant has paid already, on the day and in its month, in centimes; `duty` is the day's stamp duty."""

    day: int
    month: int
    duty: int = 0


class Notice(NamedTuple):
    """A threshold that a receipt goes beyond, of a `day` or a `month`: the buyer's deduction is capped at it."""

    span: str
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CashRules:
    """The rules of one day. `stamp_on_top`: the duty is asked of the payer beside what is owed."""

    limit: int
    day_threshold: int
    month_threshold: int
    stamp_rate: int
    stamp_on_top: bool

    def stamp_duty(self, amount: int) -> int:
        """Return the stamp duty on an acquittance of `amount`, rounded once: 1 234.56 DH give 3.09."""
        return settle(amount * self.stamp_rate, RATE_SCALE)

    def collected(self, amount: int) -> int:
        """Return what the till takes for `amount`: the stamp duty too, where the payer bears it."""
        return amount + (self.stamp_duty(amount) if self.stamp_on_top else 0)

    def allow(self, amount: int, taken: Taken) -> bool:
        """Return whether so much cash may be taken, the day's cash of the same tenant and its stamp duty counted in."""
        return self.collected(amount) + taken.day + taken.duty < self.limit

    def most(self, taken: Taken) -> int:
        """Return the most that may be taken on top of what the same tenant has paid."""
        room = max(self.limit - taken.day - taken.duty, 0)
        amount = room * RATE_SCALE // (RATE_SCALE + self.stamp_rate) if self.stamp_on_top else room
        # Rounding may leave room for a centime more, or less.
        amount += 1
        while amount and not self.allow(amount, taken):
            amount -= 1
        return amount

    def notices(self, amount: int, taken: Taken) -> tuple[Notice, ...]:
        """Return the thresholds of deduction (CGI art. 11) that the day's or the month's cash goes beyond with this."""
        reached = (
            (DAY, self.day_threshold, taken.day + amount),
            (MONTH, self.month_threshold, taken.month + amount),
        )
        return tuple(Notice(span, threshold) for span, threshold, total in reached if total > threshold)
