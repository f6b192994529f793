"""The commands that look at sites."""

from datetime import date

import click

from billing.frame.terminal.command import Command, Group, clock, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output, write_export
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import DAY


@click.group("sites", cls=Group)
def sites_command() -> None:
    """Sites: how far they are let, and who waits for a place."""


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
    desks and shops. `waiting` are the firms accepted by that day and not admitted yet; `coming` those of them that are
    not told to wait, with the area they want: they come on top. A blank: what it rests on is not entered.
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
    names = ("capacity", "firms", "firms_rate", "lettable_m2", "let_m2", "m2_rate", "waiting", "coming", "coming_m2")
    places = {**found.sites, "network": found.network}
    rows = [(code, *("" if (x := getattr(at, name)) is None else x for name in names)) for code, at in places.items()]
    table(f"Occupancy on {on}", ("site", *names), rows)


@sites_command.command("waiting-list", cls=Command, epilog=example("technopark-billing sites waiting-list CAS"))
@click.argument("code")
@format_option("table", "json", "csv", "xlsx", default="table")
@output_option
def waiting_list_command(code: str, format_name: str, output: str | None) -> None:
    """Show the waiting list of the site CODE (liste d'attente): who was accepted and is not admitted yet.

    In order of the day they were accepted; of one day, first who applied first, then by code.
    """
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.register.applications.files import waiting_pieces
    from billing.register.applications.queries import waiting_list

    if format_name != "table":
        write_export(
            lambda connection: waiting_pieces(waiting_list(connection, code), format_name), format_name, output
        )
        return
    require_no_output(output)
    with database(load_settings()) as engine, reading(engine) as connection:
        waiting = waiting_list(connection, code).waiting
    if not waiting:
        click.echo(f"nobody waits at {code}")
        return
    names = ("place", "code", "tenant", "legal_name", "kind", "area_m2", "received_on", "accepted_on", "state")
    rows = [["" if (x := getattr(firm, name)) is None else x for name in names] for firm in waiting]
    table(f"Waiting list of {code}", names, rows)
