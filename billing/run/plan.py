"""The one decision about a month: it begins, is resumed, tried again, or is final (R14); runs and previews share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from sqlalchemy import Connection, select

from billing.frame.errors import RunRefused
from billing.register.tables import billing_run, tenant
from billing.run.facts import Scope
from billing.run.tables import run_batch, run_outcome
from invoices.numbering import require_issue_date
from ledger.periods import require_open
from pricing.period import add_months, first_of_month, format_month

# Large enough that what a transaction costs by itself is spread thin, small enough to show progress and free locks.
BATCH_TENANTS = 2500
MONTHS_AHEAD_MAX = 60
# Beyond it due dates leave the calendar.
ISSUE_YEAR_MAX = 2200


@dataclass(frozen=True, slots=True)
class _Open:
    """A month with something to do: the day its documents bear, the attempt that issues them, whom it bills.

    `standing` is the waterfall of the attempt before, as exported; None where none was posted.
    """

    issued_on: date
    attempt: int
    batches: Sequence[Scope]
    standing: str | None = None


class Begin(_Open):
    """The month has not been run: all tenants are billed."""


class Resume(_Open):
    """The run was interrupted: the batches that are open are done, on the day it began with."""


class Retry(_Open):
    """The run is complete but for tenants that were in error: these are billed."""


class Final:
    """The run is complete: nothing more is issued."""


Plan: TypeAlias = Begin | Resume | Retry | Final


def plan_of(connection: Connection, period: date, day: date, issued_on: date | None = None) -> Plan:
    """Decide what running the month on `day` means. Raises RunRefused, IssueDateGoesBack, and for a closed day.

    Documents are issued on that day unless `issued_on` names another; a run once begun keeps its own.
    """
    latest = connection.execute(select(billing_run).order_by(billing_run.c.period.desc()).limit(1)).one_or_none()
    _require_turn(period, None if latest is None else latest.period, day)
    if latest is not None and period > latest.period and latest.status != "complete":
        month = format_month(latest.period)
        raise RunRefused(f"the run of {month} was interrupted: finish it first with `technopark-billing run {month}`")
    if latest is None or period > latest.period:
        codes = connection.scalars(select(tenant.c.code).order_by(tenant.c.code)).all()
        return Begin(_issue_day(connection, issued_on or day), 1, _batches(period, 1, codes))
    if latest.status != "complete":
        return Resume(latest.issued_on, latest.attempt, _open_batches(connection, period), latest.cross_subsidy)
    o = run_outcome.c
    in_error = connection.scalars(
        select(o.tenant).where(o.period == period, o.status == "error").order_by(o.tenant)
    ).all()
    if not in_error:
        return Final()
    attempt = latest.attempt + 1
    day_of_issue = _issue_day(connection, issued_on or day)
    return Retry(day_of_issue, attempt, _batches(period, attempt, in_error), latest.cross_subsidy)


def _require_turn(period: date, latest: date | None, day: date) -> None:
    """Refuse a month that is not in its turn: before the latest run, or so late that it can't be meant."""
    since = first_of_month(day) if latest is None else latest
    if period > add_months(since, MONTHS_AHEAD_MAX):
        # A slip of the pen, 2062 for 2026, would bill all the years between, for good.
        raise RunRefused(
            f"{format_month(period)} is more than {MONTHS_AHEAD_MAX} months after {format_month(since)}, "
            f"{'the present month' if latest is None else 'the latest run'}: check the year"
        )
    if latest is not None and period < latest:
        raise RunRefused(
            f"{format_month(period)} comes before {format_month(latest)}, the latest run: "
            f"what is missing there will be billed by the run of the next month"
        )


def _issue_day(connection: Connection, issued_on: date) -> date:
    """Give the day back if documents can be issued on it; before the run begins, for a run once begun keeps its day."""
    if issued_on.year > ISSUE_YEAR_MAX:
        raise RunRefused(f"{issued_on} is no issue date: give a day up to the year {ISSUE_YEAR_MAX}")
    require_issue_date(connection, issued_on)
    require_open(connection, issued_on)
    return issued_on


def _batches(period: date, attempt: int, codes: Sequence[str]) -> list[Scope]:
    """Lay out the tenants in batches, by code."""
    batches = [codes[start : start + BATCH_TENANTS] for start in range(0, len(codes), BATCH_TENANTS)]
    return [Scope(period, batch[0], batch[-1], only_errors=attempt > 1) for batch in batches]


def _open_batches(connection: Connection, period: date) -> list[Scope]:
    """Return the batches of a run that are still to be done."""
    c = run_batch.c
    rows = connection.execute(
        select(c.first_tenant, c.last_tenant, c.attempt)
        .where(c.period == period, c.status == "open")
        .order_by(c.attempt, c.batch_no)
    )
    return [Scope(period, first, last, only_errors=attempt > 1) for first, last, attempt in rows]
