"""The command that prints the VAT return's working paper."""

from datetime import date

import click

from billing.frame.terminal.command import Command, database, example
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import MONTH

_FORMATS = ("html", "pdf", "xlsx", "csv", "json")


@click.command(
    "vat-return",
    cls=Command,
    epilog=example("technopark-billing report vat-return --period 2026-06 --format pdf -o tva-2026-06.pdf"),
)
@click.option("--period", type=MONTH, metavar="YYYY-MM", required=True, help="The month of the return.")
@format_option(*_FORMATS, default="html")
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def vat_return_command(period: date, format_name: str, output: str | None) -> None:
    """TVA exigible: what fell due in a month by line of the return and rate, each figure traced to receipts."""
    from billing.books.vat_return.files import vat_return_pieces
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    operator, terms = settings.operator.party, settings.terms
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        for piece in vat_return_pieces(connection, period, format_name, operator=operator, terms=terms):
            file.write(piece)
