"""The command that does the work of the clock."""

import click

from billing.frame.terminal.command import Command, clock, database, example
from billing.frame.terminal.output import warn


@click.command("scheduler", cls=Command, epilog=example("RUN_DAY=1 RUN_HOUR=6 technopark-billing scheduler"))
def scheduler_command() -> None:
    """Do the work of the clock, until stopped: the monthly run, deliveries, a nightly check.

    The month is run on day RUN_DAY at RUN_HOUR o'clock in Casablanca; what was missed while nothing ran is
    caught up. Several may run at once: a month is run once.
    """
    from billing.frame.exposed_files import exposed_files
    from billing.frame.settings import load_settings
    from billing.scheduler.scheduler import run_scheduler

    settings = load_settings()
    with database(settings):
        pass
    for sentence in exposed_files(settings):
        warn(sentence)
    run_scheduler(settings, clock=clock)
