"""The commands that write who funded whom in a month's run: the waterfall by site, the matrix by tenant."""

from datetime import date

import click

from billing.frame.terminal.command import Command, example
from billing.frame.terminal.exporting import output_option, period_option, table_option, write_export


@click.command(
    "cross-subsidy",
    cls=Command,
    epilog=example("technopark-billing export cross-subsidy --period 2026-09 --format csv"),
)
@period_option
@table_option
@output_option
def cross_subsidy_command(period: date, format_name: str, output: str | None) -> None:
    """Who funded whom in a month: contributions, draws, and how each site's need was met."""
    from billing.run.waterfall_export import pieces

    write_export(lambda connection: pieces(connection, period, format_name), format_name, output)


@click.command(
    "funding-matrix",
    cls=Command,
    epilog=example("technopark-billing export funding-matrix --period 2026-09 --format xlsx -o m.xlsx"),
)
@period_option
@table_option
@output_option
def funding_matrix_command(period: date, format_name: str, output: str | None) -> None:
    """Who funded whom in a month, tenant by tenant: what each funder gave each supported tenant, step by step."""
    from billing.run.matrix_export import pieces

    write_export(lambda connection: pieces(connection, period, format_name), format_name, output)
