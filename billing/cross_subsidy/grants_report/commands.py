"""The command that writes a year's report on grants."""

import click

from billing.frame.terminal.command import Command, database, example
from billing.frame.terminal.output import destination, require_showable


@click.command(
    "grants",
    cls=Command,
    epilog=example("technopark-billing report grants --year 2026 --grant G2026-SM --output souss-massa-2026.pdf"),
)
@click.option("--year", type=click.IntRange(1900, 2199), required=True, help="The year of the months that were run.")
@click.option("--funder", metavar="NAME", help="Those of this funder, as grants.csv names it.")
@click.option("--grant", metavar="CODE", help="This one alone.")
@click.option("--format", "format_name", type=click.Choice(("pdf", "xlsx", "json")), default="pdf", show_default=True)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def grants_command(year: int, funder: str | None, grant: str | None, format_name: str, output: str | None) -> None:
    """Write what became of grants in a year, for those who gave them: received, used for whom, carried over.

    Month by month and firm by firm, by name; every sum is that of 9208, to the centime, or no report is given.
    """
    from billing.cross_subsidy.grants_report.files import grants_pdf, grants_workbook
    from billing.cross_subsidy.grants_report.shapes import GrantsYear
    from billing.cross_subsidy.grants_report.year import grants_year
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        report = grants_year(connection, year, funder, grant)
    with destination(output) as stream:
        if format_name == "pdf":
            stream.write(grants_pdf(report, settings.operator.party))
        elif format_name == "xlsx":
            stream.writelines(grants_workbook(report))
        else:
            stream.write(indented(GrantsYear.of(report)))
