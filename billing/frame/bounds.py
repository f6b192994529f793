"""How far ahead of today a day may lie that books or binds for good: a year mistyped must not stand for ever (R14)."""

from datetime import date, timedelta
from typing import NamedTuple

from billing.frame.errors import Fault, Refused

# What happened: money moved, a decision was taken, an account was closed, a certificate was written.
PAST_DAYS_AHEAD_MAX = 0
# Documents, letters and grants may be prepared; nothing else could be issued before them meanwhile (R15).
PREPARED_DAYS_AHEAD_MAX = 31
# A room is booked, and a clause agreed, up to a year ahead.
AGREED_DAYS_AHEAD_MAX = 366


class TooFarAhead(NamedTuple):
    """Why a day is refused, and what to do: the last two parts of a fault."""

    problem: str
    remedy: str


def too_far_ahead(day: date, today: date, days_max: int) -> TooFarAhead | None:
    """Return what is wrong with a day more than `days_max` days after today in Casablanca; None where nothing is."""
    latest = today + timedelta(days=days_max)
    if day <= latest:
        return None
    problem = f"is more than {days_max} days after today, {today}" if days_max else "is still to come"
    return TooFarAhead(problem, f"check the year: give {latest} or a day before")


def require_near(subject: str, column: str, day: date, today: date, days_max: int) -> None:
    """Raise Refused for a day too far ahead; `subject` and `column` name it."""
    wrong = too_far_ahead(day, today, days_max)
    if wrong is not None:
        raise Refused([Fault(subject, None, column, str(day), *wrong)])
