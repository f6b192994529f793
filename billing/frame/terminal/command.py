"""Commands share their options, their database and the way they report a failure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from billing.frame.actors import Actor
    from billing.frame.audit_log import Act
    from billing.frame.settings import Settings
    from billing.frame.subject import Subject

NAME = "technopark-billing"


class Failure(click.ClickException):
    """The command was refused or failed: exit status 1, the reason on standard error."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the reason."""
        click.echo(f"{NAME}: {self.message}", file=file, err=file is None)


def _remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.meta["debug"] = True


def _remember_reason(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    from billing.frame.audit_log import REASON_LENGTH_MAX

    reason = (value or "").strip()
    if len(reason) > REASON_LENGTH_MAX or not reason.isprintable():
        raise click.BadParameter(f"give at most {REASON_LENGTH_MAX} characters that can be printed")
    context.meta["reason"] = reason or None


# Every command takes it.
_DEBUG = click.Option(
    ["--debug"],
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Show the traceback of a failure, for those who mend the program.",
)


# Every command that writes takes it.
_REASON = click.Option(
    ["--reason"],
    metavar="TEXT",
    expose_value=False,
    callback=_remember_reason,
    help="Why it is done, kept with what is written. Exceptions from the rule need one.",
)


class Command(click.Command):
    """A command that also takes `--debug`."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters, then `--debug` and `--help`."""
        *own, last = super().get_params(ctx)
        return [*own, _DEBUG, last]


class WritingCommand(Command):
    """A command that writes, and so takes `--reason` as well."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters, then `--reason`, `--debug` and `--help`."""
        *own, debug, last = super().get_params(ctx)
        return [*own, _REASON, debug, last]


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def subjects() -> "Sequence[Subject]":
    """Return the subjects of the program whose command is under way."""
    declared: Sequence[Subject] = click.get_current_context().find_root().obj
    return declared


def clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def command_act(who: "Actor") -> "Act":
    """The act of the command under way: by whoever gives it, for the reason given."""
    from billing.frame.audit_log import CLI, Act, new_request_id

    context = click.get_current_context()
    return Act(who.name, CLI, _operation(), new_request_id(), context.meta.get("reason"), who.user)


def _operation() -> str:
    """The words by which the command under way was called: `debts decide`."""
    return click.get_current_context().command_path.partition(" ")[2]


def _admitted(engine: "Engine") -> "Actor":
    """Who gives the command under way, if they may; raises NotAllowed."""
    from billing.frame.actors import actor_at_terminal, require_scope
    from billing.frame.database import reading
    from billing.frame.settings import billing_token, operating_user

    with reading(engine) as connection:
        who = actor_at_terminal(connection, billing_token(), operating_user(), now=clock())
    writes = isinstance(click.get_current_context().command, WritingCommand)
    require_scope(who, _operation(), writes=writes)
    click.get_current_context().meta["actor"] = who
    return who


def actor() -> "Actor":
    """Whoever gives the command under way, once its database is open."""
    who: Actor = click.get_current_context().meta["actor"]
    return who


@contextmanager
def database(settings: "Settings", *, migrated: bool = True) -> Iterator["Engine"]:
    """The database of the settings, closed at the end; unless told otherwise its schema must be current.

    What is written is the command's act. Raises SchemaNotReady; NotAllowed for a wrong BILLING_TOKEN, or where the
    user's role or the token's scope does not open the command.
    """
    from pathlib import Path

    from billing.frame.actors import Actor
    from billing.frame.audit_log import on_behalf
    from billing.frame.database import open_engine
    from billing.frame.errors import SchemaNotReady
    from billing.frame.schema_version import require_current
    from billing.frame.settings import operating_user

    url = settings.database_url
    if migrated and url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        # Opening it would create it, empty, wherever the command happens to be run.
        raise SchemaNotReady(
            f"there is no database {url.database}: check DATABASE_URL, or create it with `{NAME} migrate`"
        )
    engine = open_engine(url)
    try:
        if migrated:
            require_current(engine)
        # Before there is a schema nobody is known.
        who = _admitted(engine) if migrated else Actor(operating_user())
        yield on_behalf(engine, command_act(who), clock)
    finally:
        engine.dispose()


def example(text: str) -> str:
    """A command's example, as the end of its help."""
    return f"\b\nExample:\n  {text}"
