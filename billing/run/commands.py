"""The command that runs a month."""

from datetime import date

import click

from billing.frame.terminal.command import Failure, WritingCommand, clock, database, example
from billing.frame.terminal.output import progress, report, warn
from billing.frame.terminal.parameters import DAY, MONTH


@click.command("run", cls=WritingCommand, epilog=example("technopark-billing run 2026-09 --issue-date 2026-09-01"))
@click.argument("period", type=MONTH, metavar="YYYY-MM")
@click.option(
    "--issue-date",
    "issued_on",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="The documents' date, at most 31 days ahead. Default: today in Casablanca.",
)
@click.option("--catch-up", is_flag=True, help="Bill the months that have not run before it, too.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print the same totals.")
@click.option("--no-delivery", is_flag=True, help="Queue nothing for delivery.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes. Default: as many as are of use.")
def run_command(
    period: date, issued_on: date | None, catch_up: bool, dry_run: bool, no_delivery: bool, workers: int | None
) -> None:
    """Bill the month YYYY-MM: prices, documents, numbers, entries, cross-subsidy, queued deliveries.

    A completed month is final: running it again issues nothing, apart from tenants that could not be billed
    and whose data has been mended since. A run that was interrupted is finished by running it again.
    When a tenant can't be billed all others are; it is named with the reason, and the exit status is 1.
    A month later than the next one is refused, and so is one before which another has not run, unless --catch-up.
    """
    from billing.frame.settings import load_settings
    from billing.run.month import preview_month, run_month

    settings = load_settings()
    with database(settings) as engine:
        if settings.operator.is_demonstration:
            warn("OPERATOR_FILE is not set: documents bear the made-up operator of the demonstration")
        if dry_run:
            outcome = preview_month(engine, period, clock=clock, issued_on=issued_on, catch_up=catch_up)
        else:
            with progress(f"billing {period:%Y-%m}") as show:
                outcome = run_month(
                    settings,
                    engine,
                    period,
                    clock=clock,
                    issued_on=issued_on,
                    catch_up=catch_up,
                    deliver=not no_delivery,
                    workers=workers,
                    progress=show,
                )
    report(outcome.lines())
    for warning in outcome.warnings:
        warn(warning)
    for tenant, message in outcome.errors:
        click.echo(f"{tenant}: {message}", err=True)
    if outcome.errors:
        count = len(outcome.errors)
        raise Failure(f"{count} {'tenant' if count == 1 else 'tenants'} could not be billed; all others are")
