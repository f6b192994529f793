"""The options that commands with lists share: what is searched, the order, since when (`billing.frame.listing`)."""

from collections.abc import Callable
from typing import Any

import click

from billing.frame.terminal.parameters import INSTANT

Command = Callable[..., Any]


def listing_options(searched: str, sorts: str) -> Callable[[Command], Command]:
    """Add the options of a list; `searched` and `sorts` say where it looks, and what it is sorted by."""
    options = (
        click.option(
            "--search", metavar="TEXT", help=f"Those with TEXT in {searched}; accents and case do not matter."
        ),
        click.option("--sort", metavar="NAME", help=f"Sort by {sorts}; with `-` before it, the greatest first."),
        click.option("--created-after", type=INSTANT, help="Those added after it, such as 2026-09-01T05:00:00Z."),
        click.option("--updated-after", type=INSTANT, help="Those added, or to which something happened, after it."),
    )

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated
