"""The settings of dunning on a day, read from the dated terms and judged: what can't be is refused by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.frame.errors import BadConfiguration
from billing.frame.terms import VARIABLE, Terms
from pricing.dunning.late_payment import FineRates
from pricing.money import AMOUNT_DECIMALS, RATE_DECIMALS, parse_decimal

EVERYBODY = "*"
# So many steps, and so far from the due date: what a letter a person reads can mean.
STEPS_MAX = 12
DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a day's dunning: ladders by `tenant/CODE`, `site/CODE` or `*`; the least amount in centimes."""

    ladders: Mapping[str, tuple[int, ...]]
    least: int

    def ladder(self, tenant: str, site: str | None) -> tuple[int, ...]:
        """Return the days of the steps of an invoice: its tenant's, else its site's, else everybody's."""
        for key in (f"tenant/{tenant}", f"site/{site}", EVERYBODY):
            if key in self.ladders:
                return self.ladders[key]
        return ()


def policy_at(terms: Terms, on: date) -> Policy:
    """Return the settings that count on a day. Raises BadConfiguration."""
    ladders = {key: _ladder(key, days) for key, days in terms.at("dunning.ladder", on).items()}
    least = _decimal("dunning.least_amount", terms.at("dunning.least_amount", on), AMOUNT_DECIMALS)
    return Policy(ladders, least)


def is_automatic(terms: Terms, on: date) -> bool:
    """Return whether the clock sends what is due."""
    return bool(terms.at("dunning.by_the_clock", on))


def fine_rates(terms: Terms, due_on: date, issued_on: date, gross: int) -> FineRates | None:
    """Return the rates of the fine on an invoice that was due on a day; None where the law knew none, or excepts it.

    They are those of the day on which the delay begins.
    """
    begins = date.fromordinal(due_on.toordinal() + 1)
    if begins < terms.versions["fine.key_rate"][0].effective_from:
        return None
    exempt = _decimal("fine.exempt_gross", terms.at("fine.exempt_gross", issued_on), AMOUNT_DECIMALS)
    if gross <= exempt:
        return None
    first, further = (
        _decimal(name, terms.at(name, begins), RATE_DECIMALS) for name in ("fine.key_rate", "fine.further_month")
    )
    return FineRates(first, further)


def _ladder(key: str, days: Any) -> tuple[int, ...]:
    whole = isinstance(days, list) and all(isinstance(number, int) and not isinstance(number, bool) for number in days)
    if key != EVERYBODY and not key.startswith(("tenant/", "site/")):
        raise BadConfiguration(f"{VARIABLE}: dunning.ladder: {key} is none of *, site/CODE, tenant/CODE")
    if (
        not whole
        or days != sorted(set(days))
        or len(days) > STEPS_MAX
        or any(abs(number) > DAYS_MAX for number in days)
    ):
        raise BadConfiguration(
            f"{VARIABLE}: dunning.ladder of {key} must be at most {STEPS_MAX} whole numbers, ascending, from "
            f"-{DAYS_MAX} to {DAYS_MAX}: days from the due date, as [-3, 3, 15, 30]; [] reminds of nothing"
        )
    return tuple(days)


def _decimal(name: str, text: Any, decimals: int) -> int:
    try:
        value = parse_decimal(text, decimals)
    except ValueError:
        value = -1
    if value < 0:
        raise BadConfiguration(f'{VARIABLE}: {name} is {text!r}: write a decimal between quotes, as "0.0225"')
    return value
