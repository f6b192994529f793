"""The proof by the clock: every minute the log follows the books, within the hour a checkpoint follows the log."""

import logging

from billing.frame.jobs import Job, JobContext, Timetable
from billing.proof.keeping import keep_up
from billing.proof.publishing import publish
from billing.proof.timestamps import stamp


def _prove_what_is_new(context: JobContext) -> None:
    """Log what was committed, and sign the log when it is time."""
    _, signed = keep_up(context.settings, context.engine, context.clock)
    if signed is not None:
        try:
            stamp(context.settings, context.engine, signed)
        finally:
            if context.settings.proof_publish:
                publish(context.settings, context.acting("publish"), signed, context.clock())
        context.say(logging.INFO, "checkpoint signed", size=signed.size)


JOBS = (Job("prove", Timetable(every_minutes=1), _prove_what_is_new),)
