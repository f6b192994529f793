"""Run the program: find its commands, set its exit status, write a failure as a sentence."""

import errno
import os
from importlib import import_module
from typing import Any

import click

from billing.frame.terminal.command import _DEBUG, NAME, Failure, Group
from billing.subjects import SUBJECTS

# What others and the group may not do with files that a command makes.
_PRIVATE = 0o077
# The program's own commands, and the modules that hold them; the subjects declare the others.
_OWN = {
    "migrate": "billing.schema.commands",
    "check": "billing.cli.check",
    "backup": "billing.backup.commands",
    "restore": "billing.backup.commands",
    "serve": "billing.api.commands",
    "scheduler": "billing.scheduler.commands",
    "demo": "billing.demo.commands",
}
# A command's module is imported when it is asked for; `report vat-return` is a command of the group `report`.
COMMANDS = _OWN | {
    command: f"{subject.package}.{module}" for subject in SUBJECTS for command, module in subject.commands.items()
}


def _loaded(name: str) -> click.Command:
    command: click.Command = getattr(import_module(COMMANDS[name]), f"{name.split()[-1].replace('-', '_')}_command")
    return command


class Program(Group):
    """The whole program: commands found by name, failures written as sentences."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work."""
        return [name for name in COMMANDS if " " not in name]

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = _loaded(cmd_name)
        if isinstance(command, click.Group):
            for further in COMMANDS:
                group, _, name = further.partition(" ")
                if group == cmd_name and name:
                    command.add_command(_loaded(further), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what goes wrong becomes a sentence and exit status 1.

        All that it and its processes write is private: the files name firms, persons and what they owe.
        """
        mask = os.umask(_PRIVATE)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise Failure("interrupted; what was committed stays: run the command again to go on") from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                # The reader of our output has gone: click ends quietly.
                raise
            if ctx.meta.get("debug"):
                raise
            raise Failure(_told(error)) from None
        finally:
            os.umask(mask)


def _told(error: Exception) -> str:
    from billing.cli.failures import sentence_of

    return sentence_of(error) or (
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a fault of the program; what was committed stays. --debug shows where it happened."
    )


@click.group(
    cls=Program,
    name=NAME,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "obj": SUBJECTS},
)
@click.version_option(package_name=NAME)
def main() -> None:
    """Bills the tenants of a network of technology parks, and accounts for who funds whom.

    A month is three commands: import the network folder, run the month, deliver what it issued.
    Settings come from the environment: DATABASE_URL, DOCUMENTS_URL, SMTP_URL, OPERATOR_FILE, EXECUTOR.

    Exit status: 0 done; 1 refused or failed, the reason on standard error; 2 wrong usage.
    """


main.params.append(_DEBUG)
