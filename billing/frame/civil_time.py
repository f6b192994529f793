"""Civil days in Africa/Casablanca (R2), and the clock that is handed in."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

TIME_ZONE = "Africa/Casablanca"

# Gives the present instant, in UTC.
Clock: TypeAlias = Callable[[], datetime]


def today(now: datetime) -> date:
    """Return the civil day in Casablanca at a UTC instant (R2)."""
    return now.astimezone(ZoneInfo(TIME_ZONE)).date()
