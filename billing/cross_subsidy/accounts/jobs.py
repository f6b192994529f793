"""Tenants' accounts of the cross-subsidy by the clock: what a run makes due is queued within the hour."""

import logging

from billing.cross_subsidy.accounts.sending import send_accounts
from billing.frame.jobs import Job, JobContext, Timetable


def _send_accounts_due(context: JobContext) -> None:
    settings, now = context.settings, context.clock()
    queued = send_accounts(
        context.acting("cross-subsidy send"), settings.terms, settings.operator, context.today(), now
    )
    if queued:
        context.say(logging.INFO, "done", queued=len(queued))


# After the announcements, which mention them.
JOBS = (Job("accounts", Timetable(hours=(8, 17), minute=40, at_once=False), _send_accounts_due),)
