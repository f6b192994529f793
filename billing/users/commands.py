"""The commands for bearer tokens: create, list, revoke."""

from datetime import date

import click

from billing.frame.terminal.command import Group, WritingCommand, actor, clock, database, example
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import DAY

_SCOPES = ("auditor", "finance", "admin", "usage", "register", "receipts", "runs", "approvals", "audit")


@click.group("token", cls=Group)
def token_command() -> None:
    """Make, list and revoke bearer tokens, for the HTTP API and for commands (BILLING_TOKEN)."""


@token_command.command(
    "create",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing token create erp --user amina --scope finance --expires 2027-12-31\n"
        "  technopark-billing token create badge-cas --scope usage --site CAS"
    ),
)
@click.argument("name")
@click.option("--user", metavar="USER", help="Whose it is: it opens no more than its role. Default: a program's.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    required=True,
    help="auditor: read everything; finance: read and write; admin: the same, and administer. Or what is of one "
    "subject: usage (adds usage events, reads nothing), register, receipts, runs, approvals, audit (reads). "
    "May be repeated.",
)
@click.option("--site", "sites", metavar="CODE", multiple=True, help="Bind usage or register to a site; repeatable.")
@click.option("--expires", "expires_on", type=DAY, metavar="YYYY-MM-DD", help="Last day it can be used. Default: none.")
def create_command(
    name: str, user: str | None, scopes: tuple[str, ...], sites: tuple[str, ...], expires_on: date | None
) -> None:
    """Make the token NAME and print its secret, this once: only its hash is kept."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.frame.tokens import create_token
    from billing.users.administering import require_administrator
    from billing.users.queries import require_sites

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        require_administrator(connection, actor())
        require_sites(connection, sites)
        secret = create_token(
            connection, name, " ".join(scopes), now=clock(), expires_on=expires_on, user=user, sites=sites
        )
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
        expires = "-" if token.expires_at is None else f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
        sites = " ".join(token.sites) or "-"
        made = f"{token.created_at:%Y-%m-%d}"
        rows.append((token.name, token.scope, token.state(now), made, expires, token.user or "-", sites))
    table("", ("name", "scope", "state", "created", "expires", "user", "sites"), rows)


@token_command.command("revoke", cls=WritingCommand, epilog=example("technopark-billing token revoke erp"))
@click.argument("name")
def revoke_command(name: str) -> None:
    """Let the token NAME open nothing any more."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.frame.tokens import revoke_token
    from billing.users.administering import require_administrator

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        require_administrator(connection, actor())
        revoke_token(connection, name, now=clock())
    click.echo(f"the token {name} opens nothing any more")
