"""Announcements by the clock: they leave in office hours, each once.

Due announcements are looked for every hour, so that a morning without the service, or a failure, is made up for.
"""

import logging

from billing.cross_subsidy.tier_changes.announcing import BY_THE_CLOCK, announce
from billing.frame.database import writing
from billing.frame.jobs import NAMED_MAX, Job, JobContext, Timetable


def _announce_what_is_due(context: JobContext) -> None:
    """Announce the tier changes of today, unless the settings leave it to people."""
    settings, now, day = context.settings, context.clock(), context.today()
    if not settings.terms.at(BY_THE_CLOCK, day):
        return
    with writing(context.acting("tier-changes announce")) as connection:
        report = announce(connection, settings.terms, settings.operator, day, recorded_at=now)
    for tenant, reason in report.unpriced[:NAMED_MAX]:
        context.say(logging.WARNING, "not announced", tenant=tenant, reason=reason)
    if report.announced:
        context.say(logging.INFO, "done", result=report.lines())


JOBS = (Job("tier-changes", Timetable(hours=(8, 17), minute=20), _announce_what_is_due),)
