"""The command that writes the documents of a month's run."""

from datetime import date

import click

from billing.frame.terminal.command import Command, example
from billing.frame.terminal.exporting import output_option, period_option, table_option, write_export


@click.command(
    "documents",
    cls=Command,
    epilog=example("technopark-billing export documents --period 2026-09 --format xlsx -o documents.xlsx"),
)
@period_option
@table_option
@output_option
def documents_command(period: date, format_name: str, output: str | None) -> None:
    """Every document issued by a month's run, with its lines, by number."""
    from billing.documents.export import pieces

    write_export(lambda connection: pieces(connection, period, format_name), format_name, output)
