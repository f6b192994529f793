"""The commands of the month: import, run, deliver."""

import time
from datetime import date
from pathlib import Path

import click

from billing.cli.parameters import DAY, MONTH
from billing.cli.program import Failure, WritingCommand, clock, database, example
from billing.cli.terminal import progress, report, rows_progress, warn


@click.command("import", cls=WritingCommand, epilog=example("technopark-billing import network/ --dry-run"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be new and changed.")
def import_command(folder: Path, dry_run: bool) -> None:
    """Load the network folder FOLDER: sites, services, rates, tenants, leases, usage, grants, payments.

    All or nothing: one bad row refuses the whole folder, and every fault of every file is named. Rows are
    matched by their key; importing never deletes, and importing the same folder again changes nothing.
    """
    from billing.config import load_settings
    from billing.network_import import import_folder

    settings = load_settings()
    with database(settings) as engine, rows_progress() as show:
        found = import_folder(engine, folder, now=clock(), dry_run=dry_run, progress=show, settings=settings)
    for line in found.lines():
        click.echo(line, err=line.startswith("warning:"))


@click.command("run", cls=WritingCommand, epilog=example("technopark-billing run 2026-09 --issue-date 2026-09-01"))
@click.argument("period", type=MONTH, metavar="YYYY-MM")
@click.option(
    "--issue-date",
    "issued_on",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="The documents' date. Default: today in Casablanca.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; print the same totals.")
@click.option("--no-delivery", is_flag=True, help="Queue nothing for delivery.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes. Default: as many as are of use.")
def run_command(period: date, issued_on: date | None, dry_run: bool, no_delivery: bool, workers: int | None) -> None:
    """Bill the month YYYY-MM: prices, documents, numbers, entries, cross-subsidy, queued deliveries.

    A completed month is final: running it again issues nothing, apart from tenants that could not be billed
    and whose data has been mended since. A run that was interrupted is finished by running it again.
    When a tenant can't be billed all others are; it is named with the reason, and the exit status is 1.
    """
    from billing.config import load_settings
    from billing.run import preview_month, run_month

    settings = load_settings()
    with database(settings) as engine:
        if settings.operator.is_demonstration:
            warn("OPERATOR_FILE is not set: documents bear the made-up operator of the demonstration")
        if dry_run:
            outcome = preview_month(engine, period, clock=clock, issued_on=issued_on)
        else:
            with progress(f"billing {period:%Y-%m}") as show:
                outcome = run_month(
                    settings,
                    engine,
                    period,
                    clock=clock,
                    issued_on=issued_on,
                    deliver=not no_delivery,
                    workers=workers,
                    progress=show,
                )
    report(outcome.lines())
    for tenant, message in outcome.errors:
        click.echo(f"{tenant}: {message}", err=True)
    if outcome.errors:
        count = len(outcome.errors)
        raise Failure(f"{count} {'tenant' if count == 1 else 'tenants'} could not be billed; all others are")


@click.command("deliver", cls=WritingCommand, epilog=example("technopark-billing deliver"))
def deliver_command() -> None:
    """Render and send what is queued.

    What fails stays queued with its reason, and the next call tries it again, to the tenant's present address; the
    exit status is then 1. Each document, letter or announcement is mailed at most once, even if this command is killed
    and started again, or runs several times at once: what may have arrived is left to a person (HTTP API, deliveries
    and messages).
    """
    from billing.config import load_settings
    from billing.delivery import Which, deliver

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
