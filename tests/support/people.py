"""People for tests: users with their tokens, and the command line as one of them."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from click.testing import CliRunner, Result
from sqlalchemy import Engine

from billing.cli import main
from billing.frame.database import writing
from billing.frame.tokens import create_token
from billing.users.administering import UserOrder, add_user, change_user
from tests.support.api import NOW

Invoke: TypeAlias = Callable[..., Result]


def add(engine: Engine, name: str, role: str, os_user: str | None = None) -> None:
    """Add a user."""
    with writing(engine) as connection:
        add_user(connection, UserOrder(name, f"{name}@park.example", role, os_user), now=NOW)


def change(engine: Engine, name: str, **values: Any) -> None:
    """Change a user."""
    with writing(engine) as connection:
        change_user(connection, name, values, now=NOW)


def token(engine: Engine, name: str, scope: str, user: str | None = None, sites: Iterable[str] = ()) -> str:
    """Make a token and give its secret."""
    with writing(engine) as connection:
        return create_token(connection, name, scope, now=NOW, user=user, sites=tuple(sites))


def invoker(environment: dict[str, str]) -> Invoke:
    """Runs a command within this process; `BILLING_TOKEN` among the settings makes its user act."""

    def run(*arguments: object, stdin: str | None = None, **settings: str | None) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(main, words, input=stdin, env={**environment, **settings})

    return run


def ok(result: Result) -> str:
    """What a command that must succeed prints."""
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(result: Result) -> str:
    """Why a command is refused; its status is 1."""
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True), result.output
    assert "Traceback" not in result.output
    return result.stderr
