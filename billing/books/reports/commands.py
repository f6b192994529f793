"""The commands that print the books for an accountant."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import click

from billing.frame.terminal.command import Command, Group, database, example
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import DAY

_FORMATS = ("html", "pdf", "xlsx", "csv", "json")
# Report, its French name, what it holds.
_BOOKS = (
    ("journal", "Livre-journal", "every entry, day by day, with the sums of each month"),
    ("ledger", "Grand-livre", "account by account what stood before, every posting, the balance after each"),
    ("trial-balance", "Balance générale", "every account's opening balance, movements, closing balance"),
    ("auxiliary-balance", "Balance auxiliaire", "the same by tenant (3421, 4428 …) and by grant (9208)"),
    ("centralised-journal", "Journal centralisateur", "month by month what each journal booked to each account"),
)


@click.group("report", cls=Group)
def report_command() -> None:
    """Write a book as accountants expect it, in French: HTML, PDF, XLSX, CSV or JSON.

    Class 9 stands apart from the general ledger, in parts of their own. A file is written whole or left as it was.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every book has."""
    options = (
        click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day. Default: the beginning."),
        click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day, included. Default: the end."),
        click.option("--account", metavar="NUMBER", help="Accounts that begin so: 3421, 71, 9."),
        click.option("--tenant", metavar="CODE", help="Postings of one tenant."),
        click.option("--site", metavar="CODE", help="Postings of one site."),
        format_option(*_FORMATS, default="html"),
        click.option(
            "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _write(
    name: str, *, start: date | None, until: date | None, format_name: str, output: str | None, **filters: str | None
) -> None:
    """Write a book; `filters` are the account, tenant and site."""
    from billing.books.reports.writing import Asked, report_pieces
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    if start is not None and until is not None and start > until:
        raise click.UsageError(f"--from {start} comes after --until {until}")
    require_showable(format_name, output)
    settings = load_settings()
    asked = Asked(start, until, **filters)
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        for piece in report_pieces(connection, name, asked, format_name, operator=settings.operator.party):
            file.write(piece)


for _name, _title, _holds in _BOOKS:
    _book = _options(partial(_write, _name))
    report_command.add_command(
        click.command(
            _name,
            cls=Command,
            help=f"{_title}: {_holds}.",
            short_help=f"{_title}: {_holds}.",
            epilog=example(
                f"technopark-billing report {_name} --from 2026-01-01 --until 2026-12-31 --format pdf -o {_name}.pdf"
            ),
        )(_book)
    )
