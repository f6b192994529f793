"""The command that writes the annual report on the cross-subsidy."""

import click

from billing.frame.terminal.command import Command, database, example
from billing.frame.terminal.output import destination, require_showable


@click.command(
    "cross-subsidy-year",
    cls=Command,
    epilog=example("technopark-billing report cross-subsidy-year --year 2026 --output perequation-2026.pdf"),
)
@click.option("--year", type=click.IntRange(1900, 2199), required=True, help="The year of the months that were run.")
@click.option("--format", "format_name", type=click.Choice(("pdf", "xlsx", "json")), default="pdf", show_default=True)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def cross_subsidy_year_command(year: int, format_name: str, output: str | None) -> None:
    """Write the annual report on the péréquation, for the board and the regions: who funded whom, without names.

    Every figure is that of the ledger's entries of the year's months, to the centime; where one is not, none is given.
    """
    from billing.cross_subsidy.annual_report.queries import year_statement
    from billing.cross_subsidy.annual_report.shapes import CrossSubsidyYear
    from billing.cross_subsidy.annual_report.year_paper import year_pdf
    from billing.cross_subsidy.annual_report.year_tables import year_workbook
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        report = year_statement(connection, year)
    with destination(output) as stream:
        if format_name == "pdf":
            stream.write(year_pdf(report, settings.operator.party))
        elif format_name == "xlsx":
            stream.writelines(year_workbook(report))
        else:
            stream.write(indented(CrossSubsidyYear.of(report)))
