"""The commands that look at sites."""

from datetime import date

import click

from billing.frame.terminal.command import Command, Group, clock, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output, write_export
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import DAY


@click.group("sites", cls=Group)
def sites_command() -> None:
    """Sites: how far they are let."""


@sites_command.command(
    "occupancy",
    cls=Command,
    epilog=example("technopark-billing sites occupancy --on 2027-01-01 --format xlsx -o o.xlsx"),
)
@click.option("--on", "day", type=DAY, metavar="YYYY-MM-DD", help="Any day, past or to come. Default: today.")
@format_option("table", "json", "csv", "xlsx", default="table")
@output_option
def occupancy_command(day: date | None, format_name: str, output: str | None) -> None:
    """Show how far sites and network are let on a day (taux d'occupation), by the leases as they stand today.

    By firms: those with a lease that day, each once, / capacity. By area: m² of that day's leases / m² of offices,
    desks and shops. A blank: the capacity or the units of a site are not entered.
    """
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.register.occupancy.files import pieces
    from billing.register.occupancy.queries import occupancy

    on = day or today(clock())
    if format_name != "table":
        write_export(lambda connection: pieces(occupancy(connection, on), format_name), format_name, output)
        return
    require_no_output(output)
    with database(load_settings()) as engine, reading(engine) as connection:
        found = occupancy(connection, on)
    names = ("capacity", "firms", "firms_rate", "lettable_m2", "let_m2", "m2_rate", "waiting")
    places = {**found.sites, "network": found.network}
    rows = [(code, *("" if (x := getattr(at, name)) is None else x for name in names)) for code, at in places.items()]
    table(f"Occupancy on {on}", ("site", *names), rows)
