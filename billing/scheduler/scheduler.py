"""The work of the clock, in a process of its own: the jobs of all subjects, and the nightly check.

The work to be done is read off the database each time, never remembered: so downtime is caught up, an
interrupted run is finished, and any number of replicas run a month once (`run_month` is serialised and
final; the replica that comes second finds it done).
"""

import logging
import os
import signal
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from billing.frame.civil_time import TIME_ZONE, Clock
from billing.frame.database import maintenance_transaction, open_engine
from billing.frame.http.idempotency import forget_answers
from billing.frame.jobs import NAMED_MAX, Job, JobContext, Timetable, begin, say_for
from billing.frame.settings import Settings
from billing.subjects import SUBJECTS

# The answer to an Idempotency-Key is given again for so long.
ANSWERS_KEPT = timedelta(days=30)


def _check_all(context: JobContext) -> None:
    """Do the housework of the night, then prove R22 on the whole database; each problem is logged."""
    from billing.check import check

    with maintenance_transaction(context.engine) as connection:
        forget_answers(connection, context.clock() - ANSWERS_KEPT)
        for subject in SUBJECTS:
            for module in subject.loaded(subject.jobs):
                for housework in getattr(module, "HOUSEWORK", ()):
                    housework(connection, context.clock())
    problems = check(context.engine, documents_url=context.settings.documents_url)
    for problem in problems[:NAMED_MAX]:
        context.say(logging.ERROR, "problem", problem=problem)
    context.say(logging.ERROR if problems else logging.INFO, "done", problems=len(problems))


CHECK = Job("check", Timetable(hours=(3, 3), minute=30, at_once=False), _check_all)


def all_jobs() -> list[Job]:
    """Return the jobs of all subjects, and the nightly check."""
    return [job for subject in SUBJECTS for module in subject.loaded(subject.jobs) for job in module.JOBS] + [CHECK]


def context_of(job: Job, settings: Settings, engine: Engine, clock: Clock, stop: Event) -> JobContext:
    """Return what a job is handed; `stop` ends a delivery after the mail under way."""
    return JobContext(settings, engine, clock, stop, say_for(job.name), SUBJECTS)


def make_scheduler(jobs: Iterable[Job], settings: Settings, engine: Engine, clock: Clock, stop: Event) -> Any:
    """Return the timetable, not yet started: everything that may be overdue is done at once."""
    from apscheduler.schedulers.background import BackgroundScheduler

    zone = ZoneInfo(TIME_ZONE)
    now = clock().astimezone(zone)
    # However late or often a job was missed, it is done once.
    scheduler = BackgroundScheduler(
        timezone=zone, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for job in jobs:
        first, last = job.timetable.hours
        options: dict[str, Any] = {"trigger": "cron", "hour": f"{first}-{last}", "minute": job.timetable.minute}
        if job.timetable.every_minutes is not None:
            options = {"trigger": "interval", "minutes": job.timetable.every_minutes}
        if job.timetable.at_once and first <= now.hour <= last:
            options["next_run_time"] = now
        work = partial(begin, job, context_of(job, settings, engine, clock, stop))
        scheduler.add_job(work, id=job.name, **options)
    return scheduler


def run_scheduler(settings: Settings, *, clock: Clock) -> None:
    """Do the work of the clock until SIGTERM or SIGINT: the job under way is finished first.

    A second signal ends the process at once, which is as safe as any crash.
    """
    from billing.frame.logs import configure_logging

    configure_logging(settings.log_format)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    engine = open_engine(settings.database_url)
    stop = Event()
    stop_signal = _stop_signals()
    scheduler = make_scheduler(all_jobs(), settings, engine, clock, stop)
    say = say_for("scheduler")
    scheduler.start()
    say(logging.INFO, "started", run_day=settings.run_day, run_hour=settings.run_hour)
    try:
        os.read(stop_signal, 1)
    finally:
        stop.set()
        scheduler.shutdown(wait=True)
        engine.dispose()
    say(logging.INFO, "stopped")


def _stop_signals() -> int:
    """Return a file descriptor that can be read once SIGTERM or SIGINT has come."""
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
