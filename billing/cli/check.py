"""The command that proves the whole database."""

import click

from billing.frame.terminal.command import Command, Failure, database, example
from billing.frame.terminal.output import progress, warn


@click.command("check", cls=Command, epilog=example("technopark-billing check"))
@click.option("--files/--no-files", default=True, show_default=True, help="Also read every stored PDF.")
def check_command(files: bool) -> None:
    """Prove the whole database: books, documents, numbers, runs, stored PDFs.

    Every entry balances, every document recomputes from its workings and is booked, every usage event
    is billed once, every waterfall computes again, and the database still refuses to change them. Each
    problem is named on standard error. Nothing is changed; a run may be under way.
    """
    from billing.check import whole_check
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, progress("checking") as show:
        problems, warnings, witnessed = whole_check(settings, engine, files=files, progress=show)
    for sentence in warnings:
        warn(sentence)
    if problems:
        for problem in problems:
            click.echo(problem, err=True)
        raise Failure(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} found")
    click.echo("proved: books, documents, numbers, runs and triggers agree")
    for standing in witnessed:
        if standing.last is not None:
            click.echo(str(standing))
