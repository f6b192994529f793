"""The commands that hold tenants from a month's run."""

from datetime import date

import click

from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.parameters import MONTH


@click.group("holds", cls=Group)
def holds_command() -> None:
    """Hold tenants from a month's run: the next run bills them."""


@holds_command.command(
    "add", cls=WritingCommand, epilog=example('technopark-billing holds add 2026-12 T0009 --reason "Bail en litige"')
)
@click.argument("period", type=MONTH, metavar="YYYY-MM")
@click.argument("tenants", nargs=-1, required=True, metavar="TENANT...")
def add_command(period: date, tenants: tuple[str, ...]) -> None:
    """Hold these tenants from the run of YYYY-MM, all or none; the reason is required.

    The run gives them no document. The next one bills what it left: the office month, usage, repairs. A tenant that
    the run has billed is not held from it any more.
    """
    _order(period, tenants, release=False)


@holds_command.command(
    "release",
    cls=WritingCommand,
    epilog=example('technopark-billing holds release 2026-12 T0009 --reason "Avenant signé"'),
)
@click.argument("period", type=MONTH, metavar="YYYY-MM")
@click.argument("tenants", nargs=-1, required=True, metavar="TENANT...")
def release_command(period: date, tenants: tuple[str, ...]) -> None:
    """Take back the holds of these tenants before YYYY-MM is run, all or none; the reason is required."""
    _order(period, tenants, release=True)


@holds_command.command("list", cls=Command, epilog=example("technopark-billing holds list 2026-12"))
@click.argument("period", type=MONTH, metavar="[YYYY-MM]", required=False)
def list_command(period: date | None) -> None:
    """List the tenants held from the run of YYYY-MM, or from any, and the holds that were taken back."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.terminal.output import table
    from billing.run.holds.queries import HOLD_KEY, holds
    from billing.run.holds.shapes import RunHold

    with database(load_settings()) as engine, reading(engine) as connection:
        found = [RunHold.of(row) for row in connection.execute(holds(period).order_by(*HOLD_KEY))]
    if not found:
        click.echo("nobody is held")
        return
    rows = [(x.period, x.tenant, x.legal_name, x.state, x.outcome or "to come", x.reason) for x in found]
    table("Tenants held from runs", ("month", "tenant", "legal name", "hold", "run", "reason"), rows)


def _order(period: date, tenants: tuple[str, ...], *, release: bool) -> None:
    from billing.frame.audit_log import require_reason
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.run.holds.holding import HoldOrder, hold

    now = clock()
    with database(load_settings()) as engine, writing(engine) as connection:
        reason = require_reason(connection, "taking a hold back" if release else "holding a tenant")
        news = hold(connection, HoldOrder(period, tenants, reason, release), today=today(now), recorded_at=now)
    for code in dict.fromkeys(tenants):
        what = "billed by" if release else "held from"
        told = f"{code} is {what} the run of {period:%Y-%m}" + ("" if release else ": the next run bills it")
        click.echo(told if code in news else f"{told}; it was so already, nothing changed")
