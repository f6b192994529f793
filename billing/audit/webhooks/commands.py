"""The commands of webhooks, for administrators: add, change, list, remove endpoints; send, and send again."""

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from billing.frame.codes import WEBHOOK
from billing.frame.counted import counted
from billing.frame.terminal.command import (
    Command,
    Failure,
    Group,
    WritingCommand,
    actor,
    clock,
    database,
    example,
)
from billing.frame.terminal.output import report, table
from billing.frame.terminal.parameters import DAY, Numbered

_ENDPOINT = Numbered(WEBHOOK)
_SHOWN_MAX = 200


@click.group("webhooks", cls=Group)
def webhooks_command() -> None:
    """Tell other systems what happens: signed webhooks (Standard Webhooks) to the endpoints that are added here.

    Each event of the feed is posted in order, at least once, and again after a failure, until it is taken. An
    endpoint that takes nothing for days is disabled.
    """


def _wanted_types(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--type",
        "types",
        multiple=True,
        metavar="TYPE",
        help="Only this type: receipt.recorded, document.*; repeatable.",
    )(command)


@webhooks_command.command(
    "add",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing webhooks add https://erp.example/hook --type document.issued --type 'receipt.*'"
    ),
)
@click.argument("url")
@_wanted_types
def add_command(url: str, types: tuple[str, ...]) -> None:
    """Add an endpoint at URL, which is told what happens from now on; print its secret, this once."""
    from billing.audit.webhooks.endpoints import add_endpoint

    made = _as_administrator(
        lambda connection, settings: add_endpoint(
            connection, url, types, networks=settings.webhook_networks, now=clock()
        )
    )
    click.echo(f"{WEBHOOK.format(made.key)} is added; its secret, which is not shown again:")
    click.echo(made.secret)


@webhooks_command.command(
    "change", cls=WritingCommand, epilog=example("technopark-billing webhooks change WH-000001 --all-types")
)
@click.argument("endpoint", type=_ENDPOINT)
@click.option("--url", help="Another address.")
@_wanted_types
@click.option("--all-types", is_flag=True, help="Every type.")
def change_command(endpoint: int, url: str | None, types: tuple[str, ...], all_types: bool) -> None:
    """Change what is given of ENDPOINT; its secret stays."""
    values: dict[str, Any] = {} if url is None else {"url": url}
    if types and all_types:
        raise click.UsageError("give --type or --all-types, not both")
    if types or all_types:
        values["types"] = list(types)
    if not values:
        raise click.UsageError("give what is to be changed: --url, --type or --all-types")
    _change(endpoint, values)
    click.echo(f"{WEBHOOK.format(endpoint)} is changed")


@webhooks_command.command(
    "disable", cls=WritingCommand, epilog=example("technopark-billing webhooks disable WH-000001")
)
@click.argument("endpoint", type=_ENDPOINT)
def disable_command(endpoint: int) -> None:
    """Send ENDPOINT nothing until it is enabled."""
    _change(endpoint, {"enabled": False})
    click.echo(f"{WEBHOOK.format(endpoint)} is disabled")


@webhooks_command.command("enable", cls=WritingCommand, epilog=example("technopark-billing webhooks enable WH-000001"))
@click.argument("endpoint", type=_ENDPOINT)
def enable_command(endpoint: int) -> None:
    """Send to ENDPOINT again: all that it missed, in order; at once, if it was failing."""
    _change(endpoint, {"enabled": True})
    click.echo(f"{WEBHOOK.format(endpoint)} is enabled: the next delivery sends what it missed")


@webhooks_command.command("remove", cls=WritingCommand, epilog=example("technopark-billing webhooks remove WH-000001"))
@click.argument("endpoint", type=_ENDPOINT)
def remove_command(endpoint: int) -> None:
    """Send ENDPOINT nothing any more, for good; its secret is forgotten."""
    from billing.audit.webhooks.endpoints import remove_endpoint

    _as_administrator(lambda connection, _: remove_endpoint(connection, endpoint, now=clock()))
    click.echo(f"{WEBHOOK.format(endpoint)} is removed")


@webhooks_command.command(
    "replay", cls=WritingCommand, epilog=example("technopark-billing webhooks replay WH-000001 --from 2026-11-01")
)
@click.argument("endpoint", type=_ENDPOINT)
@click.option("--from", "since", type=DAY, required=True, help="The first day.")
def replay_command(endpoint: int, since: date) -> None:
    """Send ENDPOINT again what happened from a day on, each event by the webhook-id it had before."""
    from billing.audit.webhooks.endpoints import replay

    _as_administrator(lambda connection, _: replay(connection, endpoint, since))
    click.echo(f"{WEBHOOK.format(endpoint)} is told again what happened from {since} on, by the next delivery")


@webhooks_command.command("list", cls=Command, epilog=example("technopark-billing webhooks list"))
def list_command() -> None:
    """List the endpoints, and why one takes nothing."""
    from billing.audit.webhooks.queries import ENDPOINT_KEY, endpoints
    from billing.audit.webhooks.shapes import WebhookEndpoint

    listed = _read(lambda connection: connection.execute(endpoints().order_by(*ENDPOINT_KEY)).all())
    shown = [WebhookEndpoint.of(row) for row in listed]
    rows = [(x.number, x.state, x.url, ", ".join(x.types) or "all", _why(x)) for x in shown]
    table("", ("number", "state", "url", "types", "why"), rows)


def _why(endpoint: Any) -> str:
    """Return why an endpoint is sent nothing now."""
    if endpoint.state == "failing":
        return f"has taken nothing since {endpoint.failing_since}: see webhooks deliveries {endpoint.number}"
    return endpoint.disabled_for or ""


@webhooks_command.command("show", cls=Command, epilog=example("technopark-billing webhooks show WH-000001"))
@click.argument("endpoint", type=_ENDPOINT)
def show_command(endpoint: int) -> None:
    """Show ENDPOINT as JSON: whether it takes what it is sent, how far it has been told."""
    from billing.audit.webhooks.queries import endpoint_row
    from billing.audit.webhooks.shapes import WebhookEndpoint
    from billing.frame.shapes import indented

    row = _read(lambda connection: endpoint_row(connection, endpoint))
    click.echo(indented(WebhookEndpoint.of(row)).decode(), nl=False)


@webhooks_command.command(
    "deliveries", cls=Command, epilog=example("technopark-billing webhooks deliveries WH-000001 --failed")
)
@click.argument("endpoint", type=_ENDPOINT)
@click.option("--failed", is_flag=True, help="Only what did not arrive.")
def deliveries_command(endpoint: int, failed: bool) -> None:
    """List what was tried at ENDPOINT, newest first, up to 200 attempts."""
    from billing.audit.webhooks.queries import latest_attempts
    from billing.audit.webhooks.shapes import WebhookAttempt

    state = "failed" if failed else None
    attempts = _read(lambda connection: latest_attempts(connection, endpoint, state, _SHOWN_MAX))
    shown = [WebhookAttempt.of(row) for row in attempts]
    rows = [(x.attempted_at, x.event, x.type, x.milliseconds, x.status or "", x.failure or "") for x in shown]
    table("", ("at", "event", "type", "ms", "status", "failure"), rows)


@webhooks_command.command("deliver", cls=WritingCommand, epilog=example("technopark-billing webhooks deliver"))
def deliver_command() -> None:
    """Send each endpoint what is new, until it knows all or fails; the scheduler does so every minute.

    Endpoints that failed wait for their next attempt. The exit status is 1 if one failed now.
    """
    from billing.audit.webhooks.delivering import deliver_webhooks
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine:
        outcome = deliver_webhooks(settings, engine, clock=clock)
    report([f"{counted(outcome.sent, 'webhook')} sent", *(f"{number} is disabled" for number in outcome.disabled)])
    for failure in outcome.failures:
        click.echo(failure, err=True)
    if outcome.failures:
        raise Failure(f"{counted(len(outcome.failures), 'endpoint')} did not take what it was sent")


def _change(endpoint: int, values: dict[str, Any]) -> None:
    from billing.audit.webhooks.endpoints import change_endpoint

    _as_administrator(
        lambda connection, settings: change_endpoint(
            connection, endpoint, values, networks=settings.webhook_networks, now=clock()
        )
    )


def _as_administrator(act: Callable[[Any, Any], Any]) -> Any:
    """Do something in a transaction, if whoever gives the command may administer."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.users.administering import require_administrator

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        require_administrator(connection, actor())
        return act(connection, settings)


def _read(ask: Callable[[Any], Any]) -> Any:
    """Read something, if whoever gives the command may administer."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.users.administering import require_administrator

    with database(load_settings()) as engine, reading(engine) as connection:
        require_administrator(connection, actor())
        return ask(connection)
