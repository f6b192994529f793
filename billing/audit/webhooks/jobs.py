"""Webhooks by the clock: every minute each endpoint is told what is new; by night old attempts are forgotten."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from billing.audit.webhooks.delivering import deliver_webhooks
from billing.audit.webhooks.tables import webhook_attempt
from billing.frame.jobs import NAMED_MAX, Job, JobContext, Timetable

# The log says what was tried for so long.
LOG_KEPT = timedelta(days=90)
# A turn ends in time for the next pass to begin with the minute.
_TURN_S = 40


def _deliver_what_is_new(context: JobContext) -> None:
    report = deliver_webhooks(
        context.settings, context.acting("webhooks deliver"), clock=context.clock, turn_s=_TURN_S, stop=context.stop
    )
    for failure in report.failures[:NAMED_MAX]:
        context.say(logging.WARNING, "not delivered", reason=failure)
    for number in report.disabled[:NAMED_MAX]:
        context.say(logging.ERROR, "endpoint disabled", number=number)
    if report.sent:
        context.say(logging.INFO, "done", sent=report.sent)


def _forget_attempts(connection: Connection, now: datetime) -> None:
    connection.execute(delete(webhook_attempt).where(webhook_attempt.c.attempted_at < now - LOG_KEPT))


JOBS = (Job("webhooks", Timetable(every_minutes=1), _deliver_what_is_new),)
HOUSEWORK = (_forget_attempts,)
