"""The month by the clock: which one is due, and running it; what can't be done is tried again the next hour."""

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from billing.frame.civil_time import TIME_ZONE
from billing.frame.database import reading
from billing.frame.errors import RunRefused
from billing.frame.jobs import NAMED_MAX, Job, JobContext, Say, Timetable
from billing.register.tables import billing_run, lease, usage_event
from billing.run.month import run_month
from billing.run.report import RunReport
from pricing.period import first_of_month, format_month, next_month


class Standing(NamedTuple):
    """The state of billing: the latest run and whether it is complete; whether there is anything to bill."""

    latest: date | None
    is_complete: bool
    has_facts: bool


def due_period(now: datetime, run_day: int, run_hour: int) -> date:
    """Return the latest month whose run is due at an instant, as its first day.

    The run of a month is due from `run_hour` o'clock of its `run_day`, by the clocks of Casablanca
    (UTC+1, and UTC+0 during Ramadan; R2).
    """
    here = now.astimezone(ZoneInfo(TIME_ZONE))
    this_month = first_of_month(here.date())
    if (here.day, here.hour) >= (run_day, run_hour):
        return this_month
    return first_of_month(this_month - timedelta(days=1))


def month_to_run(standing: Standing, due: date) -> date | None:
    """Return the month to be run now, or None: one that was interrupted first, then the one that is due.

    Months run one after the other, none is skipped (R14). Before anything has been entered there is nothing to
    run: the first run fixes where billing begins (R12).
    """
    if standing.latest is None:
        return due if standing.has_facts else None
    if standing.latest > due:
        return None
    if not standing.is_complete:
        return standing.latest
    return next_month(standing.latest) if due > standing.latest else None


def bring_up_to_date(
    standing_now: Callable[[], Standing], run: Callable[[date], RunReport], due: date, say: Say
) -> None:
    """Run the months that are due. Raises what `run` raises, unless another process has brought billing further."""
    before = None
    while (standing := standing_now()) != before and (period := month_to_run(standing, due)) is not None:
        before = standing
        try:
            _say_run(run(period), say)
        except RunRefused:
            # Another process may have brought billing further meanwhile: then all is well.
            if standing_now() == standing:
                raise


def _say_run(report: RunReport, say: Say) -> None:
    month, errors = format_month(report.period), report.errors
    for tenant, reason in errors[:NAMED_MAX]:
        say(logging.WARNING, "not billed", month=month, tenant=tenant, reason=reason)
    outcome = "done" if report.issued_now else "done by another"
    level = logging.WARNING if errors else logging.INFO
    say(level, outcome, month=month, result=report.lines(), not_billed=len(errors))


def read_standing(connection: Connection) -> Standing:
    """Return how far billing has come."""
    c = billing_run.c
    latest = connection.execute(select(c.period, c.status).order_by(c.period.desc()).limit(1)).one_or_none()
    has_facts = any(
        connection.scalar(select(key).limit(1)) is not None for key in (lease.c.code, usage_event.c.event_id)
    )
    if latest is None:
        return Standing(None, False, has_facts)
    return Standing(latest.period, latest.status == "complete", has_facts)


def _run_what_is_due(context: JobContext) -> None:
    settings, clock = context.settings, context.clock

    def standing_now() -> Standing:
        with reading(context.engine) as connection:
            return read_standing(connection)

    def run(period: date) -> RunReport:
        return run_month(settings, context.acting(f"run {format_month(period)}"), period, clock=clock)

    bring_up_to_date(standing_now, run, due_period(clock(), settings.run_day, settings.run_hour), context.say)


# The month is looked at every full hour, not only at `run_hour`: what failed is tried again.
JOBS = (Job("run", Timetable(), _run_what_is_due),)
