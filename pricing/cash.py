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
    """The cash a tenant has paid already, on the day and in its month, in centimes."""

    day: int
    month: int


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

    def allow(self, amount: int, taken: Taken) -> bool:
        """Return whether so much cash may be taken, the day's cash of the same tenant counted in."""
        return amount + taken.day < self.limit

    def notices(self, amount: int, taken: Taken) -> tuple[Notice, ...]:
        """Return the thresholds of deduction (CGI art. 11) that the day's or the month's cash goes beyond with this."""
        reached = (
            (DAY, self.day_threshold, taken.day + amount),
            (MONTH, self.month_threshold, taken.month + amount),
        )
        return tuple(Notice(span, threshold) for span, threshold, total in reached if total > threshold)
