"""The commands for the API's bearer tokens: create, list, revoke."""

from datetime import date

import click

from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import DAY

_SCOPES = ("auditor", "finance", "admin")


@click.group("token", cls=Group)
def token_command() -> None:
    """Make, list and revoke the bearer tokens of the HTTP API."""


@token_command.command(
    "create",
    cls=WritingCommand,
    epilog=example("technopark-billing token create erp --scope finance --expires 2027-12-31"),
)
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    required=True,
    help="auditor: read everything; finance: read and write; admin: the same, and administer.",
)
@click.option("--expires", "expires_on", type=DAY, metavar="YYYY-MM-DD", help="Last day it can be used. Default: none.")
def create_command(name: str, scope: str, expires_on: date | None) -> None:
    """Make the token NAME and print its secret, this once: only its hash is kept."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.frame.tokens import create_token

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        secret = create_token(connection, name, scope, now=clock(), expires_on=expires_on)
    click.echo(secret)


@token_command.command("list", epilog=example("technopark-billing token list"))
def list_command() -> None:
    """List every token ever made, without its secret."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.tokens import list_tokens

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        tokens = list_tokens(connection)
    now = clock()
    if not tokens:
        click.echo("no token was made yet")
        return
    rows = []
    for token in tokens:
        state = "valid" if token.is_valid(now) else "revoked" if token.revoked_at is not None else "expired"
        expires = "-" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
        rows.append((token.name, token.scope, state, f"{token.created_at:%Y-%m-%d}", expires))
    table("", ("name", "scope", "state", "created", "expires"), rows)


@token_command.command("revoke", cls=WritingCommand, epilog=example("technopark-billing token revoke erp"))
@click.argument("name")
def revoke_command(name: str) -> None:
    """Let the token NAME open nothing any more."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.frame.tokens import revoke_token

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        revoke_token(connection, name, now=clock())
    click.echo(f"the token {name} opens nothing any more")
