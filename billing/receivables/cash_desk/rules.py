"""The rules of cash that count on a day, from dated settings (`terms.toml`, section `cash`), and what they refuse."""

from datetime import date

from billing.frame.errors import BadConfiguration, Fault
from billing.frame.terms import VARIABLE, Terms
from pricing.cash import CashRules, Taken
from pricing.money import AMOUNT_DECIMALS, RATE_DECIMALS, format_amount, parse_decimal


def refusal(rules: CashRules, amount: int, taken: Taken) -> Fault | None:
    """Return why so much cash can't be taken, the day's cash of the same tenant counted in; None if it can.

    The stamp duty counts too, where the payer bears it: it comes into the till with the rest.
    """
    if rules.allow(amount, taken):
        return None
    before = f" on top of {format_amount(taken.day)} taken the same day" if taken.day else ""
    duty = rules.collected(amount) - amount + taken.duty
    with_duty = f", with {format_amount(duty)} of stamp duty" if duty else ""
    return Fault(
        "cash",
        None,
        "amount",
        format_amount(amount),
        f"cannot be taken in cash{before}{with_duty}: a seller paid {format_amount(rules.limit)} DH or more in cash "
        "is fined 6 % (CGI art. 193)",
        f"ask for a cheque or a transfer; at most {format_amount(rules.most(taken))} can be taken",
    )


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
