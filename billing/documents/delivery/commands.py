"""The commands of delivery: send what is queued, list what has not left, settle what may have arrived."""

import time

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import Command, Failure, Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import progress, report, table, warn


@click.command("deliver", cls=WritingCommand, epilog=example("technopark-billing deliver"))
def deliver_command() -> None:
    """Render and send what is queued.

    Each mail goes to the address its tenant has by then. What fails stays queued with its reason, and the next call
    tries it again; the exit status is then 1. Each document, letter or announcement is mailed at most once, even if
    this command is killed and started again, or runs several times at once: what may have arrived is left to a person
    (`deliveries settle`).

    It stops, with no attempt counted, when the mail server can't be reached or this machine can make or keep no PDF;
    and when the server leaves open of three mails in a row whether it took them.
    """
    from billing.documents.delivery.delivering import Which, deliver
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, progress("delivering") as show:
        outcome = deliver(settings, engine, clock=clock, progress=show, which=Which.UNSENT, wait=time.sleep)
    click.echo(", ".join(outcome.lines()))
    for missed in outcome.missed:
        warn(missed)
    for failure in outcome.failures:
        click.echo(str(failure), err=True)
    if outcome.unavailable is not None:
        raise Failure(f"delivery was stopped, the rest stays queued: {outcome.unavailable}")
    if outcome.failures:
        raise Failure(f"{counted(len(outcome.failures), 'mail')} could not be delivered")


@click.group("deliveries", cls=Group)
def deliveries_command() -> None:
    """Mails with documents, reminders and announcements: which have not left and why; settle what may have arrived."""


@deliveries_command.command("list", cls=Command, epilog=example("technopark-billing deliveries list --state unknown"))
@click.option("--state", type=click.Choice(("queued", "failed", "unknown")), help="Default: all that has not left.")
def list_command(state: str | None) -> None:
    """List the mails that have not left, and those of which nobody knows whether they have (unknown)."""
    from billing.documents.delivery.queries import unsent_mails
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    with database(load_settings()) as engine, reading(engine) as connection:
        mails = unsent_mails(connection, state)
    rows = [(mail.number, mail.tenant, mail.state, mail.attempts, mail.recipient, mail.reason) for mail in mails]
    table("Mails that have not left", ("number", "tenant", "state", "attempts", "recipient", "reason"), rows)


@deliveries_command.command(
    "settle",
    cls=WritingCommand,
    epilog=example("technopark-billing deliveries settle --all --sent --reason 'Journal du serveur de messagerie'"),
)
@click.argument("numbers", metavar="[NUMBER]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All mails whose outcome is unknown.")
@click.option("--sent", "settlement", flag_value="sent", help="They have arrived: they are not sent again.")
@click.option("--again", "settlement", flag_value="again", help="They have not: the next delivery sends them again.")
def settle_command(numbers: tuple[str, ...], everything: bool, settlement: str | None) -> None:
    """Say of mails of unknown outcome whether they arrived (--sent) or are to be sent --again; the reason is required.

    Such a mail was handed over, but the mail server's answer was lost or could not be read: look for it in that
    server's log, or ask the tenant. Sent again it bears the same Message-ID.
    """
    from billing.documents.delivery.settling import Settlement, settle_deliveries
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    if bool(numbers) == everything:
        raise click.UsageError("name the mails (FA-2026-000012, ME-000012 …), or give --all: one of both")
    if settlement is None:
        raise click.UsageError("give --sent if they have arrived, --again if they are to be sent again")
    with database(load_settings()) as engine, writing(engine) as connection:
        settled = settle_deliveries(connection, Settlement(settlement), numbers or None, now=clock())
    is_sent = settlement == Settlement.SENT
    report(
        [f"{number} {'has arrived' if is_sent else 'is sent again'}" for number in settled] or ["nothing is unknown"]
    )
