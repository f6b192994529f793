"""Other systems by the clock: each hour Salesforce, if its file is set, and the dropped files, if their folder is."""

import logging

from billing.frame.jobs import NAMED_MAX, Job, JobContext, Timetable
from billing.register.network_import.further import further_files
from billing.sync.client import Client
from billing.sync.dropped import take_dropped
from billing.sync.taking_in import OPERATION, take_in
from billing.sync.writing_back import write_back


def _sync_salesforce(context: JobContext) -> None:
    """Take in what has changed in Salesforce, and tell it what is owed."""
    mapping = context.settings.salesforce
    if mapping is None:
        return
    engine, wait = context.acting(OPERATION), context.stop.wait
    client = Client(mapping.access, wait)
    report = take_in(engine, client, mapping, now=context.clock())
    if report is not None:
        context.say(logging.INFO, "taken in", new=report.new, changed=report.changed)
    if mapping.write_back is not None:
        written = write_back(engine, client, mapping.write_back, today=context.today(), wait=wait)
        for failure in written.failures[:NAMED_MAX]:
            context.say(logging.ERROR, "not told", failure=failure)
        context.say(logging.INFO, "told", records=written.told, known=written.known, refused=len(written.failures))


def _sync_folder(context: JobContext) -> None:
    """Take in the files that were dropped."""
    place = context.settings.sync_folder
    if place is None:
        return
    engine, further = context.acting("sync folder"), further_files(context.subjects)
    for taken in take_dropped(engine, place, now=context.clock(), settings=context.settings, further=further):
        if taken.report is None:
            context.say(logging.ERROR, "file refused", file=taken.name, faults=taken.refusal)
        else:
            context.say(logging.INFO, "file taken", file=taken.name, new=taken.report.new, changed=taken.report.changed)


JOBS = (
    Job("salesforce", Timetable(minute=25), _sync_salesforce),
    Job("folder", Timetable(minute=35), _sync_folder),
)
