"""The law on cash on a day: the limit, the two notices, the stamp duty. Pure; amounts in centimes.

A seller paid 20 000 DH or more in cash is fined (CGI art. 193); a buyer deducts what it pays in cash up to 5 000 DH
a day and 50 000 DH a month a supplier (art. 11); an acquittance for cash bears a stamp duty of 0.25 %
(law.md section 3). All of it is dated settings (`terms.toml`, section `cash`).
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.frame.errors import BadConfiguration, Fault
from billing.frame.terms import VARIABLE, Terms
from pricing.money import AMOUNT_DECIMALS, RATE_DECIMALS, RATE_SCALE, format_amount, parse_decimal, settle

DAY, MONTH = "day", "month"


class Taken(NamedTuple):
    """The cash that a tenant has paid already, on the day and in its month, in centimes."""

    day: int
    month: int


class Notice(NamedTuple):
    """A threshold that a receipt goes beyond, of a `day` or a `month`: the buyer's deduction is capped at it."""

    span: str
    threshold: int


@dataclass(frozen=True, slots=True)
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

    def refusal(self, amount: int, taken: Taken) -> Fault | None:
        """Say why so much cash can't be taken, the tenant's cash of the day counted in; None if it can."""
        if amount + taken.day < self.limit:
            return None
        before = f" on top of {format_amount(taken.day)} taken the same day" if taken.day else ""
        return Fault(
            "cash",
            None,
            "amount",
            format_amount(amount),
            f"cannot be taken in cash{before}: a seller paid {format_amount(self.limit)} DH or more in cash "
            "is fined 6 % (CGI art. 193)",
            f"ask for a cheque or a transfer; less than {format_amount(max(self.limit - taken.day, 0))} can be taken",
        )

    def notices(self, amount: int, taken: Taken) -> tuple[Notice, ...]:
        """Return the thresholds of deduction (CGI art. 11) that the day's or the month's cash goes beyond with this."""
        reached = (
            (DAY, self.day_threshold, taken.day + amount),
            (MONTH, self.month_threshold, taken.month + amount),
        )
        return tuple(Notice(span, threshold) for span, threshold, total in reached if total > threshold)


def cash_rules(terms: Terms, on: date) -> CashRules:
    """Return the rules that count on a day; raises BadConfiguration."""
    return CashRules(
        limit=_scaled(terms, "cash.limit", on, AMOUNT_DECIMALS),
        day_threshold=_scaled(terms, "cash.deductible_a_day", on, AMOUNT_DECIMALS),
        month_threshold=_scaled(terms, "cash.deductible_a_month", on, AMOUNT_DECIMALS),
        stamp_rate=_scaled(terms, "cash.stamp_duty_rate", on, RATE_DECIMALS),
        stamp_on_top=terms.at("cash.stamp_duty_on_top", on),
    )


def _scaled(terms: Terms, name: str, on: date, decimals: int) -> int:
    text = terms.at(name, on)
    try:
        scaled = parse_decimal(text, decimals)
    except ValueError as error:
        raise BadConfiguration(f"{VARIABLE}: {name} is {text!r}: it {error}") from None
    if scaled < 0:
        raise BadConfiguration(f"{VARIABLE}: {name} is {text!r}: it must not be negative")
    return scaled
