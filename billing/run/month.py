"""A month's run, from its first row to its waterfall: begun, resumed, tried again, or only previewed (R12-R18)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from billing.frame.audit_log import act_of
from billing.frame.civil_time import today
from billing.frame.database import change_runs, reading, writing
from billing.frame.errors import Refused, RunRefused
from billing.frame.executors import LOCAL, open_executor, run_tasks, worker_count
from billing.frame.settings import Settings
from billing.receivables.receipts.applying_credits import settle_what_was_issued
from billing.register.catalogue import load_catalogue
from billing.register.tables import billing_run
from billing.run.batch import BatchKey, price_batch
from billing.run.closing import (
    close,
    cross_subsidy_json,
    network_sites,
    rests_on,
    solve,
    standing_waterfall,
    stored_positions,
    sum_positions,
)
from billing.run.pipeline import do_batch, do_batches
from billing.run.plan import Begin, Final, MonthOrder, Resume, Retry, plan_of
from billing.run.report import (
    NOTHING_ISSUED,
    RunReport,
    Totals,
    drafted_withdrawn,
    issued_so_far,
    report_of,
    report_of_attempt,
    stored_errors,
)
from billing.run.tables import run_batch
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.issuing import Draft, vat_of_drafts
from invoices.models import document
from pricing.cross_subsidy import Position
from pricing.period import format_month
from pricing.vat import VatSubtotal

_BATCHES_FOR_PROCESSES = 16


def run_month(  # noqa: PLR0913 - keywords that have defaults
    settings: Settings,
    engine: Engine,
    period: date,
    *,
    clock: Callable[[], datetime],
    issued_on: date | None = None,
    catch_up: bool = False,
    deliver: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunReport:
    """Bill the month that begins on `period`; the database is the only truth of how far it has come.

    A killed run is resumed, a complete one is final except for tenants whose outcome was an error
    (R14). `issued_on` is today in Casablanca unless given; a resumed run keeps the date it began with, one tried again
    too if it may. Months skipped since the latest run are billed only with `catch_up`. The report is of what this
    attempt issued; of several calls at once the one that ends the run gives it, to the others it was final already.
    `progress` is told batches done and batches in all. Raises Refused, RunRefused, IssueDateGoesBack.
    """
    order = MonthOrder(period, issued_on, catch_up)
    with writing(engine) as connection:
        attempt = _begin(connection, order, deliver, clock())
        before = issued_so_far(connection, period)
    if attempt is None:
        _settle(settings, engine, clock())
        with reading(engine) as connection:
            return report_of(connection, period)
    _do_batches(settings, engine, period, attempt, clock, workers, progress)
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


def _begin(connection: Connection, order: MonthOrder, deliver: bool, now: datetime) -> int | None:
    """Open or reopen the run and lay out its batches; gives its attempt, None when it is final."""
    change_runs(connection)
    period = order.period
    plan = plan_of(connection, order, today(now))
    match plan:
        case Final():
            return None
        case Resume():
            if order.issued_on not in (None, plan.issued_on):
                raise RunRefused(
                    f"the run of {format_month(period)} was begun with issue date {plan.issued_on} and must be "
                    f"finished with it: leave --issue-date out"
                )
            return plan.attempt
    if plan.objections:
        raise Refused(plan.objections)
    opened = {"issued_on": plan.issued_on, "status": "running", "attempt": plan.attempt, "deliver": int(deliver)}
    if isinstance(plan, Begin):
        connection.execute(insert(billing_run).values(period=period, started_at=now, **opened))
    else:
        connection.execute(update(billing_run).where(billing_run.c.period == period).values(**opened))
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
    return plan.attempt


def _do_batches(
    settings: Settings,
    engine: Engine,
    period: date,
    attempt: int,
    clock: Callable[[], datetime],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Do every batch that is open; each is one transaction of its own."""
    with reading(engine) as connection:
        c = run_batch.c
        batches = connection.execute(
            select(c.batch_no, c.status).where(c.period == period, c.attempt == attempt).order_by(c.batch_no)
        ).all()
    open_batches = [batch.batch_no for batch in batches if batch.status == "open"]
    address = engine.url.render_as_string(hide_password=False)
    recorded_at, act = clock(), act_of(engine)
    keys = [BatchKey(address, settings.operator, period, attempt, number, recorded_at, act) for number in open_batches]
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
        raise RunRefused(f"{len(left)} batches of {format_month(period)} are not done: run the month again")
    outcome = close(connection, period, run.issued_on, attempt, now, run.cross_subsidy)
    # A run tried again in vain keeps the date of what it has issued.
    newest = connection.scalar(select(func.max(document.c.issued_on)).where(document.c.period == period))
    connection.execute(
        update(billing_run)
        .where(this_run)
        .values(status="complete", completed_at=now, cross_subsidy=outcome, issued_on=newest or run.issued_on)
    )
    return True


def preview_month(
    engine: Engine,
    period: date,
    *,
    clock: Callable[[], datetime],
    issued_on: date | None = None,
    catch_up: bool = False,
) -> RunReport:
    """Return what running the month now would give, with the same totals; write nothing.

    What the run would refuse as a slip of the pen is a warning here. Raises Refused, RunRefused, IssueDateGoesBack.
    """
    with reading(engine) as connection:
        plan = plan_of(connection, MonthOrder(period, issued_on, catch_up), today(clock()))
        if isinstance(plan, Final):
            return report_of(connection, period)
        return _preview(connection, period, plan)


def _preview(connection: Connection, period: date, plan: Begin | Resume | Retry) -> RunReport:
    catalogue = load_catalogue(connection)
    # What a run that was interrupted has issued is part of it; what earlier attempts issued is not.
    issued = issued_so_far(connection, period) if plan.attempt == 1 else NOTHING_ISSUED
    totals, withdrawn = dict(issued.totals), issued.withdrawn
    positions = stored_positions(connection, period)
    errors = dict(stored_errors(connection, period))
    for scope in plan.batches:
        bills = price_batch(connection, scope, catalogue).bills
        drafts = [draft for bill in bills for draft in (bill.invoice, bill.credit_note) if draft is not None]
        for draft, vat in zip(drafts, vat_of_drafts(connection, drafts), strict=True):
            totals[draft.kind] = _with_draft(totals[draft.kind], draft, vat)
        withdrawn += drafted_withdrawn(drafts)
        for bill in bills:
            errors.pop(bill.tenant, None)
            if bill.error is not None:
                errors[bill.tenant] = bill.error
            positions += [Position(*position) for position in bill.positions]
    sums = sum_positions(positions, network_sites(connection))
    outcome: Mapping[str, Any]
    if plan.standing is not None and rests_on(plan.standing, sums):
        outcome = json.loads(plan.standing)
    else:
        own = standing_waterfall(connection, period, plan.attempt - 1)
        outcome = cross_subsidy_json(period, sums.advantage, solve(connection, period, sums, own))
    return RunReport(
        period=period,
        issued_on=plan.issued_on,
        invoices=totals[INVOICE],
        credit_notes=totals[CREDIT_NOTE],
        cross_subsidy=outcome,
        errors=tuple(sorted(errors.items())),
        issued_now=False,
        dry_run=True,
        withdrawn=tuple(sorted(withdrawn)),
        warnings=tuple(map(str, plan.objections)),
    )


def _with_draft(totals: Totals, draft: Draft, vat: Sequence[VatSubtotal]) -> Totals:
    net, tax = sum(v.base for v in vat), sum(v.amount for v in vat)
    return Totals(
        totals.count + 1,
        totals.net + net,
        totals.tax + tax,
        totals.gross + net + tax,
        totals.lines + len(draft.lines),
    )
