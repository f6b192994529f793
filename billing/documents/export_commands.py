"""The command that writes the documents of a month's run, or of some days."""

from datetime import date

import click

from billing.frame.terminal.command import Command, example
from billing.frame.terminal.exporting import output_option, table_option, write_export
from billing.frame.terminal.parameters import DAY, MONTH


@click.command(
    "documents",
    cls=Command,
    epilog=example("technopark-billing export documents --period 2026-09 --format xlsx -o documents.xlsx"),
)
@click.option("--period", type=MONTH, metavar="YYYY-MM", help="The month that was run.")
@click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day of issue; in place of --period.")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day of issue, included.")
@table_option
@output_option
def documents_command(
    period: date | None, start: date | None, until: date | None, format_name: str, output: str | None
) -> None:
    """Every document issued by a month's run, or in some days, with its lines, by number.

    With --from and --until it is the sales register: documents of runs and those made by hand.
    """
    from billing.documents.export import pieces, pieces_of_days

    if period is not None and start is None and until is None:
        write_export(lambda connection: pieces(connection, period, format_name), format_name, output)
        return
    if period is not None or start is None or until is None:
        raise click.UsageError("give --period, or both --from and --until")
    if start > until:
        raise click.UsageError(f"--from {start} comes after --until {until}")
    write_export(lambda connection: pieces_of_days(connection, start, until, format_name), format_name, output)
