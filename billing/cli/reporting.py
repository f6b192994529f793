"""The commands that print the books for an accountant. A further report is a command of `report_command`."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import click

from billing.cli.parameters import DAY, MONTH
from billing.cli.program import Command, Group, database, example
from billing.cli.receivables_reports import COMMANDS as OF_RECEIVABLES
from billing.cli.terminal import destination, require_showable

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
    """What every book can be asked for."""
    options = (
        click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day. Default: the beginning."),
        click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day, included. Default: the end."),
        click.option("--account", metavar="NUMBER", help="Accounts that begin so: 3421, 71, 9."),
        click.option("--tenant", metavar="CODE", help="Postings of one tenant."),
        click.option("--site", metavar="CODE", help="Postings of one site."),
        click.option("--format", "format_name", type=click.Choice(_FORMATS), default="html", show_default=True),
        click.option(
            "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _write(
    name: str,
    *,
    start: date | None,
    until: date | None,
    account: str | None,
    tenant: str | None,
    site: str | None,
    format_name: str,
    output: str | None,
) -> None:
    from billing.config import load_settings
    from billing.db import reading
    from billing.reports import Asked, report_pieces

    if start is not None and until is not None and start > until:
        raise click.UsageError(f"--from {start} comes after --until {until}")
    require_showable(format_name, output)
    settings = load_settings()
    asked = Asked(start, until, account, tenant, site)
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


@report_command.command(
    "vat-return",
    epilog=example("technopark-billing report vat-return --period 2026-06 --format pdf -o tva-2026-06.pdf"),
)
@click.option("--period", type=MONTH, metavar="YYYY-MM", required=True, help="The month of the return.")
@click.option("--format", "format_name", type=click.Choice(_FORMATS), default="html", show_default=True)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def vat_return_command(period: date, format_name: str, output: str | None) -> None:
    """TVA exigible: what fell due in a month by line of the return and rate, each figure traced to receipts."""
    from billing.config import load_settings
    from billing.db import reading
    from billing.vat_return.files import vat_return_pieces

    require_showable(format_name, output)
    settings = load_settings()
    operator, terms = settings.operator.party, settings.terms
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        for piece in vat_return_pieces(connection, period, format_name, operator=operator, terms=terms):
            file.write(piece)


@report_command.command(
    "cross-subsidy-year",
    cls=Command,
    epilog=example("technopark-billing report cross-subsidy-year --year 2026 --output perequation-2026.pdf"),
)
@click.option("--year", type=click.IntRange(1900, 2199), required=True, help="The year of the months that were run.")
@click.option("--format", "format_name", type=click.Choice(("pdf", "xlsx", "json")), default="pdf", show_default=True)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def cross_subsidy_year_command(year: int, format_name: str, output: str | None) -> None:
    """The year's statement of the péréquation, for the board and the regions: who funded whom, without names.

    Every figure is that of the ledger's entries of the year's months, to the centime; where one is not, none is given.
    """
    import json

    from billing.config import load_settings
    from billing.cross_subsidy.year import year_statement
    from billing.cross_subsidy.year_paper import year_pdf
    from billing.cross_subsidy.year_tables import year_json, year_workbook
    from billing.db import reading

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        found = year_statement(connection, year)
    with destination(output) as stream:
        if format_name == "pdf":
            stream.write(year_pdf(found, settings.operator.party))
        elif format_name == "xlsx":
            stream.writelines(year_workbook(found))
        else:
            stream.write(json.dumps(year_json(found), ensure_ascii=False, indent=2).encode() + b"\n")


for _of_receivables in OF_RECEIVABLES:
    report_command.add_command(_of_receivables)
