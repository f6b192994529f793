"""The commands that load a network folder, and write one to be filled in."""

from pathlib import Path

import click

from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example, subjects
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import rows_progress


@click.command("import", cls=WritingCommand, epilog=example("technopark-billing import network/ --dry-run"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be new and changed.")
def import_command(folder: Path, dry_run: bool) -> None:
    """Load the network folder FOLDER: sites, services, rates, tenants, leases, usage, grants, payments.

    Each file is CSV, as a program or a French spreadsheet writes it, or an .xlsx; or all are sheets of network.xlsx.
    All or nothing: one bad row refuses the whole folder, and every fault of every file is named. Rows are
    matched by their key; importing never deletes, and importing the same folder again changes nothing.
    """
    from billing.frame.settings import load_settings
    from billing.register.network_import import import_folder
    from billing.register.network_import.further import further_files

    settings = load_settings()
    with database(settings) as engine, rows_progress() as show:
        outcome = import_folder(
            engine,
            folder,
            now=clock(),
            dry_run=dry_run,
            progress=show,
            settings=settings,
            further=further_files(subjects()),
        )
    for line in outcome.lines():
        click.echo(line, err=line.startswith("warning:"))


@click.group("network", cls=Group)
def network_command() -> None:
    """Prepare a network folder."""


@network_command.command(
    "template", cls=Command, epilog=example("technopark-billing network template mon-reseau --format xlsx")
)
@click.argument("folder", type=click.Path(path_type=Path))
@format_option("csv", "xlsx", default="csv")
def template_command(folder: Path, format_name: str) -> None:
    """Write a network folder to be filled in: every file with its columns, example rows, and what the columns hold.

    In `xlsx` it is one workbook, network.xlsx, whose sheet Colonnes explains the others. The examples belong together
    and can be imported (--dry-run); replace them by your own rows. No file is overwritten.
    """
    from billing.register.network_import.further import further_files
    from billing.register.network_import.template import write_template

    layouts = [further.layout for further in further_files(subjects())]
    for name in write_template(folder, format_name, layouts):
        click.echo(folder / name)
