"""The commands for users: add, change, list, disable, give a password."""

import sys
from typing import Any

import click

from billing.frame.terminal.command import Group, WritingCommand, actor, clock, database, example
from billing.frame.terminal.output import table

_ROLES = ("finance", "approver", "auditor", "admin")
_ROLE_HELP = "finance: enters and orders; approver: the same, and approves; auditor: reads; admin: all, and users."


@click.group("users", cls=Group)
def users_command() -> None:
    """Add, change and disable the people who act; give them passwords.

    A user acts by a token (`token create NAME --user USER`) or as the operating system's user that is linked.
    """


@users_command.command(
    "add",
    cls=WritingCommand,
    epilog=example("technopark-billing users add amina --email amina@park.example --role finance --os-user amina"),
)
@click.argument("name")
@click.option("--email", required=True, help="The person's own address: one person is one user.")
@click.option("--role", type=click.Choice(_ROLES), required=True, help=_ROLE_HELP)
@click.option("--os-user", metavar="LOGIN", help="The operating system's user whose commands are this person's.")
def add_command(**given: Any) -> None:
    """Add the user NAME; a name is given once and for all."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.users.administering import UserOrder, add_user, require_administrator

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        require_administrator(connection, actor())
        user = add_user(connection, UserOrder(**given), now=clock())
    click.echo(f"{user.name} is added: {user.role}")


@users_command.command(
    "change", cls=WritingCommand, epilog=example("technopark-billing users change amina --role approver")
)
@click.argument("name")
@click.option("--email", help="Another address.")
@click.option("--role", type=click.Choice(_ROLES), help=_ROLE_HELP)
@click.option("--os-user", metavar="LOGIN", help="Another user of the operating system; blank: none.")
@click.option("--enable", is_flag=True, help="Let a disabled user act again.")
def change_command(name: str, email: str | None, role: str | None, os_user: str | None, enable: bool) -> None:
    """Change what is given of the user NAME."""
    values: dict[str, Any] = {key: value for key, value in (("email", email), ("role", role)) if value is not None}
    if os_user is not None:
        values["os_user"] = os_user or None
    if enable:
        values["enabled"] = True
    if not values:
        raise click.UsageError("give what is to be changed: --email, --role, --os-user or --enable")
    user = _changed(name, values)
    click.echo(f"{user.name}: {user.role}, {user.email}, {'enabled' if user.disabled_at is None else 'disabled'}")


@users_command.command("disable", cls=WritingCommand, epilog=example("technopark-billing users disable amina"))
@click.argument("name")
def disable_command(name: str) -> None:
    """Let the user NAME do nothing any more, by none of its tokens; its name stays in what it did."""
    _changed(name, {"enabled": False})
    click.echo(f"{name} is disabled, and so are its tokens")


def _changed(name: str, values: dict[str, Any]) -> Any:
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.users.administering import change_user, require_administrator

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        require_administrator(connection, actor())
        return change_user(connection, name, values, now=clock())


@users_command.command("list", epilog=example("technopark-billing users list"))
def list_command() -> None:
    """List every user there ever was."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.users.queries import users_listed

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        users = users_listed(connection)
    if not users:
        click.echo("there is no user yet: `technopark-billing users add` adds one")
        return
    names = ("name", "role", "email", "os_user", "state", "password")
    rows = [
        (user.name, user.role, user.email, user.os_user or "-", "enabled" if user.enabled else "disabled",
         "set" if user.has_password else "-")
        for user in users
    ]  # fmt: skip
    table("", names, rows)


@users_command.command(
    "password",
    cls=WritingCommand,
    epilog=example("pass show billing | technopark-billing users password amina --stdin"),
)
@click.argument("name")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input, its first line.")
def password_command(name: str, from_stdin: bool) -> None:
    """Give the user NAME a password, which is asked for twice; only its hash is kept."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.users.administering import require_own_or_administrator, set_password

    settings = load_settings()
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with database(settings) as engine, writing(engine) as connection:
        require_own_or_administrator(connection, actor(), name)
        set_password(connection, name, password)
    click.echo(f"{name} has a new password")
