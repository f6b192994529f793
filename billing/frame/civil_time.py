"""Civil days in Africa/Casablanca (R2), instants in UTC, and the clock that is handed in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import TypeAlias, overload
from zoneinfo import ZoneInfo

TIME_ZONE = "Africa/Casablanca"

# Gives the present instant, in UTC.
Clock: TypeAlias = Callable[[], datetime]


def today(now: datetime) -> date:
    """Return the civil day in Casablanca at a UTC instant (R2)."""
    return now.astimezone(ZoneInfo(TIME_ZONE)).date()


@overload
def utc(at: datetime) -> datetime: ...
@overload
def utc(at: None) -> None: ...
def utc(at: datetime | None) -> datetime | None:
    """Return an instant in UTC: SQLite leaves its zone out, PostgreSQL gives it in the zone of its server."""
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def midnight(day: date) -> datetime:
    """Return the UTC instant at which a civil day begins in Casablanca."""
    return datetime.combine(day, time(), ZoneInfo(TIME_ZONE)).astimezone(UTC)
