"""A month's run, from its first row to its waterfall: begun, resumed, tried again (R12-R18)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select, update

from billing.frame.added_rows import note_rows
from billing.frame.audit_log import act_of, record_change
from billing.frame.civil_time import today
from billing.frame.counted import counted
from billing.frame.database import change_runs, reading, writing
from billing.frame.errors import Refused, RunRefused
from billing.frame.executors import LOCAL, open_executor, run_tasks, worker_count
from billing.frame.settings import Settings
from billing.receivables.receipts.applying_credits import settle_what_was_issued
from billing.register.tables import billing_run
from billing.run.batch import BatchKey
from billing.run.closing import close
from billing.run.pipeline import do_batch, do_batches
from billing.run.plan import Begin, Final, MonthOrder, Resume, plan_of
from billing.run.report import RunReport, issued_so_far, report_of, report_of_attempt
from billing.run.review.reviewing import require_reviewed
from billing.run.tables import run_batch
from invoices.models import document
from pricing.period import format_month

_BATCHES_FOR_PROCESSES = 16
_SUBJECT = "runs"


def run_month(  # noqa: PLR0913 - keywords that have defaults
    settings: Settings,
    engine: Engine,
    period: date,
    *,
    clock: Callable[[], datetime],
    issued_on: date | None = None,
    catch_up: bool = False,
    digest: str | None = None,
    deliver: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunReport:
    """Bill the month that begins on `period`; the database is the only truth of how far it has come.

    A killed run is resumed, a complete one is final except for tenants whose outcome was an error
    (R14). `issued_on` is today in Casablanca unless given; a resumed run keeps the date it began with, one tried again
    too if it may. Months skipped since the latest run are billed only with `catch_up`. The report is of what this
    attempt issued; of several calls at once the one that ends the run gives it, to the others it was final already.
    With the `digest` of a review it is refused unless it issues just what was reviewed (R24).
    `progress` is told batches done and batches in all. Raises Refused, RunRefused, IssueDateGoesBack.
    """
    order = MonthOrder(period, issued_on, catch_up)
    with writing(engine) as connection:
        begun = _begin(connection, order, deliver, clock(), digest)
        before = issued_so_far(connection, period)
    if begun is None:
        _settle(settings, engine, clock())
        with reading(engine) as connection:
            return report_of(connection, period)
    attempt = begun.attempt
    _do_batches(settings, engine, period, begun, clock, workers, progress)
    with writing(engine) as connection:
        ended_here = _finish(connection, period, attempt, clock())
    _settle(settings, engine, clock())
    with reading(engine) as connection:
        if not ended_here:
            return report_of(connection, period)
        return report_of_attempt(connection, period, before if attempt > 1 else None)


def _settle(settings: Settings, engine: Engine, now: datetime) -> None:
    """Let credits settle what was invoiced, in a transaction of its own; done again it changes nothing."""
    with writing(engine) as connection:
        settle_what_was_issued(connection, recorded_at=now, terms=settings.terms)


class _Begun(NamedTuple):
    """A run under way: its attempt, and the digests of its open batches as reviewed, by their first tenants."""

    attempt: int
    reviewed: Mapping[str, str]


def _begin(
    connection: Connection, order: MonthOrder, deliver: bool, now: datetime, digest: str | None
) -> _Begun | None:
    """Open or reopen the run and lay out its batches; None when it is final."""
    change_runs(connection)
    period = order.period
    plan = plan_of(connection, order, today(now))
    if isinstance(plan, Final):
        return None
    if plan.objections:
        raise Refused(plan.objections)
    if isinstance(plan, Resume) and order.issued_on not in (None, plan.issued_on):
        raise RunRefused(
            f"the run of {format_month(period)} was begun with issue date {plan.issued_on} and must be "
            f"finished with it: leave --issue-date out"
        )
    begun = _Begun(plan.attempt, {} if digest is None else require_reviewed(connection, period, plan.batches, digest))
    if isinstance(plan, Resume):
        return begun
    opened = {"issued_on": plan.issued_on, "status": "running", "attempt": plan.attempt, "deliver": int(deliver)}
    if isinstance(plan, Begin):
        connection.execute(insert(billing_run).values(period=period, started_at=now, **opened))
    else:
        connection.execute(update(billing_run).where(billing_run.c.period == period).values(**opened))
        note_rows(connection, billing_run, [period])
    after = {"state": "running", "attempt": plan.attempt, "issue_date": plan.issued_on.isoformat()}
    record_change(connection, _SUBJECT, format_month(period), None, after)
    rows = [
        {
            "period": period,
            "attempt": plan.attempt,
            "batch_no": number,
            "first_tenant": batch.first_tenant,
            "last_tenant": batch.last_tenant,
            "status": "open",
        }
        for number, batch in enumerate(plan.batches, 1)
    ]
    if rows:
        connection.execute(insert(run_batch), rows)
    return begun


def _do_batches(
    settings: Settings,
    engine: Engine,
    period: date,
    begun: _Begun,
    clock: Callable[[], datetime],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Do every batch that is open; each is one transaction of its own."""
    with reading(engine) as connection:
        c = run_batch.c
        batches = connection.execute(
            select(c.batch_no, c.status, c.first_tenant)
            .where(c.period == period, c.attempt == begun.attempt)
            .order_by(c.batch_no)
        ).all()
    address = engine.url.render_as_string(hide_password=False)
    recorded_at, act = clock(), act_of(engine)
    keys = [
        BatchKey(
            address,
            settings.operator,
            period,
            begun.attempt,
            batch.batch_no,
            recorded_at,
            act,
            begun.reviewed.get(batch.first_tenant),
        )
        for batch in batches
        if batch.status == "open"
    ]
    done = len(batches) - len(keys)

    def count(_key: BatchKey, _number: int) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(batches))

    if _in_this_process(settings, engine, len(keys), workers):
        do_batches(keys, count)
        return
    chosen = settings if workers is None else replace(settings, executor=LOCAL)
    run_tasks(lambda: open_executor(chosen, workers), do_batch, keys, count)


def _in_this_process(settings: Settings, engine: Engine, batches: int, workers: int | None) -> bool:
    """Return whether the batches are done here one after the other, not by `workers` processes or the set executor.

    SQLite has one writer, so others would only wait for it; few batches are done before processes have
    started. Threads were slower than none: what is not the database's time is the interpreter's.
    """
    if workers is not None:
        return workers == 1
    if engine.dialect.name == "sqlite" or batches <= 1:
        return True
    return settings.executor == LOCAL and (batches < _BATCHES_FOR_PROCESSES or worker_count() == 1)


def _finish(connection: Connection, period: date, attempt: int, now: datetime) -> bool:
    """Post the waterfall and make the run final; gives whether it was done here, not by somebody else."""
    change_runs(connection)
    this_run = billing_run.c.period == period
    run = connection.execute(select(billing_run).where(this_run).with_for_update()).one()
    if run.status == "complete" or run.attempt != attempt:
        return False
    c = run_batch.c
    left = connection.scalars(
        select(c.batch_no).where(c.period == period, c.attempt == attempt, c.status == "open")
    ).all()
    if left:
        batches = counted(len(left), "batch of this month is", "batches of this month are")
        raise RunRefused(f"{format_month(period)}: {batches} not done: run the month again")
    outcome = close(connection, period, run.issued_on, attempt, now, run.cross_subsidy)
    # A run tried again in vain keeps the date of what it has issued.
    newest = connection.scalar(select(func.max(document.c.issued_on)).where(document.c.period == period))
    connection.execute(
        update(billing_run)
        .where(this_run)
        .values(status="complete", completed_at=now, cross_subsidy=outcome, issued_on=newest or run.issued_on)
    )
    note_rows(connection, billing_run, [period])
    record_change(connection, _SUBJECT, format_month(period), {"state": "running"}, {"state": "complete"})
    return True
