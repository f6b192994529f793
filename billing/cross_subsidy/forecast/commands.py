"""The commands that look ahead: forecast, its assumptions, the admission dial, what if. None of them writes."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import Command, Group, clock, database, example
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import destination, grouped, progress, require_showable, table
from billing.frame.terminal.parameters import MONTH

if TYPE_CHECKING:
    from billing.cross_subsidy.forecast.forecasting import Forecast, Question
    from billing.cross_subsidy.forecast.what_if import WhatIf
    from pricing.forecast.dial import Reading

_TABLE = "table"
_format = format_option(_TABLE, "json", "csv", "xlsx", default=_TABLE)
_output = click.option(
    "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
)
_from = click.option("--from", "first", type=MONTH, metavar="YYYY-MM", help="The first run. Default: the next one.")
_draws = click.option("--draws", type=click.IntRange(1, 10_000), default=1000, show_default=True)
_seed = click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed, the same draws, anywhere."
)
_usage = click.option(
    "--usage",
    type=click.Choice(("usual", "known")),
    default="usual",
    show_default=True,
    help="Usage: from today on that of the last twelve months, or only what is on record.",
)
_assumptions = click.option(
    "--assumptions",
    "assumptions_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What is assumed of the future (TOML). Default: `forecast assumptions`.",
)


def _asked(options: Iterable[Callable[..., Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(tuple(options)):
            command = option(command)
        return command

    return decorated


@click.group(
    "forecast",
    cls=Group,
    invoke_without_command=True,
    epilog=example("technopark-billing forecast --months 36 --draws 1000 --format xlsx -o prevision.xlsx"),
)
@_asked((_from, _draws, _seed, _usage, _assumptions, _format, _output))
@click.option("--months", type=click.IntRange(1, 60), default=36, show_default=True)
@click.pass_context
def forecast_command(  # noqa: PLR0913 - click hands over each option
    context: click.Context,
    first: date | None,
    draws: int,
    seed: int,
    usage: str,
    assumptions_file: Path | None,
    format_name: str,
    output: str | None,
    months: int,
) -> None:
    """Show contributions, draws, reserve and unfunded parts of the months ahead, by site and for the network.

    The path is what the runs will give if nobody comes, nobody leaves and everybody pays: exact. Around it arrivals,
    departures and unpaid shares are drawn: half of the draws lie below the median, 5 % below low, 5 % above high.
    Nothing is written. A command after the options looks at something else.
    """
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if _is_given(context, name)]
        if given:
            raise click.UsageError(f"give options after the command: forecast {context.invoked_subcommand} …")
        return
    from billing.cross_subsidy.forecast.files import forecast_pieces

    _require_writable(format_name, output)
    question = _question(assumptions_file, first, months, draws, seed, usage)
    ahead = _forecast(question)
    if format_name == _TABLE:
        _show_forecast(ahead)
        return
    with destination(output) as file:
        for piece in forecast_pieces(ahead, format_name):
            file.write(piece)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _require_writable(format_name: str, output: str | None) -> None:
    if format_name == _TABLE and output is not None:
        raise click.UsageError("a table is for the terminal: give --format json, csv or xlsx with --output")
    require_showable(format_name, output)


def _question(
    assumptions_file: Path | None, first: date | None, months: int, draws: int, seed: int, usage: str
) -> "Question":
    from billing.cross_subsidy.forecast.assumptions import load_assumptions
    from billing.cross_subsidy.forecast.forecasting import Question

    return Question(load_assumptions(assumptions_file), first, months, draws, seed, usage)


def _forecast(question: "Question") -> "Forecast":
    from billing.cross_subsidy.forecast.forecasting import forecast
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    with (
        database(load_settings()) as engine,
        reading(engine) as connection,
        progress("looking ahead") as show,
    ):
        return forecast(connection, question, today(clock()), show)


def _show_forecast(ahead: "Forecast") -> None:
    from pricing.money import format_amount
    from pricing.period import format_month

    def cells(figures: Mapping[str, Any], *names: str) -> list[str]:
        shown = []
        for name in names:
            figure = figures[name]
            shown += [grouped(format_amount(value)) for value in (figure.path, *figure.drawn)]
        return shown

    question = ahead.question
    rows = [
        (
            format_month(month),
            *(grouped(format_amount(figures.network[name].path)) for name in ("contributions", "draws")),
            *cells(figures.network, "reserve_after"),
            grouped(format_amount(figures.network["unfunded"].drawn.high)),
            _percent(figures.unmet),
        )
        for month, figures in zip(ahead.path.months, ahead.months, strict=True)
    ]
    columns = (
        "month", "contributions", "draws", "reserve", "5 %", "median", "95 %", "unfunded 95 %", "unmet in",
    )  # fmt: skip
    table(
        f"The network in DH: contributions, draws and reserve on the exact path; the reserve by {question.draws} draws "
        f"(seed {question.seed})",
        columns,
        rows,
    )
    sites = [
        (name, *cells(figures, "contributions", "draws"), *(grouped(format_amount(x)) for x in _unfunded(figures)))
        for name, figures in (*ahead.whole.sites.items(), ("network", ahead.whole.network))
    ]
    heads = ("path", "5 %", "median", "95 %")
    table(
        f"{counted(len(ahead.months), 'month')} together, in DH",
        ("site", *(f"contributions {head}" for head in heads), *(f"draws {head}" for head in heads), "unfunded 95 %"),
        sites,
    )
    for code, reason in ahead.path.unpriced:
        click.echo(f"not priced: {code}: {reason}", err=True)


def _unfunded(figures: Mapping[str, Any]) -> tuple[int]:
    return (figures["unfunded"].drawn.high,)


def _percent(share: Fraction) -> str:
    """Write a share as `12.3 %`, cut off after the tenth."""
    tenths = share.numerator * 1000 // share.denominator
    return f"{tenths // 10}.{tenths % 10} %"


@forecast_command.command(
    "assumptions", cls=Command, epilog=example("technopark-billing forecast assumptions > assumptions.toml")
)
@click.option("--observed", is_flag=True, help="Instead: what the register has seen in the last 24 months.")
def assumptions_command(observed: bool) -> None:
    """Show what is assumed of the future unless told otherwise, as a file to be changed.

    With --observed the same file as the register's own last 24 whole months would have it: who came, who left.
    """
    from billing.cross_subsidy.forecast.assumptions import shipped_text

    if not observed:
        click.echo(shipped_text(), nl=False)
        return
    from billing.cross_subsidy.forecast.observed import as_toml
    from billing.cross_subsidy.forecast.observed import observed as seen
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    day = today(clock())
    with database(load_settings()) as engine, reading(engine) as connection:
        click.echo(as_toml(seen(connection, day), day), nl=False)


@forecast_command.command("dial", cls=Command, epilog=example("technopark-billing forecast dial --area 22.5"))
@click.option("--area", metavar="M2", required=True, help="The size of a newcomer's office.")
@_asked((_from, _draws, _seed, _usage, _assumptions, _format, _output))
def dial_command(  # noqa: PLR0913 - click hands over each option
    area: str,
    first: date | None,
    draws: int,
    seed: int,
    usage: str,
    assumptions_file: Path | None,
    format_name: str,
    output: str | None,
) -> None:
    """Show how many newcomers of a given size each site can carry for 18 months with 95 % confidence.

    So many startups are admitted together on the first day of the first run, beyond all on record, and stay the 18
    months; no others come. They are carried in a draw if the reserve stands above 0.00 after each of the 18 runs; a
    number is carried if that holds in 95 % of the draws. The last row is the network: newcomers at several sites, each
    where there are fewest for its offices. Free offices are shown beside, and limit nothing.
    """
    from billing.cross_subsidy.forecast.files import dial_pieces
    from billing.cross_subsidy.forecast.forecasting import MONTHS, dial
    from billing.frame.cells import BadCell
    from billing.frame.cells import quantity as parse_quantity
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.spelling import typed

    _require_writable(format_name, output)
    try:
        size = parse_quantity(typed(area))
    except BadCell as bad:
        raise click.BadParameter(f"--area {area!r} {bad.problem}: {bad.remedy}") from None
    except ValueError as error:
        raise click.BadParameter(f"--area {area!r} {error}: write it with two decimals") from None
    question = _question(assumptions_file, first, MONTHS, draws, seed, usage)
    with database(load_settings()) as engine, reading(engine) as connection, progress("turning the dial") as show:
        prepared, readings = dial(connection, question, size, today(clock()), show)
    if format_name == _TABLE:
        _show_dial(readings, prepared.path.months[0], area, question)
        return
    with destination(output) as file:
        for piece in dial_pieces(question, size, prepared.path.months[0], readings, format_name):
            file.write(piece)


def _show_dial(readings: "tuple[Reading, ...]", first: date, area: str, question: "Question") -> None:
    from pricing.period import format_month

    rows = [
        (
            reading.site or "network",
            "none: the reserve runs dry without any" if reading.newcomers is None else reading.newcomers,
            _percent(reading.confidence),
            "" if reading.one_more is None else _percent(reading.one_more),
            "" if reading.free is None else reading.free,
            " ".join(f"{code} {count}" for code, count in reading.shares.items() if count) if not reading.site else "",
        )
        for reading in readings
    ]
    table(
        f"Newcomers of {area} m2 from {format_month(first)} that the reserve carries for 18 months, in 95 % of "
        f"{question.draws} draws (seed {question.seed})",
        ("site", "newcomers", "carried in", "one more in", "free offices", "where"),
        rows,
    )


@forecast_command.command(
    "what-if",
    cls=Command,
    epilog=example("technopark-billing forecast what-if --window 24 --discount OFFICE=1/2 --from 2026-06"),
)
@click.option(
    "--rates",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Other prices, as a rates.csv: its versions stand in place of all those of the same site, service and kind.",
)
@click.option("--window", type=click.IntRange(0, 120), metavar="MONTHS", help="Another window. Today's: 18 months.")
@click.option(
    "--discount",
    "discounts",
    multiple=True,
    metavar="SERVICE=PART",
    help="Another incubation discount, as a part of the full price: OFFICE=1/2. May be given several times.",
)
@click.option("--from", "first", type=MONTH, metavar="YYYY-MM", help="Default: the latest run's year, from its start.")
@click.option("--until", "last", type=MONTH, metavar="YYYY-MM", help="Default: the latest run.")
@click.option("--movers", type=click.IntRange(0, 1000), default=10, show_default=True, help="How many are named.")
@_format
@_output
def what_if_command(  # noqa: PLR0913 - click hands over each option
    rates: Path | None,
    window: int | None,
    discounts: tuple[str, ...],
    first: date | None,
    last: date | None,
    movers: int,
    format_name: str,
    output: str | None,
) -> None:
    """Show what other terms would have given on the whole network and its real usage, beside today's; written nowhere.

    Both sides are priced here by the runs' own engine, month by month, as the runs of those months bill: income without
    VAT, advantage, contributions, draws and how they were met, by site; and who would pay more or less.
    """
    from billing.cross_subsidy.forecast.files import what_if_pieces
    from billing.cross_subsidy.forecast.queries import months_asked
    from billing.cross_subsidy.forecast.terms import Asked
    from billing.cross_subsidy.forecast.what_if import what_if
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.register.network_import.rate_card import read_rate_card

    _require_writable(format_name, output)
    parts = _discounts(discounts)
    with database(load_settings()) as engine, reading(engine) as connection, progress("comparing") as show:
        versions = () if rates is None else tuple(read_rate_card(connection, rates))
        both = what_if(connection, Asked(versions, window, parts), months_asked(connection, first, last), show)
    if format_name == _TABLE:
        _show_what_if(both, movers)
        return
    with destination(output) as file:
        for piece in what_if_pieces(both, format_name, movers):
            file.write(piece)


def _discounts(given: tuple[str, ...]) -> dict[str, Fraction]:
    from billing.cross_subsidy.forecast.assumptions import parse_share

    shares = {}
    for text in given:
        service, equals, part = text.partition("=")
        share = parse_share(part)
        if not service or not equals or share is None:
            raise click.BadParameter(f"--discount {text!r} is not like OFFICE=1/2 or OFFICE=0.4")
        shares[service] = share
    return shares


def _show_what_if(both: "WhatIf", movers: int) -> None:
    from billing.cross_subsidy.forecast.what_if import Figures
    from pricing.money import format_amount
    from pricing.period import format_month

    def amounts(today: int, asked: int) -> tuple[str, ...]:
        return tuple(grouped(format_amount(value)) for value in (today, asked, asked - today))

    names = ("income", "advantage", "contributions", "draws", "unfunded")
    places = [Figures._fields.index(name) for name in names]
    span = f"{format_month(both.months[0])} to {format_month(both.months[-1])}"
    sides = [(code, both.today.sites[code], both.asked.sites[code]) for code in both.today.sites]
    sides.append(("network", both.today.network, both.asked.network))
    rows = [
        (f"{code} {name}" if number == 0 else f"{'':<{len(code)}} {name}", *amounts(today[place], asked[place]))
        for code, today, asked in sides
        for number, (name, place) in enumerate(zip(names, places, strict=True))
    ]
    rows.append(("reserve at the end", *amounts(both.today.reserve_after, both.asked.reserve_after)))
    table(f"Runs of {span}, in DH", ("", "today", "asked", "difference"), rows)
    for title, named in zip(("Who would pay more", "Who would pay less"), both.most(movers), strict=True):
        if named:
            moved = [(f"{mover.tenant} {mover.name}", *amounts(mover.today, mover.asked)) for mover in named]
            table(f"{title}, in DH without VAT", ("tenant", "today", "asked", "difference"), moved)
    more = sum(mover.difference > 0 for mover in both.movers)
    less = sum(mover.difference < 0 for mover in both.movers)
    same = len(both.movers) - more - less
    click.echo(f"{counted(more, 'tenant')} would pay more, {less} less, {same} the same")
    for code, reason in both.unpriced:
        click.echo(f"not priced: {code}: {reason}", err=True)
