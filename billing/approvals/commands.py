"""The commands for orders that wait for a second person: list, show, approve, refuse."""

from typing import Any

import click

from billing.frame.terminal.command import Failure, Group, WritingCommand, clock, database, example, subjects
from billing.frame.terminal.output import table

_NUMBER = click.IntRange(1)


@click.group("approvals", cls=Group)
def approvals_command() -> None:
    """Approve or refuse what somebody else ordered: write-offs, refunds, reopened months, as the settings say.

    Who decides is the user of BILLING_TOKEN, else the user that the operating system's user is linked to.
    """


@approvals_command.command("list", epilog=example("technopark-billing approvals list"))
@click.option("--all", "everything", is_flag=True, help="Those that were decided too. Default: those that wait.")
def list_command(everything: bool) -> None:
    """List the orders that wait for a second person."""
    from billing.approvals.queries import WAITING, approvals_listed
    from billing.approvals.shapes import Approval
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        listed = [Approval.of(row) for row in approvals_listed(connection, state=None if everything else WAITING)]
    if not listed:
        click.echo("nothing was ordered that needs an approval" if everything else "no order waits for an approval")
        return
    names = ("no.", "kind", "what", "ordered by", "ordered at (UTC)", "state", "decided by", "result")
    rows = [
        (one.number, one.kind, _line(one.effect), one.ordered_by, one.ordered_at[:16].replace("T", " "), one.state,
         one.decided_by or "-", one.result or "-")
        for one in listed
    ]  # fmt: skip
    table("", names, rows)


def _line(effect: dict[str, Any]) -> str:
    """Return the short values of what an order does, on a line."""
    return " ".join(str(value) for value in effect.values() if isinstance(value, str) and len(value) <= 20)


@approvals_command.command("show", epilog=example("technopark-billing approvals show 1"))
@click.argument("number", type=_NUMBER)
def show_command(number: int) -> None:
    """Show exactly what order NUMBER does, its entries too, and what became of it."""
    from billing.approvals.queries import find_approval
    from billing.approvals.shapes import Approval
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        shape = Approval.of(find_approval(connection, number))
    click.echo(indented(shape), nl=False)


@approvals_command.command(
    "approve", cls=WritingCommand, epilog=example("BILLING_TOKEN=$(cat token) technopark-billing approvals approve 1")
)
@click.argument("number", type=_NUMBER)
@click.option("--digest", metavar="SHA256", help="The digest of what was shown: another one is refused.")
def approve_command(number: int, digest: str | None) -> None:
    """Approve the order NUMBER of somebody else, and so carry it out.

    If it would do something else than was shown when it was ordered, the approval is void and nothing is done.
    """
    from billing.approvals.deciding import VOID, approve
    from billing.approvals.orderable import orderables
    from billing.approvals.queries import find_approval
    from billing.approvals.shapes import Approval
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    kinds = orderables(subjects())
    with database(settings) as engine, writing(engine) as connection:
        outcome = approve(connection, kinds, number, now=clock(), settings=settings, digest=digest)
        shape = Approval.of(find_approval(connection, number))
    if outcome == VOID:
        raise Failure(f"approval {number} is void: {shape.reason}; nothing was done, order it again")
    click.echo(f"approval {number}: {shape.kind} of {shape.ordered_by} approved and carried out: {shape.result}")


@approvals_command.command(
    "refuse",
    cls=WritingCommand,
    epilog=example("technopark-billing approvals refuse 1 --reason 'Le client a payé'"),
)
@click.argument("number", type=_NUMBER)
def refuse_command(number: int) -> None:
    """Refuse the order NUMBER, or take back one's own; --reason is required."""
    from billing.approvals.deciding import refuse
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        refuse(connection, number, require_reason(connection, "refusing an order"), now=clock())
    click.echo(f"approval {number} is refused: nothing was done")
