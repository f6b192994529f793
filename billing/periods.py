"""When months and years may be closed: what must be done before, and the acts that record it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from billing.acts import record_change, require_reason
from billing.errors import PeriodRefused
from billing.models import billing_run
from ledger.periods import Closing, close_month, last_day, limits, reopen_month
from pricing.period import format_month


def close_period(
    connection: Connection, month: date, *, today: date, recorded_at: datetime, open_months_max: int
) -> Closing:
    """Close a month that has ended and whose run is finished; `recorded_at` is a UTC instant.

    Raises PeriodRefused, and what `ledger.periods.close_month` raises.
    """
    if last_day(month) >= today:
        raise PeriodRefused(f"{format_month(month)} has not ended: close it once it has")
    c = billing_run.c
    under_way = connection.execute(select(c.period, c.issued_on).where(c.status != "complete")).one_or_none()
    if under_way is not None and under_way.issued_on <= last_day(month):
        run = format_month(under_way.period)
        raise PeriodRefused(f"the run of {run} was interrupted: finish it first with `technopark-billing run {run}`")
    before = _standing(connection)
    found = close_month(connection, month, recorded_at=recorded_at, open_months_max=open_months_max)
    record_change(connection, "periods", format_month(month), before, _standing(connection) | {"digest": found.digest})
    return found


def reopen_period(connection: Connection, month: date, *, recorded_at: datetime) -> Closing:
    """Reopen the month closed last, for the reason its act bears; `recorded_at` is a UTC instant.

    Raises ReasonRequired, PeriodOutOfOrder.
    """
    reason = require_reason(connection, f"reopening {format_month(month)}")
    before = _standing(connection)
    found = reopen_month(connection, month, reason=reason, recorded_at=recorded_at)
    record_change(connection, "periods", format_month(month), before, _standing(connection))
    return found


def _standing(connection: Connection) -> dict[str, Any]:
    return {name: None if day is None else day.isoformat() for name, day in limits(connection)._asdict().items()}
