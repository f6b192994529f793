"""The command that takes a park on with what it brings from before."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import click

from billing.frame.terminal.command import WritingCommand, clock, database, example
from billing.frame.terminal.output import table, warn
from billing.frame.terminal.parameters import DAY


@click.command(
    "take-on", cls=WritingCommand, epilog=example("technopark-billing take-on opening/ --date 2026-09-01 --dry-run")
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--date", "on", type=DAY, required=True, metavar="YYYY-MM-DD", help="The day the balances are of: the books begin."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; show the entries that would be made.")
def take_on_command(folder: Path, on: date, dry_run: bool) -> None:
    """Take a park on, once, before anything else is booked: what it brings from before, in FOLDER.

    Files: open_invoices.csv, credits.csv, deposits.csv, balances.csv, grants.csv; docs/starting.md shows their columns.
    Each may be CSV, as a program or a French spreadsheet writes it, or .xlsx. All or nothing: every fault of every file
    is named, and what is missing if they do not balance.
    """
    from billing.approvals.ordering import Waiting, place
    from billing.frame.database import reading, writing
    from billing.frame.errors import Fault, Refused
    from billing.frame.settings import load_settings
    from billing.take_on.approving import TAKE_ON, TakingOn
    from billing.take_on.files import find_files, naming, new_faults, rows_of_files
    from billing.take_on.judging import judge
    from billing.take_on.taking import take_park_on

    settings = load_settings()
    tables = find_files(folder)
    faults = new_faults(tables)
    for warning in tables.warnings:
        warn(str(Fault(*warning)))
    rows = rows_of_files(tables, faults)
    with naming(tables), database(settings) as engine:
        if faults:
            with reading(engine) as connection:
                judge(connection, rows, on, settings.terms, faults)
            raise Refused(faults.in_order())
        with writing(engine) as connection:
            if dry_run:
                now = clock()
                taken = take_park_on(connection, rows, on, recorded_at=now, settings=settings)
                _show(taken.entries)
                connection.rollback()
                click.echo(f"dry run: nothing was written; the entries above would take the park on as of {on}")
                return
            order = TakingOn(on, {stem: [(line, list(row)) for line, row in of] for stem, of in rows.items()})
            placed = place(connection, TAKE_ON, order, clock=clock, settings=settings)
    if isinstance(placed, Waiting):
        click.echo(f"the take-on of {on} {placed}")
        return
    _show(placed.answer.entries)
    click.echo(_told(placed.answer.brought))


def _show(entries: Iterable[Any]) -> None:
    from ledger.accounts import label_of
    from pricing.money import format_amount

    rows = [
        (
            e.reference,
            p.account,
            p.auxiliary or p.site or "",
            label_of(p.account),
            format_amount(p.amount) if p.amount > 0 else "",
            format_amount(-p.amount) if p.amount < 0 else "",
        )
        for e in entries
        for p in e.postings
    ]
    table("", ("entry", "account", "of", "label", "debit", "credit"), rows)


def _told(brought: Any) -> str:
    from billing.frame.counted import counted

    parts = [
        counted(len(brought.invoices), "open invoice"),
        counted(len(brought.credits), "credit"),
        counted(len(brought.deposits), "deposit"),
        counted(len(brought.balances), "balance"),
        counted(len(brought.grants), "used grant"),
    ]
    return f"taken on as of {brought.on}: {', '.join(parts)}"
