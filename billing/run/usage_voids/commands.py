"""The command that voids usage events entered by mistake."""

import click

from billing.frame.terminal.command import Group, WritingCommand, clock, database, example


@click.group("usage", cls=Group)
def usage_command() -> None:
    """Void usage events entered by mistake."""


@usage_command.command(
    "void", cls=WritingCommand, epilog=example('technopark-billing usage void E0000001 --reason "Saisie en double"')
)
@click.argument("event_ids", nargs=-1, required=True, metavar="EVENT_ID...")
def void_command(event_ids: tuple[str, ...]) -> None:
    """Void the usage events of these ids, all or none; the reason is required.

    No run bills a void event. If it was billed, the next run credits its line whole and bills what is left of it,
    at the same price. A corrected event is a new event, with an id of its own.
    """
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.run.usage_voids.queries import void_shapes
    from billing.run.usage_voids.voiding import VoidOrder, void_events

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "voiding a usage event")
        asked = list(dict.fromkeys(event_ids))
        news = void_events(connection, [VoidOrder(event_id, reason) for event_id in asked], recorded_at=clock())
        voids = void_shapes(connection, asked)
    for void in voids:
        if void.event_id not in news:
            click.echo(f"{void.event_id} was void already since {void.voided_at}, nothing changed: {void.reason}")
        elif void.invoice is None:
            click.echo(f"{void.event_id} is void: it was not billed, and no run will bill it")
        elif void.credit_note is not None:
            click.echo(
                f"{void.event_id} is void: {void.credit_note} has taken back what billed it, no run will bill it"
            )
        else:
            click.echo(
                f"{void.event_id} is void: the next run credits line {void.line_no} of {void.invoice} and bills what "
                f"is left of it"
            )
