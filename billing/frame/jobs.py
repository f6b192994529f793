"""Work of the clock: what a subject's `jobs` module declares in `JOBS`, and what each job is handed.

A job may be begun at any time, by any number of processes: what is due is read off the database, never remembered.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Event
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from billing.frame.audit_log import SCHEDULER, Act, new_request_id, on_behalf
from billing.frame.civil_time import Clock, today
from billing.frame.errors import BillingError
from billing.frame.settings import Settings
from billing.frame.subject import Subject
from invoices.errors import InvoicingError

# So many problems and failures are logged one by one.
NAMED_MAX = 50
_log = logging.getLogger("billing.scheduler")


class Say(Protocol):
    """Writes a line to the log: its level, what came of the job, and facts by name."""

    def __call__(self, level: int, outcome: str, /, **facts: Any) -> None:
        """Write the line."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """A job is given settings, database, clock (UTC), `stop` to end early, `say` for the log, all subjects."""

    settings: Settings
    engine: Engine
    clock: Clock
    stop: Event
    say: Say
    subjects: Sequence[Subject] = ()

    def acting(self, operation: str) -> Engine:
        """Return the database, where everything written is the scheduler's, by that operation."""
        return on_behalf(self.engine, Act(SCHEDULER, SCHEDULER, operation, new_request_id()), self.clock)

    def today(self) -> date:
        """Return the civil day in Casablanca (R2)."""
        return today(self.clock())


class Timetable(NamedTuple):
    """A job begins every so many minutes, or at a minute of each of these hours in Casablanca, ends included.

    With `at_once` also when the scheduler starts, if it is within these hours.
    """

    every_minutes: int | None = None
    hours: tuple[int, int] = (0, 23)
    minute: int = 0
    at_once: bool = True


class Job(NamedTuple):
    """A job by name: when it is begun, and what it does."""

    name: str
    timetable: Timetable
    work: Callable[[JobContext], None]


# Housework of a night, in the transaction of all of it: is handed a connection and the instant.
Housework = Callable[[Connection, Any], None]


def say_for(job: str) -> Say:
    """Return what writes a job's lines to the log."""

    def say(level: int, outcome: str, /, **facts: Any) -> None:
        _log.log(level, "%s: %s", job, outcome, extra={"job": job, "outcome": outcome, **facts})

    return say


def begin(job: Job, context: JobContext) -> None:
    """Do a job; what goes wrong is logged, and ends nothing."""
    try:
        job.work(context)
    except Exception as error:
        # The message of a refusal explains it; any other error needs its trace.
        trace = None if isinstance(error, BillingError | InvoicingError) else error
        facts = {"job": job.name, "outcome": "failed", "reason": str(error)}
        _log.error("%s: failed: %s", job.name, error, extra=facts, exc_info=trace)
