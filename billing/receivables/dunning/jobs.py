"""Reminders by the clock: they leave in office hours, a tenant is written to once a day.

What fell due is looked at every hour, so that a morning without the service, or a failure, is made up for.
"""

import logging

from billing.frame.database import writing
from billing.frame.jobs import Job, JobContext, Timetable
from billing.receivables.dunning.policy import is_automatic
from billing.receivables.dunning.sending import send_reminders


def _remind_of_what_is_due(context: JobContext) -> None:
    """Queue the reminders of today, unless the settings leave it to people."""
    now, day = context.clock(), context.today()
    if not is_automatic(context.settings.terms, day):
        return
    with writing(context.acting("dunning")) as connection:
        report = send_reminders(connection, context.settings, day, recorded_at=now)
    if report.sent:
        context.say(logging.INFO, "done", result=report.lines())


JOBS = (Job("dunning", Timetable(hours=(8, 17), minute=10), _remind_of_what_is_due),)
