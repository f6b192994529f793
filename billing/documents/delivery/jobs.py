"""Delivery by the clock: every minute what is due is sent."""

import logging

from billing.documents.delivery.delivering import Which, deliver
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.frame.jobs import NAMED_MAX, Job, JobContext, Say, Timetable


def _deliver_what_is_due(context: JobContext) -> None:
    report = deliver(
        context.settings, context.acting("deliver"), clock=context.clock, which=Which.DUE, stop=context.stop
    )
    say_delivered(report, context.say)


def say_delivered(report: DeliveryReport, say: Say) -> None:
    """Log what was sent and what was not; nothing when there was nothing to do."""
    for failure in report.failures[:NAMED_MAX]:
        say(logging.WARNING, "not delivered", number=failure.number, reason=failure.reason)
    for missed in report.missed[:NAMED_MAX]:
        say(logging.WARNING, "not sent to all", reason=missed)
    if report.unavailable is not None:
        say(logging.ERROR, "delivery stopped", reason=report.unavailable, queued=report.queued)
    if report.sent or report.failures:
        say(logging.INFO, "done", sent=report.sent, queued=report.queued, failed=report.failed)


JOBS = (Job("deliver", Timetable(every_minutes=1), _deliver_what_is_due),)
