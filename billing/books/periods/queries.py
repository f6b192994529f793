"""The accounting periods as they stand, for the API."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, select

from billing.books.periods.shapes import Closing, Period
from ledger.models import period_act
from ledger.periods import last_day, limits
from pricing.period import format_month

CLOSING_KEY = (period_act.c.id,)


def closings() -> Select[Any]:
    """Select every closing and reopening of a month."""
    return select(period_act)


def period_shape(connection: Connection, month: date) -> Period:
    """Return whether a month is open, with its closings and reopenings."""
    of_month = closings().where(period_act.c.month == month).order_by(period_act.c.id)
    history = [Closing.of(row) for row in connection.execute(of_month)]
    through = limits(connection).closed_through
    is_closed = through is not None and last_day(month) <= through
    return Period(
        period=format_month(month),
        state="closed" if is_closed else "open",
        digest=history[-1].digest if is_closed and history else None,
        history=history,
    )
