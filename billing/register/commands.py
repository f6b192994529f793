"""The command that loads a network folder."""

from pathlib import Path

import click

from billing.frame.terminal.command import WritingCommand, clock, database, example, subjects
from billing.frame.terminal.output import rows_progress


@click.command("import", cls=WritingCommand, epilog=example("technopark-billing import network/ --dry-run"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be new and changed.")
def import_command(folder: Path, dry_run: bool) -> None:
    """Load the network folder FOLDER: sites, services, rates, tenants, leases, usage, grants, payments.

    All or nothing: one bad row refuses the whole folder, and every fault of every file is named. Rows are
    matched by their key; importing never deletes, and importing the same folder again changes nothing.
    """
    from billing.frame.settings import load_settings
    from billing.register.network_import import import_folder

    settings = load_settings()
    further = [module.IMPORT_FILE for subject in subjects() for module in subject.loaded(subject.import_files)]
    with database(settings) as engine, rows_progress() as show:
        outcome = import_folder(
            engine, folder, now=clock(), dry_run=dry_run, progress=show, settings=settings, further=further
        )
    for line in outcome.lines():
        click.echo(line, err=line.startswith("warning:"))
