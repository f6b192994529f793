"""Civil days in Africa/Casablanca (R2), and the clock that is handed in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import TypeAlias
from zoneinfo import ZoneInfo

TIME_ZONE = "Africa/Casablanca"

# Gives the present instant, in UTC.
Clock: TypeAlias = Callable[[], datetime]


def today(now: datetime) -> date:
    """Return the civil day in Casablanca at a UTC instant (R2)."""
    return now.astimezone(ZoneInfo(TIME_ZONE)).date()


def midnight(day: date) -> datetime:
    """Return the UTC instant at which a civil day begins in Casablanca."""
    return datetime.combine(day, time(), ZoneInfo(TIME_ZONE)).astimezone(UTC)
