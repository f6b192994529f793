"""The operator's commands: migrate, check, serve, scheduler."""

import click

from billing.cli.program import Command, Failure, clock, database, example
from billing.cli.terminal import progress, warn


@click.command("migrate", cls=Command, epilog=example("technopark-billing migrate"))
@click.option(
    "--service-role",
    metavar="ROLE",
    help="PostgreSQL: the role the service connects as; it is given what it needs, and nothing else. "
    "Default: SERVICE_ROLE.",
)
def migrate_command(service_role: str | None) -> None:
    """Create the database's schema, or bring it up to date.

    Repeating it changes nothing. It must be done once before everything else, and after each upgrade
    of the program. On PostgreSQL do it as the owner of the schema, and run the service as another role.
    """
    from billing.config import load_settings
    from billing.schema import migrate

    settings = load_settings()
    with database(settings, migrated=False) as engine:
        before, after = migrate(engine, service_role or settings.service_role)
    if before == after:
        click.echo(f"the schema is at version {after} already: nothing changed")
    else:
        click.echo(f"the schema is now at version {after}" + (f", from {before}" if before else ""))


@click.command("check", cls=Command, epilog=example("technopark-billing check"))
@click.option("--files/--no-files", default=True, show_default=True, help="Also read every stored PDF.")
def check_command(files: bool) -> None:
    """Prove the whole database: books, documents, numbers, runs, stored PDFs.

    Every entry balances, every document recomputes from its workings and is booked, every usage event
    is billed once, every waterfall computes again, and the database still refuses to change them. Each
    problem is named on standard error. Nothing is changed; a run may be under way.
    """
    from billing.check import check
    from billing.config import load_settings
    from billing.db import reading
    from billing.roles import excessive_rights

    settings = load_settings()
    with database(settings) as engine, progress("checking") as show:
        problems = check(engine, documents_url=settings.documents_url if files else None, progress=show)
        with reading(engine) as connection:
            rights = excessive_rights(connection)
    for sentence in rights:
        warn(sentence)
    if problems:
        for problem in problems:
            click.echo(problem, err=True)
        raise Failure(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} found")
    click.echo("proved: books, documents, numbers, runs and guards agree")


@click.command("serve", cls=Command, epilog=example("technopark-billing serve --host 0.0.0.0 --port 8000 --workers 2"))
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes. Default: one a processor core.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def serve_command(host: str, port: int, workers: int | None) -> None:
    """Serve the HTTP API, until stopped.

    Its description is at /openapi.json, to be browsed at /docs; make a token with `token create`.
    """
    from billing.config import load_settings
    from billing.serve import serve

    settings = load_settings()
    with database(settings):
        pass
    serve(settings, host=host, port=port, workers=workers)


@click.command("scheduler", cls=Command, epilog=example("RUN_DAY=1 RUN_HOUR=6 technopark-billing scheduler"))
def scheduler_command() -> None:
    """Do the work of the clock, until stopped: the monthly run, deliveries, a nightly check.

    The month is run on day RUN_DAY at RUN_HOUR o'clock in Casablanca; what was missed while nothing ran is
    caught up. Several may run at once: a month is run once.
    """
    from billing.config import load_settings
    from billing.scheduler import run_scheduler

    settings = load_settings()
    with database(settings):
        pass
    run_scheduler(settings, clock=clock)
