"""The commands of the group `export` share their options, and write a table from one snapshot."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from billing.frame.terminal.command import database
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import MONTH

if TYPE_CHECKING:
    from sqlalchemy import Connection

output_option = click.option(
    "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
)
table_option = click.option(
    "--format", "format_name", type=click.Choice(("json", "csv", "xlsx")), default="json", show_default=True
)
period_option = click.option("--period", type=MONTH, metavar="YYYY-MM", required=True, help="The month that was run.")


def write_export(pieces: "Callable[[Connection], Iterable[bytes]]", format_name: str, output: str | None) -> None:
    """Write the pieces of a file, made from one snapshot of the settings' database, to where it was asked for."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    with database(load_settings()) as engine, reading(engine) as connection, destination(output) as file:
        file.writelines(pieces(connection))
