"""The command that delivers what is queued."""

import time

import click

from billing.frame.terminal.command import Failure, WritingCommand, clock, database, example
from billing.frame.terminal.output import progress


@click.command("deliver", cls=WritingCommand, epilog=example("technopark-billing deliver"))
def deliver_command() -> None:
    """Render and send what is queued.

    Each mail goes to the address its tenant has by then. What fails stays queued with its reason, and the next call
    tries it again; the exit status is then 1. Each document, letter or announcement is mailed at most once, even if
    this command is killed and started again, or runs several times at once: what may have arrived is left to a person
    (HTTP API, deliveries and messages).
    """
    from billing.documents.delivery.delivering import Which, deliver
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, progress("delivering") as show:
        outcome = deliver(settings, engine, clock=clock, progress=show, which=Which.UNSENT, wait=time.sleep)
    click.echo(", ".join(outcome.lines()))
    for failure in outcome.failures:
        click.echo(str(failure), err=True)
    if outcome.unavailable is not None:
        raise Failure(f"no mail can be sent now, everything stays queued: {outcome.unavailable}")
    if outcome.failures:
        count = len(outcome.failures)
        raise Failure(f"{count} {'mail' if count == 1 else 'mails'} could not be delivered")
