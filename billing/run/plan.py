"""The one decision about a month: it begins, is resumed, tried again, or is final (R14); runs and previews share it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, select

from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.errors import Fault, Refused, RunRefused
from billing.register.tables import billing_run, tenant
from billing.run.facts import Scope
from billing.run.tables import run_batch, run_outcome
from invoices.numbering import latest_issue_date, require_issue_date
from ledger.errors import PeriodClosed, PeriodNotYetOpen
from ledger.openings import taken_on
from ledger.periods import require_open
from pricing.period import add_months, first_of_month, format_month, months, next_month

# Large enough that what a transaction costs by itself is spread thin, small enough to show progress and free locks.
BATCH_TENANTS = 2500
# A month further ahead is not even previewed or forecast.
MONTHS_AHEAD_MAX = 60


class MonthOrder(NamedTuple):
    """An order to run a month: the day its documents bear (None: the usual one); whether it bills skipped months."""

    period: date
    issued_on: date | None = None
    catch_up: bool = False


@dataclass(frozen=True, slots=True)
class _Open:
    """A month with something to do: the day its documents bear, the attempt that issues them, whom it bills.

    `standing` is the waterfall of the attempt before, as exported; None where none was posted. `objections` are what
    the run refuses and a preview warns of (R14).
    """

    issued_on: date
    attempt: int
    batches: Sequence[Scope]
    standing: str | None = None
    objections: tuple[Fault, ...] = ()


class Begin(_Open):
    """The month has not been run: all tenants are billed."""


class Resume(_Open):
    """The run was interrupted: the batches that are open are done, on the day it began with."""


class Retry(_Open):
    """The run is complete but for tenants that were in error: these are billed."""


class Final:
    """The run is complete: nothing more is issued."""


Plan: TypeAlias = Begin | Resume | Retry | Final


def plan_of(connection: Connection, order: MonthOrder, today: date) -> Plan:
    """Decide what running a month means today. Raises Refused, RunRefused, IssueDateGoesBack, PeriodClosed.

    Documents are issued today unless the order names another day; a run once begun keeps its own, and one that is tried
    again too where documents may still bear it (R15).
    """
    period = order.period
    latest = connection.execute(select(billing_run).order_by(billing_run.c.period.desc()).limit(1)).one_or_none()
    _require_turn(connection, period, None if latest is None else latest.period, today)
    if latest is not None and period > latest.period and latest.status != "complete":
        month = format_month(latest.period)
        raise RunRefused(f"the run of {month} was interrupted: finish it first with `technopark-billing run {month}`")
    if latest is None or period > latest.period:
        codes = connection.scalars(select(tenant.c.code).order_by(tenant.c.code)).all()
        issued_on = _issue_day(connection, order.issued_on or today)
        objections = _objections(order, None if latest is None else latest.period, issued_on, today)
        return Begin(issued_on, 1, batches(period, 1, codes), objections=objections)
    if latest.status != "complete":
        return Resume(latest.issued_on, latest.attempt, _open_batches(connection, period), latest.cross_subsidy)
    o = run_outcome.c
    in_error = connection.scalars(
        select(o.tenant).where(o.period == period, o.status == "error").order_by(o.tenant)
    ).all()
    if not in_error:
        return Final()
    attempt = latest.attempt + 1
    issued_on = _issue_day(connection, order.issued_on or _kept_day(connection, latest.issued_on, today))
    return Retry(
        issued_on,
        attempt,
        batches(period, attempt, in_error),
        latest.cross_subsidy,
        _objections(order, latest.period, issued_on, today),
    )


def require_no_run_before(connection: Connection, issued_on: date) -> None:
    """Raise RunRefused while a run is under way, or was interrupted, that issues its documents before that day.

    It keeps the day it began with, and could never be finished once a later document stands (R15). The caller keeps
    others from beginning one meanwhile (`change_runs`).
    """
    c = billing_run.c
    open_run = connection.execute(
        select(c.period, c.issued_on).where(c.status != "complete", c.issued_on < issued_on).limit(1)
    ).one_or_none()
    if open_run is not None:
        month = format_month(open_run.period)
        raise RunRefused(
            f"the run of {month} is not finished, and issues its documents on {open_run.issued_on}, before "
            f"{issued_on}: wait for it, or finish it with `technopark-billing run {month}`"
        )


def _require_turn(connection: Connection, period: date, latest: date | None, today: date) -> None:
    """Refuse a month out of turn: before the latest run or the take-on, or so late that nobody can want to see it."""
    if period > add_months(first_of_month(today), MONTHS_AHEAD_MAX):
        problem = f"is more than {MONTHS_AHEAD_MAX} months after today, {today}"
        raise Refused([_fault("period", format_month(period), problem, "check the year")])
    if latest is not None and period < latest:
        raise RunRefused(
            f"{format_month(period)} comes before {format_month(latest)}, the latest run: "
            f"what is missing there will be billed by the run of the next month"
        )
    begun_on = taken_on(connection) if latest is None else None
    if begun_on is not None and period < (first := first_of_month(begun_on)):
        raise RunRefused(
            f"{format_month(period)} was billed before the park was taken on, of {begun_on}: what is open of it was "
            f"brought. The first month that is billed here is {format_month(first)}"
        )


def too_late(period: date, today: date) -> tuple[str, str] | None:
    """Return what is wrong with a month that no run may bill yet, and what to do; None where nothing is."""
    next_one = next_month(first_of_month(today))
    if period <= next_one:
        return None
    return f"is later than {format_month(next_one)}, the month after today's", f"check the year; today is {today}"


def _objections(order: MonthOrder, latest: date | None, issued_on: date, today: date) -> tuple[Fault, ...]:
    """Return why an order would be final and is surely a slip of the pen (R14)."""
    faults = []
    period = order.period
    late = too_late(period, today)
    if late is not None:
        faults.append(_fault("period", format_month(period), *late))
    skipped = [] if latest is None else list(months(next_month(latest), period))[:-1]
    if skipped and not order.catch_up:
        first, last = format_month(skipped[0]), format_month(skipped[-1])
        which = f"{first} has" if first == last else f"{first} to {last} have"
        remedy = f"run {first} first, or order {format_month(period)} with catch-up, which bills them too"
        faults.append(_fault("catch_up", None, f"is needed: {which} not been run", remedy))
    wrong = too_far_ahead(issued_on, today, PREPARED_DAYS_AHEAD_MAX)
    if wrong is not None:
        problem = f"{wrong.problem}: nothing could be issued before it (R15)"
        faults.append(_fault("issue_date", str(issued_on), problem, wrong.remedy))
    return tuple(faults)


def _fault(column: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault("run", None, column, value, problem, remedy)


def _kept_day(connection: Connection, issued_on: date, today: date) -> date:
    """Return the day a run began with, if documents can still be issued on it; else today."""
    newest = latest_issue_date(connection)
    if newest is not None and issued_on < newest:
        return today
    try:
        require_open(connection, issued_on)
    except (PeriodClosed, PeriodNotYetOpen):
        return today
    return issued_on


def _issue_day(connection: Connection, issued_on: date) -> date:
    """Return the day if documents can be issued on it; before the run begins, for a run once begun keeps its day."""
    require_issue_date(connection, issued_on)
    require_open(connection, issued_on)
    return issued_on


def batches(period: date, attempt: int, codes: Sequence[str]) -> list[Scope]:
    """Lay out the tenants in batches, by code."""
    parts = [codes[start : start + BATCH_TENANTS] for start in range(0, len(codes), BATCH_TENANTS)]
    return [Scope(period, part[0], part[-1], only_errors=attempt > 1) for part in parts]


def _open_batches(connection: Connection, period: date) -> list[Scope]:
    """Return the batches of a run that are still to be done."""
    c = run_batch.c
    rows = connection.execute(
        select(c.first_tenant, c.last_tenant, c.attempt)
        .where(c.period == period, c.status == "open")
        .order_by(c.attempt, c.batch_no)
    )
    return [Scope(period, first, last, only_errors=attempt > 1) for first, last, attempt in rows]
