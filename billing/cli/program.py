"""The program itself: its commands, its exit status, and how a failure is told."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from billing.acts import Act
    from billing.config import Settings

NAME = "technopark-billing"
# Command, and the module that holds it: a command's module is imported when it is asked for.
COMMANDS = {
    "migrate": "billing.cli.operating",
    "import": "billing.cli.monthly",
    "run": "billing.cli.monthly",
    "deliver": "billing.cli.monthly",
    "credit-notes": "billing.cli.credit_notes",
    "payments": "billing.cli.payments",
    "deposits": "billing.cli.deposits",
    "cash": "billing.cli.cash",
    "debts": "billing.cli.debts",
    "statements": "billing.cli.statements",
    "dunning": "billing.cli.dunning",
    "export": "billing.cli.exporting",
    "report": "billing.cli.reporting",
    "forecast": "billing.cli.forecasting",
    "switches": "billing.cli.switches",
    "cross-subsidy": "billing.cli.cross_subsidy",
    "audit-bundle": "billing.cli.auditing",
    "periods": "billing.cli.periods",
    "check": "billing.cli.operating",
    "proof": "billing.cli.proving",
    "serve": "billing.cli.operating",
    "scheduler": "billing.cli.operating",
    "demo": "billing.cli.showing",
    "token": "billing.cli.tokens",
}


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
    from billing.acts import REASON_LENGTH_MAX

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


class Program(Group):
    """The whole program: commands found by name, failures told in sentences."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The commands in the order of the work."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(COMMANDS[cmd_name])
        found: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what goes wrong becomes a sentence and exit status 1."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise Failure("interrupted; what was committed stays: run the command again to go on") from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                # Whoever read our output has gone: click ends quietly.
                raise
            if ctx.meta.get("debug"):
                raise
            raise Failure(_told(error)) from None


def _told(error: Exception) -> str:
    from billing.cli.failures import sentence_of

    return sentence_of(error) or (
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a fault of the program; what was committed stays. --debug shows where it happened."
    )


def clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def command_act() -> "Act":
    """The act of the command under way: by the user of the operating system, for the reason given."""
    from billing.acts import CLI, Act, new_request_id
    from billing.config import operating_user

    context = click.get_current_context()
    operation = context.command_path.partition(" ")[2]
    return Act(operating_user(), CLI, operation, new_request_id(), context.meta.get("reason"))


@contextmanager
def database(settings: "Settings", *, migrated: bool = True) -> Iterator["Engine"]:
    """The database of the settings, closed at the end; unless told otherwise its schema must be current.

    What is written is the command's act. Raises SchemaNotReady.
    """
    from pathlib import Path

    from billing.acts import on_behalf
    from billing.db import open_engine
    from billing.errors import SchemaNotReady
    from billing.schema import require_current

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
        yield on_behalf(engine, command_act(), clock)
    finally:
        engine.dispose()


def example(text: str) -> str:
    """A command's example, as the end of its help."""
    return f"\b\nExample:\n  {text}"


@click.group(cls=Program, name=NAME, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name=NAME)
def main() -> None:
    """Bills the tenants of a network of technology parks, and accounts for who funds whom.

    A month is three commands: import the network folder, run the month, deliver what it issued.
    Settings come from the environment: DATABASE_URL, DOCUMENTS_URL, SMTP_URL, OPERATOR_FILE, EXECUTOR.

    Exit status: 0 done; 1 refused or failed, the reason on standard error; 2 wrong usage.
    """


main.params.append(_DEBUG)
