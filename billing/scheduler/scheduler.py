"""The work of the clock, in a process of its own: the monthly run, deliveries, reminders, the nightly check.

What is to be done is read off the database each time, never remembered: so downtime is caught up, an
interrupted run is finished, and any number of replicas run a month once (`run_month` is serialised and
final; whoever comes second finds it done).
"""

import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select

from billing.cross_subsidy.accounts.sending import send_accounts
from billing.cross_subsidy.tier_changes.announcing import BY_THE_CLOCK, AnnounceReport, announce
from billing.documents.delivery.delivering import DeliveryReport
from billing.frame.audit_log import SCHEDULER, Act, new_request_id, on_behalf
from billing.frame.civil_time import TIME_ZONE
from billing.frame.database import keeping_house, open_engine, reading, writing
from billing.frame.errors import BillingError, RunRefused
from billing.frame.settings import Settings
from billing.receivables.dunning.policy import is_automatic
from billing.receivables.dunning.sending import DunningReport, send_reminders
from billing.register.tables import billing_run, lease, usage_event
from billing.run.report import RunReport
from invoices.errors import InvoicingError
from pricing.period import first_of_month, format_month

DELIVER_EVERY_MINUTES = 1
PROVE_EVERY_MINUTES = 1
CHECK_AT_HOUR, CHECK_AT_MINUTE = 3, 30
# Announcements leave in office hours: what is due is looked at every hour, so that a morning without the service, or a
# failure, is made up for; each is made once.
ANNOUNCE_FROM_HOUR, ANNOUNCE_TO_HOUR, ANNOUNCE_AT_MINUTE = 8, 17, 20
# After the announcements: what a run makes due is queued within the hour.
ACCOUNTS_AT_MINUTE = 40
# Reminders leave in office hours: what fell due is looked at every hour, so that a morning without the service, or a
# failure, is made up for; a tenant is written to once a day.
REMIND_FROM_HOUR, REMIND_TO_HOUR, REMIND_AT_MINUTE = 8, 17, 10
# How long the answer to an Idempotency-Key is given again.
ANSWERS_KEPT = timedelta(days=30)
# So many problems and failures are logged one by one.
_NAMED_MAX = 50
_log = logging.getLogger("billing.scheduler.scheduler")


class Standing(NamedTuple):
    """How far billing has come: the latest run and whether it is complete; whether there is anything to bill."""

    latest: date | None
    is_complete: bool
    has_facts: bool


@dataclass(frozen=True, slots=True)
class Jobs:
    """What the clock sets going; each is safe to be called at any time, by any number of processes."""

    standing: Callable[[], Standing]
    run_month: Callable[[date], RunReport]
    deliver: Callable[[], DeliveryReport]
    check: Callable[[], list[str]]
    announce: Callable[[], AnnounceReport | None] = lambda: None
    # Tenants' accounts of the péréquation, as the settings say: to whom one was queued.
    accounts: Callable[[], list[str]] = list
    remind: Callable[[], DunningReport | None] = lambda: None
    prove: Callable[[], tuple[int, int | None]] = lambda: (0, None)


def due_period(now: datetime, run_day: int, run_hour: int) -> date:
    """The latest month whose run is due at an instant, as its first day.

    The run of a month is due from `run_hour` o'clock of its `run_day`, by the clocks of Casablanca
    (UTC+1, and UTC+0 during Ramadan; R2).
    """
    here = now.astimezone(ZoneInfo(TIME_ZONE))
    this_month = first_of_month(here.date())
    if (here.day, here.hour) >= (run_day, run_hour):
        return this_month
    return first_of_month(this_month - timedelta(days=1))


def month_to_run(standing: Standing, due: date) -> date | None:
    """The month to be run now, or None: one that was interrupted first, then the one that is due.

    Months skipped in between need no run of their own: the next one catches them up (R14). Before
    anything has been entered there is nothing to run: the first run fixes where billing begins (R12).
    """
    if standing.latest is None:
        return due if standing.has_facts else None
    if standing.latest > due:
        return None
    if not standing.is_complete:
        return standing.latest
    return due if due > standing.latest else None


def run_what_is_due(jobs: Jobs, now: datetime, run_day: int, run_hour: int) -> None:
    """Bring billing up to date; what can't be done is logged, and tried again the next time."""
    due, before = due_period(now, run_day, run_hour), None
    try:
        while (found := jobs.standing()) != before and (period := month_to_run(found, due)) is not None:
            before = found
            try:
                _say_run(jobs.run_month(period))
            except RunRefused:
                # Another process may have brought billing further meanwhile: then all is well.
                if jobs.standing() == found:
                    raise
    except Exception as error:
        _say_failed("run", error)


def _say_run(report: RunReport) -> None:
    month, errors = format_month(report.period), report.errors
    for tenant, reason in errors[:_NAMED_MAX]:
        _say(logging.WARNING, "run", "not billed", month=month, tenant=tenant, reason=reason)
    outcome = "done" if report.issued_now else "done by another"
    level = logging.WARNING if errors else logging.INFO
    _say(level, "run", outcome, month=month, result=report.lines(), not_billed=len(errors))


def deliver_what_is_due(jobs: Jobs) -> None:
    """Send what is due; says nothing when there was nothing to do."""
    try:
        report = jobs.deliver()
    except Exception as error:
        _say_failed("deliver", error)
        return
    for failure in report.failures[:_NAMED_MAX]:
        _say(logging.WARNING, "deliver", "not delivered", number=failure.number, reason=failure.reason)
    if report.unavailable is not None:
        _say(logging.ERROR, "deliver", "mail server unavailable", reason=report.unavailable, queued=report.queued)
    if report.sent or report.failures:
        _say(logging.INFO, "deliver", "done", sent=report.sent, queued=report.queued, failed=report.failed)


def announce_what_is_due(jobs: Jobs) -> None:
    """Announce the switches of today; says nothing when there were none, or when the settings leave it to people."""
    try:
        report = jobs.announce()
    except Exception as error:
        _say_failed("switches", error)
        return
    if report is None:
        return
    for tenant, reason in report.unpriced[:_NAMED_MAX]:
        _say(logging.WARNING, "switches", "not announced", tenant=tenant, reason=reason)
    if report.announced:
        _say(logging.INFO, "switches", "done", result=report.lines())


def send_accounts_due(jobs: Jobs) -> None:
    """Queue tenants' accounts of the péréquation that are due; says nothing when there were none."""
    try:
        queued = jobs.accounts()
    except Exception as error:
        _say_failed("accounts", error)
        return
    if queued:
        _say(logging.INFO, "accounts", "done", queued=len(queued))


def remind_of_what_is_due(jobs: Jobs) -> None:
    """Queue the reminders of today; says nothing when there were none, or when the settings leave it to people."""
    try:
        report = jobs.remind()
    except Exception as error:
        _say_failed("dunning", error)
        return
    if report is not None and report.sent:
        _say(logging.INFO, "dunning", "done", result=report.lines())


def prove_what_is_new(jobs: Jobs) -> None:
    """Log what was committed, and sign the log when it is time; says nothing when nothing was signed."""
    try:
        _, signed = jobs.prove()
    except Exception as error:
        _say_failed("prove", error)
        return
    if signed is not None:
        _say(logging.INFO, "prove", "checkpoint signed", size=signed)


def check_all(jobs: Jobs) -> None:
    """Prove R22 on the whole database; each problem is logged."""
    try:
        problems = jobs.check()
    except Exception as error:
        _say_failed("check", error)
        return
    for problem in problems[:_NAMED_MAX]:
        _say(logging.ERROR, "check", "problem", problem=problem)
    _say(logging.ERROR if problems else logging.INFO, "check", "done", problems=len(problems))


def _say(level: int, job: str, outcome: str, **facts: Any) -> None:
    _log.log(level, "%s: %s", job, outcome, extra={"job": job, "outcome": outcome, **facts})


def _say_failed(job: str, error: Exception) -> None:
    # What the domain refuses is explained by its sentence; anything else wants its trace.
    trace = None if isinstance(error, BillingError | InvoicingError) else error
    facts = {"job": job, "outcome": "failed", "reason": str(error)}
    _log.error("%s: failed: %s", job, error, extra=facts, exc_info=trace)


def standing(connection: Connection) -> Standing:
    """How far billing has come."""
    c = billing_run.c
    latest = connection.execute(select(c.period, c.status).order_by(c.period.desc()).limit(1)).one_or_none()
    has_facts = any(
        connection.scalar(select(key).limit(1)) is not None for key in (lease.c.code, usage_event.c.event_id)
    )
    if latest is None:
        return Standing(None, False, has_facts)
    return Standing(latest.period, latest.status == "complete", has_facts)


def jobs_of(settings: Settings, engine: Engine, clock: Callable[[], datetime], stop: Event) -> Jobs:
    """The jobs on a database; `stop` ends a delivery after the mail under way."""
    from billing.check import check
    from billing.documents.delivery.delivering import Which, deliver
    from billing.frame.http.idempotency import forget_answers
    from billing.proof.keeping import keep_up
    from billing.proof.timestamps import stamp
    from billing.receivables.open_items.open_item_index import refresh_index
    from billing.run import run_month

    def look() -> Standing:
        with reading(engine) as connection:
            return standing(connection)

    def acting(operation: str) -> Engine:
        return on_behalf(engine, Act(SCHEDULER, SCHEDULER, operation, new_request_id()), clock)

    def send() -> DeliveryReport:
        return deliver(settings, acting("deliver"), clock=clock, which=Which.DUE, stop=stop)

    def announcing() -> AnnounceReport | None:
        now = clock()
        day = now.astimezone(ZoneInfo(TIME_ZONE)).date()
        if not settings.terms.at(BY_THE_CLOCK, day):
            return None
        with writing(acting("switches announce")) as connection:
            return announce(connection, settings.terms, settings.operator, day, recorded_at=now)

    def sending_accounts() -> list[str]:
        now = clock()
        day = now.astimezone(ZoneInfo(TIME_ZONE)).date()
        return send_accounts(acting("cross-subsidy send"), settings.terms, settings.operator, day, now)

    def remind() -> DunningReport | None:
        now = clock()
        day = now.astimezone(ZoneInfo(TIME_ZONE)).date()
        if not is_automatic(settings.terms, day):
            return None
        with writing(acting("dunning")) as connection:
            return send_reminders(connection, settings, day, recorded_at=now)

    def prove() -> tuple[int, int | None]:
        added, signed = keep_up(settings, engine, clock)
        if signed is None:
            return added, None
        stamp(settings, engine, signed)
        return added, signed.size

    def at_night() -> list[str]:
        with keeping_house(engine) as connection:
            forget_answers(connection, clock() - ANSWERS_KEPT)
            refresh_index(connection)
        return check(engine, documents_url=settings.documents_url)

    return Jobs(
        standing=look,
        run_month=lambda period: run_month(settings, acting(f"run {format_month(period)}"), period, clock=clock),
        deliver=send,
        remind=remind,
        check=at_night,
        announce=announcing,
        accounts=sending_accounts,
        prove=prove,
    )


def run_scheduler(settings: Settings, *, clock: Callable[[], datetime]) -> None:
    """Do the work of the clock until SIGTERM or SIGINT: the job under way is finished first.

    A second signal ends the process at once, which is as safe as any crash.
    """
    from billing.frame.logs import configure_logging

    configure_logging(settings.log_format)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    engine = open_engine(settings.database_url)
    stop = Event()
    jobs = jobs_of(settings, engine, clock, stop)
    told_to_stop = _stop_signals()
    scheduler = make_scheduler(jobs, clock, settings.run_day, settings.run_hour)
    scheduler.start()
    _say(logging.INFO, "scheduler", "started", run_day=settings.run_day, run_hour=settings.run_hour)
    try:
        os.read(told_to_stop, 1)
    finally:
        stop.set()
        scheduler.shutdown(wait=True)
        engine.dispose()
    _say(logging.INFO, "scheduler", "stopped")


def _stop_signals() -> int:
    """A file descriptor that can be read once SIGTERM or SIGINT has come."""
    readable, writable = os.pipe()

    def once(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)

    # The interpreter itself writes there, at once: a handler in Python would wait until the reading has ended, for ever
    # if the signal comes just before it begins.
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGTERM, once)
    signal.signal(signal.SIGINT, once)
    return readable


def make_scheduler(jobs: Jobs, clock: Callable[[], datetime], run_day: int, run_hour: int) -> Any:
    """The timetable, not yet started: everything that may be overdue is done at once.

    The month is looked at every full hour, not only at `run_hour`: what failed is tried again.
    """
    from apscheduler.schedulers.background import BackgroundScheduler

    zone = ZoneInfo(TIME_ZONE)
    now = clock().astimezone(zone)
    # However late or often a job was missed, it is done once.
    scheduler = BackgroundScheduler(
        timezone=zone, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )

    def month() -> None:
        run_what_is_due(jobs, clock(), run_day, run_hour)

    scheduler.add_job(month, "cron", minute=0, id="run", next_run_time=now)
    every_minute = partial(deliver_what_is_due, jobs)
    scheduler.add_job(every_minute, "interval", minutes=DELIVER_EVERY_MINUTES, id="deliver", next_run_time=now)
    office_hours = f"{ANNOUNCE_FROM_HOUR}-{ANNOUNCE_TO_HOUR}"
    is_open = ANNOUNCE_FROM_HOUR <= now.hour <= ANNOUNCE_TO_HOUR
    scheduler.add_job(
        partial(announce_what_is_due, jobs), "cron", hour=office_hours, minute=ANNOUNCE_AT_MINUTE, id="switches",
        **({"next_run_time": now} if is_open else {}),
    )  # fmt: skip
    scheduler.add_job(
        partial(send_accounts_due, jobs), "cron", hour=office_hours, minute=ACCOUNTS_AT_MINUTE, id="accounts"
    )
    reminding = partial(remind_of_what_is_due, jobs)
    hours = f"{REMIND_FROM_HOUR}-{REMIND_TO_HOUR}"
    at_once = {"next_run_time": now} if REMIND_FROM_HOUR <= now.hour <= REMIND_TO_HOUR else {}
    scheduler.add_job(reminding, "cron", hour=hours, minute=REMIND_AT_MINUTE, id="dunning", **at_once)
    scheduler.add_job(
        partial(prove_what_is_new, jobs), "interval", minutes=PROVE_EVERY_MINUTES, id="prove", next_run_time=now
    )
    at_night = {"hour": CHECK_AT_HOUR, "minute": CHECK_AT_MINUTE}
    scheduler.add_job(partial(check_all, jobs), "cron", id="check", **at_night)
    return scheduler
