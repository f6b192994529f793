"""The command that writes the indicators of a year or a month."""

from datetime import date
from typing import TYPE_CHECKING

import click

from billing.frame.terminal.command import Command, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output
from billing.frame.terminal.output import destination, require_showable, table
from billing.frame.terminal.parameters import MONTH

if TYPE_CHECKING:
    from billing.cross_subsidy.indicators.report import IndicatorReport

_SHOWN = (
    "firms", "entered", "left", "renewal", "success", "survival_5y", "jobs", "satisfaction", "export_share",
    "advantage", "cost_per_job",
)  # fmt: skip


@click.command(
    "indicators",
    cls=Command,
    epilog=example("technopark-billing report indicators --year 2026 --format pdf -o indicateurs.pdf"),
)
@click.option("--year", type=click.IntRange(1900, 2199), help="The year.")
@click.option("--period", type=MONTH, metavar="YYYY-MM", help="A month, in place of a year.")
@click.option("--rows", is_flag=True, help="With --format json: also how each firm counts.")
@format_option("table", "json", "csv", "xlsx", "pdf", default="table")
@output_option
def indicators_command(year: int | None, period: date | None, rows: bool, format_name: str, output: str | None) -> None:
    """Write the indicators of a year or a month for the board: firms that came, left, succeeded; jobs; the money.

    By site and for the network, by the state of the period's last day. A blank (JSON: null): no data stands behind the
    figure. json says what each figure counts; xlsx holds the rows behind them; pdf is two pages.
    """
    from billing.cross_subsidy.indicators.files import pieces
    from billing.cross_subsidy.indicators.paper import indicators_pdf
    from billing.cross_subsidy.indicators.periods import year_period
    from billing.cross_subsidy.indicators.queries import indicator_report
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.register.occupancy.queries import occupancy
    from pricing.period import month_period

    if year is not None and period is None:
        days = year_period(year)
    elif period is not None and year is None:
        days = month_period(period)
    else:
        raise click.UsageError("give --year or --period, one of them")
    if rows and format_name != "json":
        raise click.UsageError("--rows is for --format json; xlsx always holds them")
    if format_name == "table":
        require_no_output(output)
    else:
        require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        report = indicator_report(connection, days)
        occupied = occupancy(connection, report.period.last_day)
    if format_name == "table":
        _show(report)
        return
    with destination(output) as stream:
        if format_name == "pdf":
            stream.write(indicators_pdf(report, occupied, settings.operator.party))
        else:
            stream.writelines(pieces(report, format_name, rows=rows))


def _show(report: "IndicatorReport") -> None:
    from billing.cross_subsidy.indicators.shapes import IndicatorsAnswer

    answer = IndicatorsAnswer.of(report, rows=False)
    places = {**answer.sites, "network": answer.network}
    lines = [(code, *("" if (x := getattr(at, n)) is None else x for n in _SHOWN)) for code, at in places.items()]
    table(f"Indicators of {report.name}, on {report.period.last_day}", ("site", *_SHOWN), lines)
