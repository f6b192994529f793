"""The command that runs a month."""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from billing.frame.terminal.command import Failure, WritingCommand, clock, database, example
from billing.frame.terminal.exporting import dialect_option, in_dialect
from billing.frame.terminal.output import destination, progress, report, warn
from billing.frame.terminal.parameters import DAY, MONTH

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from billing.frame.settings import Settings
    from billing.run.report import RunReport


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
@click.option("--digest", metavar="sha256:…", help="Of a review: refuse the run if it would issue anything else.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print the same totals.")
@click.option(
    "--output",
    metavar="FILE",
    help="Of a dry run: write its review, document by document, as .json, .csv, .xlsx or .pdf.",
)
@dialect_option
@click.option("--no-delivery", is_flag=True, help="Queue nothing for delivery.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes. Default: as many as are of use.")
def run_command(  # noqa: PLR0913 - a command's options
    period: date,
    issued_on: date | None,
    catch_up: bool,
    digest: str | None,
    dry_run: bool,
    output: str | None,
    no_delivery: bool,
    workers: int | None,
) -> None:
    """Bill the month YYYY-MM: prices, documents, numbers, entries, cross-subsidy, queued deliveries.

    A completed month is final: running it again issues nothing, apart from tenants that could not be billed
    and whose data has been mended since. A run that was interrupted is finished by running it again.
    When a tenant can't be billed all others are; it is named with the reason, and the exit status is 1.
    A month later than the next one is refused, and so is one before which another has not run, unless --catch-up.

    Review a month first: --dry-run --output FILE shows each document against the month before, with reasons and flags.
    The run ordered with the --digest of that review issues just these documents, or is refused.
    """
    from billing.frame.settings import load_settings
    from billing.run.month import run_month

    if output is not None and not dry_run:
        raise click.UsageError("--output goes with --dry-run: what a run issued is written by `export documents`")
    if digest is not None and dry_run:
        raise click.UsageError("--digest goes with the run itself, not with --dry-run")
    settings = load_settings()
    with database(settings) as engine:
        if settings.operator.is_demonstration:
            warn("OPERATOR_FILE is not set: documents bear the made-up operator of the demonstration")
        if dry_run:
            how = {"clock": clock, "issued_on": issued_on, "catch_up": catch_up}
            outcome = _previewed(settings, engine, period, output, how)
        else:
            with progress(f"billing {period:%Y-%m}") as show:
                outcome = run_month(
                    settings,
                    engine,
                    period,
                    clock=clock,
                    issued_on=issued_on,
                    catch_up=catch_up,
                    digest=digest,
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


def _previewed(
    settings: "Settings", engine: "Engine", period: date, output: str | None, how: "dict[str, Any]"
) -> "RunReport":
    """Return what the month would give; where a file is named, its review is written there."""
    if output is None:
        from billing.run.preview import preview_month

        return preview_month(engine, period, **how)
    from billing.run.review.files import format_of, pieces
    from billing.run.review.reviewing import review_month

    file_format = in_dialect(format_of(output))
    review = review_month(engine, period, **how)
    with destination(output) as stream:
        stream.writelines(pieces(review, file_format, settings.operator.party))
    click.echo(f"{output}: {review.summary()}")
    return review.report
