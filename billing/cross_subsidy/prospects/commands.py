"""The command that shows an application, weighed."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from billing.frame.terminal.command import Command, clock, database, example
from billing.frame.terminal.exporting import output_option, require_no_output
from billing.frame.terminal.output import destination, grouped, table
from billing.frame.terminal.parameters import DAY

if TYPE_CHECKING:
    from billing.cross_subsidy.prospects.shapes import Prospect


@click.command(
    "show", cls=Command, epilog=example("technopark-billing applications show C2026-001 --starts-on 2027-01-01")
)
@click.argument("code")
@click.option(
    "--starts-on", type=DAY, metavar="YYYY-MM-DD", help="First day of its office. Default: that of the next run."
)
@click.option(
    "--incorporated-on", type=DAY, metavar="YYYY-MM-DD", help="The day it was founded, where that is not on record."
)
@click.option("--months", type=click.IntRange(1, 36), default=19, show_default=True, help="How many are quoted.")
@click.option("--draws", type=click.IntRange(1, 10_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same draws.")
@click.option("--usage", type=click.Choice(("usual", "known")), default="usual", show_default=True)
@click.option(
    "--assumptions",
    "assumptions_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What is assumed of the future (TOML). Default: `forecast assumptions`.",
)
@click.option("--format", "format_name", type=click.Choice(("table", "json")), default="table", show_default=True)
@output_option
def show_command(  # noqa: PLR0913 - click hands over each option
    code: str,
    starts_on: date | None,
    incorporated_on: date | None,
    months: int,
    draws: int,
    seed: int,
    usage: str,
    assumptions_file: Path | None,
    format_name: str,
    output: str | None,
) -> None:
    """Show the application CODE, what the firm would pay month by month, and what admitting it does to the pool.

    The quote is priced as a run would price it. The pool is the admission dial (`forecast dial`) for exactly this firm
    and place: what it brings and takes in the next 18 runs, and in which part of the draws the reserve stays above
    0.00 without it and with it. Nothing is written.
    """
    from billing.cross_subsidy.forecast.assumptions import load_assumptions
    from billing.cross_subsidy.forecast.forecasting import Question
    from billing.cross_subsidy.prospects.shapes import Prospect
    from billing.cross_subsidy.prospects.weighing import Asked, weigh_application
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented

    if format_name == "table":
        require_no_output(output)
    question = Question(load_assumptions(assumptions_file), draws=draws, seed=seed, usage=usage)
    asked = Asked(starts_on, incorporated_on, months)
    with database(load_settings()) as engine, reading(engine) as connection:
        shown = Prospect.of(weigh_application(connection, code, asked, question, today(clock())), question)
    if format_name == "json":
        with destination(output) as file:
            file.write(indented(shown))
        return
    _show(shown)


def _show(shown: "Prospect") -> None:
    row: Any = shown.application
    decided = "" if row.decided_on is None else f" on {row.decided_on}"
    place = "" if shown.place is None else f", place {shown.place} on the waiting list"
    site, pool = shown.site, shown.pool
    of_capacity = "" if site.capacity is None else f" of {site.capacity}"
    window = shown.quote.window
    claim = "none" if window is None else f"{window.first_day} to {window.last_day}"
    age = "" if shown.is_age_known else "; the day it was founded is not known: give --incorporated-on"
    click.echo(f"{row.code}, {row.legal_name or row.tenant}, {shown.quote.kind}")
    facts = {
        "asks for": f"{row.area_m2} m² at {row.site}, received on {row.received_on}",
        "state": f"{row.state}{decided}{place}",
        "site": f"{site.firms}{of_capacity} firms on {shown.starts_on}, {site.coming or 0} more have a place",
        "subsidised": f"{claim}{age}",
    }
    for name, value in facts.items():
        click.echo(f"{name:<16}{value}")
    takes = {month.month: month for month in pool.by_month}
    rows = [
        (m.month, grouped(m.net), grouped(m.tax), grouped(m.gross), grouped(m.advantage),
         *((grouped(takes[m.month].contribution), grouped(takes[m.month].draw)) if m.month in takes else ("", "")))
        for m in shown.quote.months
    ]  # fmt: skip
    names = ("month", "net", "VAT", "gross", "advantage", "contribution", "draw")
    table("What it would pay, with the offices it has, and bring or take", names, rows)
    click.echo(
        f"In the {pool.months} runs from {pool.first} it brings {grouped(pool.contribution)} and takes "
        f"{grouped(pool.draw)}. The reserve stays above 0.00 in {_percent(pool.without)} of {pool.draws} draws "
        f"without it, in {_percent(pool.with_it)} with it (seed {pool.seed}): "
        f"{'carried' if pool.is_carried else 'not carried'} with {_percent(pool.wanted_confidence)} confidence."
    )


def _percent(share: str) -> str:
    """Return a share as a percentage, in at most two decimals."""
    from pricing.money import RATE_DECIMALS, parse_decimal

    hundredths = parse_decimal(share, RATE_DECIMALS)
    return f"{hundredths // 100}.{hundredths % 100:02d} %".replace(".00 %", " %")
