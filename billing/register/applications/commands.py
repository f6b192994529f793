"""The commands of applications: looked for, decided, admitted."""

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output, write_export
from billing.frame.terminal.listing import listing_options
from billing.frame.terminal.output import table, warn
from billing.frame.terminal.parameters import DAY

_STATES = ("received", "accepted", "waiting", "admitted", "declined", "withdrawn")


@click.group("applications", cls=Group)
def applications_command() -> None:
    """Applications (candidatures): firms that ask for a place, what it would cost, what is decided."""


@applications_command.command(
    "list", cls=Command, epilog=example("technopark-billing applications list --site CAS --state received")
)
@click.option("--site", metavar="CODE", help="Those to this site.")
@click.option("--tenant", metavar="CODE", help="Those of this firm.")
@click.option("--state", type=click.Choice(_STATES), help="Those in this state.")
@listing_options(
    "code or legal name, or in the tenant's code, name, ICE or mail address",
    "code, received_on, decided_on or legal_name",
)
@format_option("table", "json", "csv", "xlsx", default="table")
@output_option
def list_command(format_name: str, output: str | None, **asked: Any) -> None:
    """List applications, by code unless sorted otherwise."""
    from billing.frame.database import reading
    from billing.frame.listing import Asked
    from billing.frame.settings import load_settings
    from billing.register.applications.files import pieces
    from billing.register.applications.queries import find_applications
    from billing.register.applications.shapes import APPLICATIONS

    wanted = asked, Asked.of(asked)
    if format_name != "table":
        write_export(
            lambda connection: pieces(find_applications(connection, *wanted), format_name), format_name, output
        )
        return
    require_no_output(output)
    with database(load_settings()) as engine, reading(engine) as connection:
        rows = find_applications(connection, *wanted)
    if not rows:
        click.echo("no application is like that")
        return
    shown = (APPLICATIONS.layout.show_row(row._asdict()) for row in rows)
    names = ("code", "tenant", "legal_name", "kind", "site", "area_m2", "received_on", "state", "decided_on")
    table("", names, [[cells[name] for name in names] for cells in shown])


def _decision(name: str, state: str, text: str) -> None:
    """Add the command of a decision."""

    @click.argument("codes", nargs=-1, required=True, metavar="CODE...")
    @click.option("--on", "day", type=DAY, metavar="YYYY-MM-DD", help="The day of the decision. Default: today.")
    def command(codes: tuple[str, ...], day: date | None) -> None:
        from billing.frame.civil_time import today
        from billing.frame.database import writing
        from billing.frame.settings import load_settings
        from billing.register.applications.deciding import decide

        now = clock()
        with database(load_settings()) as engine, writing(engine) as connection:
            decided = decide(connection, codes, state, on=day, now=now, today=today(now))
        for code in dict.fromkeys(codes):
            click.echo(f"{code} is {state}" if code in decided else f"{code} was {state} already, nothing changed")

    command.__doc__ = text
    decorated: Callable[..., Any] = applications_command.command(
        name, cls=WritingCommand, epilog=example(f"technopark-billing applications {name} C2026-001")
    )
    decorated(command)


_decision("accept", "accepted", "Accept the applications of these codes: they stand on their sites' waiting lists.")
_decision(
    "wait",
    "waiting",
    "Say that there is no place at present for the firms accepted: they keep their places on the waiting list.",
)
_decision("decline", "declined", "Decline the applications of these codes; the reason is required.")
_decision("withdraw", "withdrawn", "Note that the firms of these applications ask no more.")


@applications_command.command(
    "admit",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing applications admit C2026-001 --tenant T0301 --unit CAS-118 --starts-on 2027-01-01"
    ),
)
@click.argument("code")
@click.option("--unit", required=True, help="The unit that is let.")
@click.option("--starts-on", metavar="YYYY-MM-DD", type=DAY, help="First day of the lease. Default: today.")
@click.option("--ends-on", metavar="YYYY-MM-DD", type=DAY, help="Last day of the lease. Default: without end.")
@click.option("--area", metavar="M2", help="Its area. Default: what the application asks for.")
@click.option("--tenant", metavar="CODE", help="The code it is a tenant by. Default: the application's.")
@click.option("--lease", metavar="CODE", help="The code of the lease. Default: that of the application.")
@click.option(
    "--set",
    "firm",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="A further column of tenants.csv, such as email=compta@firme.example; may be repeated.",
)
def admit_command(code: str, starts_on: date | None, firm: tuple[str, ...], **terms: Any) -> None:
    """Admit the firm of the application CODE: enter it as a tenant, unless it is one, and its lease.

    By the rules of the import: no unit is let twice, and a site beyond its capacity is warned of. The application must
    be accepted or waiting.
    """
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.frame.spelling import typed
    from billing.register.applications.admitting import Admission, admit

    if any("=" not in each for each in firm):
        raise click.UsageError("--set takes COLUMN=VALUE, such as email=compta@firme.example")
    now = clock()
    area = terms["area"]
    try:
        order = Admission(
            unit=terms["unit"],
            starts_on=str(starts_on or today(now)),
            ends_on=None if terms["ends_on"] is None else str(terms["ends_on"]),
            area_m2=None if area is None else typed(area),
            tenant=terms["tenant"],
            lease=terms["lease"],
            firm=dict(each.split("=", 1) for each in firm),
        )
    except ValueError as error:
        raise click.BadParameter(f"--area {area!r} {error}: write it with two decimals") from None
    with database(load_settings()) as engine, writing(engine) as connection:
        made: Any = admit(connection, code, order, now=now, today=today(now))
    for warning in made.warnings:
        warn(warning)
    lease = made.lease
    click.echo(
        f"{code} is admitted: tenant {made.tenant.code}, lease {lease.code} of {lease.area_m2} m² in {lease.unit} at "
        f"{lease.site} from {lease.starts_on}"
    )
