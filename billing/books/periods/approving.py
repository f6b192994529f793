"""Reopening a closed month may have to wait for a second person (R23)."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.books.periods.closing import reopen_period
from pricing.period import format_month


class Reopening(NamedTuple):
    """The month closed last, to be reopened, and why."""

    month: date
    reason: str


def _carry_out(connection: Connection, order: Reopening, circumstances: Circumstances) -> Done:
    found = reopen_period(connection, order.month, order.reason, recorded_at=circumstances.recorded_at)
    period = format_month(order.month)
    effect = {
        "period": period,
        "reason": order.reason,
        "closed_through": found.closed_through,
        "open_through": found.open_through,
        "digest": found.digest,
    }
    return Done(period, effect, answer=found)


REOPENING = Orderable("reopen_period", Reopening, _carry_out)
ORDERS = (REOPENING,)
