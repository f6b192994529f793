"""A month's run, from its first row to its waterfall: begun, resumed, tried again, or only previewed (R12-R18)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from billing.frame.audit_log import act_of
from billing.frame.civil_time import today
from billing.frame.database import change_runs, reading, writing
from billing.frame.errors import RunRefused
from billing.frame.executors import LOCAL, open_executor, run_tasks, worker_count
from billing.frame.settings import Settings
from billing.receivables.receipts.applying_credits import settle_what_was_issued
from billing.register.catalogue import load_catalogue
from billing.register.tables import billing_run, tenant
from billing.run.batch import BatchKey, do_batch, do_batches, price_batch
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
from billing.run.facts import Scope
from billing.run.report import RunReport, Totals, report_of, stored_errors, stored_totals
from billing.run.tables import run_batch, run_outcome
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.issuing import Draft
from invoices.models import document
from invoices.numbering import require_issue_date
from ledger.periods import require_open
from pricing.cross_subsidy import Position
from pricing.period import add_months, first_of_month, format_month
from pricing.vat import vat_breakdown

# Large enough that what a transaction costs by itself is spread thin, small enough to show progress and free locks.
BATCH_TENANTS = 2500
MONTHS_AHEAD_MAX = 60
# Beyond it due dates leave the calendar.
ISSUE_YEAR_MAX = 2200
_BATCHES_FOR_PROCESSES = 16


class Stage(NamedTuple):
    """Where a month stands: the latest run, if any, and what running the month would mean now."""

    latest: Row[Any] | None
    begins: bool
    retries: bool


def run_month(
    settings: Settings,
    engine: Engine,
    period: date,
    *,
    clock: Callable[[], datetime],
    issued_on: date | None = None,
    deliver: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunReport:
    """Bill the month that begins on `period`; the database is the only truth of how far it has come.

    A killed run is resumed, a complete one is final except for tenants whose outcome was an error
    (R14). `issued_on` is today in Casablanca unless given; a resumed run keeps the date it began with.
    `progress` is told batches done and batches in all. Raises RunRefused, IssueDateGoesBack.
    """
    with writing(engine) as connection:
        issued_before = stored_totals(connection, period)
        attempt = _begin(connection, period, issued_on, deliver, clock())
    if attempt is None:
        _settle(settings, engine, clock())
        with reading(engine) as connection:
            return report_of(connection, period, issued_now=False)
    _do_batches(settings, engine, period, attempt, clock, workers, progress)
    with writing(engine) as connection:
        _finish(connection, period, attempt, clock())
    _settle(settings, engine, clock())
    with reading(engine) as connection:
        # A run tried again may find that nothing has been mended.
        nothing_new = attempt > 1 and stored_totals(connection, period) == issued_before
        return report_of(connection, period, issued_now=not nothing_new)


def _settle(settings: Settings, engine: Engine, now: datetime) -> None:
    """What follows a run, in a transaction of its own: credits settle what was invoiced. Again it changes nothing."""
    with writing(engine) as connection:
        settle_what_was_issued(connection, recorded_at=now, terms=settings.terms)


def _stage(connection: Connection, period: date, today_is: date) -> Stage:
    """What running the month would mean; raises RunRefused (R14)."""
    latest = connection.execute(select(billing_run).order_by(billing_run.c.period.desc()).limit(1)).one_or_none()
    since = first_of_month(today_is) if latest is None else latest.period
    if period > add_months(since, MONTHS_AHEAD_MAX):
        # A slip of the pen, 2062 for 2026, would bill all the years between, for good.
        raise RunRefused(
            f"{format_month(period)} is more than {MONTHS_AHEAD_MAX} months after {format_month(since)}, "
            f"{'the present month' if latest is None else 'the latest run'}: check the year"
        )
    if latest is None:
        return Stage(None, begins=True, retries=False)
    if period < latest.period:
        raise RunRefused(
            f"{format_month(period)} comes before {format_month(latest.period)}, the latest run: "
            f"what is missing there will be billed by the run of the next month"
        )
    if period > latest.period and latest.status != "complete":
        month = format_month(latest.period)
        raise RunRefused(f"the run of {month} was interrupted: finish it first with `technopark-billing run {month}`")
    if period > latest.period:
        return Stage(latest, begins=True, retries=False)
    return Stage(latest, begins=False, retries=latest.status == "complete" and bool(_in_error(connection, period)))


def _require_day(connection: Connection, issued_on: date) -> None:
    """Refuse a day documents can't be issued on; before the run begins, for a run once begun keeps its day."""
    if issued_on.year > ISSUE_YEAR_MAX:
        raise RunRefused(f"{issued_on} is no issue date: give a day up to the year {ISSUE_YEAR_MAX}")
    require_issue_date(connection, issued_on)
    require_open(connection, issued_on)


def _in_error(connection: Connection, period: date) -> list[str]:
    c = run_outcome.c
    return list(connection.scalars(select(c.tenant).where(c.period == period, c.status == "error").order_by(c.tenant)))


def _begin(connection: Connection, period: date, issued_on: date | None, deliver: bool, now: datetime) -> int | None:
    """Open or reopen the run and lay out its batches; gives its attempt, None when it is final."""
    change_runs(connection)
    stage = _stage(connection, period, today(now))
    if not stage.begins and stage.latest is not None and not stage.retries:
        if stage.latest.status == "complete":
            return None
        if issued_on not in (None, stage.latest.issued_on):
            raise RunRefused(
                f"the run of {format_month(period)} was begun with issue date {stage.latest.issued_on} and must be "
                f"finished with it: leave --issue-date out"
            )
        return int(stage.latest.attempt)
    day = issued_on or today(now)
    _require_day(connection, day)
    if stage.begins:
        attempt = 1
        connection.execute(
            insert(billing_run).values(
                period=period, issued_on=day, status="running", attempt=1, deliver=int(deliver), started_at=now
            )
        )
        codes = list(connection.scalars(select(tenant.c.code).order_by(tenant.c.code)))
    else:
        attempt = int(stage.latest.attempt) + 1 if stage.latest is not None else 1
        connection.execute(
            update(billing_run)
            .where(billing_run.c.period == period)
            .values(issued_on=day, status="running", attempt=attempt, deliver=int(deliver))
        )
        codes = _in_error(connection, period)
    batches = [codes[start : start + BATCH_TENANTS] for start in range(0, len(codes), BATCH_TENANTS)]
    rows = [
        {
            "period": period,
            "attempt": attempt,
            "batch_no": number,
            "first_tenant": batch[0],
            "last_tenant": batch[-1],
            "status": "open",
        }
        for number, batch in enumerate(batches, 1)
    ]
    if rows:
        connection.execute(insert(run_batch), rows)
    return attempt


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
    """Whether the batches are done here one after the other, or by `workers` processes, or whatever is set.

    SQLite has one writer, so others would only wait for it; few batches are done before processes have
    started. Threads were slower than none: what is not the database's time is the interpreter's.
    """
    if workers is not None:
        return workers == 1
    if engine.dialect.name == "sqlite" or batches <= 1:
        return True
    return settings.executor == LOCAL and (batches < _BATCHES_FOR_PROCESSES or worker_count() == 1)


def _finish(connection: Connection, period: date, attempt: int, now: datetime) -> None:
    """Post the waterfall and make the run final, unless somebody else has."""
    change_runs(connection)
    this_run = billing_run.c.period == period
    run = connection.execute(select(billing_run).where(this_run).with_for_update()).one()
    if run.status == "complete" or run.attempt != attempt:
        return
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


def preview_month(
    engine: Engine, period: date, *, clock: Callable[[], datetime], issued_on: date | None = None
) -> RunReport:
    """What running the month now would give, with the same totals; writes nothing."""
    with reading(engine) as connection:
        stage = _stage(connection, period, today(clock()))
        if stage.latest is not None and not stage.begins and not stage.retries:
            if stage.latest.status == "complete":
                return report_of(connection, period, issued_now=False)
            day = stage.latest.issued_on
        else:
            day = issued_on or today(clock())
            _require_day(connection, day)
        return _preview(connection, period, day, stage)


def _preview(connection: Connection, period: date, issued_on: date, stage: Stage) -> RunReport:
    catalogue = load_catalogue(connection)
    totals = {INVOICE: Totals(), CREDIT_NOTE: Totals()} if stage.begins else stored_totals(connection, period)
    positions = [] if stage.begins else stored_positions(connection, period)
    errors = dict(stored_errors(connection, period))
    for scope in _open_scopes(connection, period, stage):
        for bill in price_batch(connection, scope, catalogue).bills:
            errors.pop(bill.tenant, None)
            if bill.error is not None:
                errors[bill.tenant] = bill.error
            for draft in (bill.invoice, bill.credit_note):
                if draft is not None:
                    totals[draft.kind] = _with_draft(totals[draft.kind], draft)
            positions += [Position(*position) for position in bill.positions]
    sums = sum_positions(positions, network_sites(connection))
    outcome: Mapping[str, Any]
    if stage.retries and stage.latest is not None and rests_on(stage.latest.cross_subsidy, sums):
        outcome = json.loads(stage.latest.cross_subsidy)
    else:
        attempts = 0 if stage.begins or stage.latest is None else stage.latest.attempt
        own = standing_waterfall(connection, period, attempts)
        outcome = cross_subsidy_json(period, sums.advantage, solve(connection, period, sums, own))
    return RunReport(
        period=period,
        issued_on=issued_on,
        invoices=totals[INVOICE],
        credit_notes=totals[CREDIT_NOTE],
        cross_subsidy=outcome,
        errors=tuple(sorted(errors.items())),
        issued_now=False,
        dry_run=True,
    )


def _with_draft(totals: Totals, draft: Draft) -> Totals:
    vat = vat_breakdown((line.priced.vat_rate, line.priced.amount) for line in draft.lines)
    net, tax = sum(v.base for v in vat), sum(v.amount for v in vat)
    return Totals(
        totals.count + 1,
        totals.net + net,
        totals.tax + tax,
        totals.gross + net + tax,
        totals.lines + len(draft.lines),
    )


def _open_scopes(connection: Connection, period: date, stage: Stage) -> list[Scope]:
    """The tenants a run would still bill, as batches."""
    if stage.begins or stage.retries:
        codes = (
            list(connection.scalars(select(tenant.c.code).order_by(tenant.c.code)))
            if stage.begins
            else _in_error(connection, period)
        )
        return [
            Scope(period, batch[0], batch[-1], only_errors=stage.retries)
            for start in range(0, len(codes), BATCH_TENANTS)
            for batch in (codes[start : start + BATCH_TENANTS],)
        ]
    c = run_batch.c
    found = connection.execute(
        select(c.first_tenant, c.last_tenant, c.attempt).where(c.period == period, c.status == "open")
    )
    return [Scope(period, first, last, only_errors=attempt > 1) for first, last, attempt in found]
