"""What commands that write tables share: their options, and a table written from one snapshot."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from billing.frame.terminal.command import database
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import MONTH

if TYPE_CHECKING:
    from sqlalchemy import Connection

output_option = click.option(
    "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
)
_DIALECT = f"{__name__}.dialect"


def _remember(context: click.Context, _parameter: click.Parameter, dialect: str | None) -> None:
    context.meta[_DIALECT] = dialect


# Read before the format, which it changes.
dialect_option = click.option(
    "--dialect",
    type=click.Choice(("fr",)),
    is_eager=True,
    expose_value=False,
    callback=_remember,
    help="Of csv: as a French spreadsheet opens it (`;`, decimal comma, dd/mm/yyyy).",
)


def in_dialect(format_name: str) -> str:
    """Return the format of a table in the dialect that the command was asked for."""
    if click.get_current_context().meta.get(_DIALECT) is None:
        return format_name
    if format_name != "csv":
        raise click.UsageError("--dialect fr is a way of writing csv: give --format csv")
    from ledger.exports.tables import FRENCH_CSV

    return FRENCH_CSV


def format_option(*choices: str, default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option --format with these choices, and --dialect beside it."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        chosen = click.option(
            "--format",
            "format_name",
            type=click.Choice(choices),
            default=default,
            show_default=True,
            callback=lambda _context, _parameter, name: in_dialect(name),
        )
        return chosen(dialect_option(command))

    return decorated


table_option = format_option("json", "csv", "xlsx", default="json")
period_option = click.option("--period", type=MONTH, metavar="YYYY-MM", required=True, help="The month that was run.")


def require_no_output(output: str | None) -> None:
    """Refuse to write a table for people into a file."""
    if output is not None:
        raise click.UsageError("a table is for the terminal: give --format json, csv or xlsx with --output")


def write_export(pieces: "Callable[[Connection], Iterable[bytes]]", format_name: str, output: str | None) -> None:
    """Write the pieces of a file, made from one snapshot of the settings' database, to where it was asked for."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    with database(load_settings()) as engine, reading(engine) as connection, destination(output) as file:
        file.writelines(pieces(connection))
