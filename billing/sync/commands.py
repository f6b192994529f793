"""The commands that take in what other systems hand over."""

import time
from typing import TYPE_CHECKING

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import Failure, Group, WritingCommand, clock, database, example, subjects

if TYPE_CHECKING:
    from billing.sync.writing_back import Written


@click.group("sync", cls=Group)
def sync_command() -> None:
    """Take in what other systems hand over: Salesforce, or files that are dropped into a folder."""


@sync_command.command("salesforce", cls=WritingCommand, epilog=example("technopark-billing sync salesforce --dry-run"))
@click.option("--dry-run", is_flag=True, help="Write nothing, here or there; show what would be new and changed.")
@click.option(
    "--all", "everything", is_flag=True, help="Read everything, not only what has changed since the last time."
)
@click.option("--overwrite", is_flag=True, help="Take Salesforce's value where the same field was changed here too.")
def salesforce_command(dry_run: bool, everything: bool, overwrite: bool) -> None:
    """Take what has changed in Salesforce into the register, and tell it what tenants owe.

    SALESFORCE_FILE says how it is reached, and which objects and fields are read and written. Rows are taken by the
    rules of `import`, all or nothing; a field that was changed here since, to another value, is a conflict, and is
    shown. What changed in the last two minutes waits for the next time.
    """
    from billing.frame.civil_time import today
    from billing.frame.settings import load_settings
    from billing.sync.client import Client, SalesforceFault
    from billing.sync.taking_in import take_in
    from billing.sync.writing_back import write_back

    settings = load_settings()
    mapping = settings.salesforce
    if mapping is None:
        raise SalesforceFault("SALESFORCE_FILE is not set: it says how Salesforce is reached (docs/operators.md)")
    with database(settings) as engine:
        client = Client(mapping.access, time.sleep)
        report = take_in(
            engine, client, mapping, now=clock(), dry_run=dry_run, everything=everything, overwrite=overwrite
        )
        for line in ("nothing has changed in Salesforce",) if report is None else report.lines():
            click.echo(line, err=line.startswith("warning:"))
        if mapping.write_back is not None:
            written = write_back(
                engine, client, mapping.write_back, today=today(clock()), wait=time.sleep, dry_run=dry_run
            )
            _say_written(written, dry_run)


def _say_written(written: "Written", dry_run: bool) -> None:
    would = "would be told" if dry_run else "told"
    click.echo(f"Salesforce: {counted(written.told, 'record')} {would} what is owed, {written.known} knew")
    for failure in written.failures:
        click.echo(failure, err=True)
    if written.failures:
        raise Failure(f"Salesforce refused {counted(len(written.failures), 'record')}: they are told again next time")


@sync_command.command(
    "folder", cls=WritingCommand, epilog=example("technopark-billing sync folder sftp://billing@till.example/out")
)
@click.argument("url", required=False)
@click.option("--dry-run", is_flag=True, help="Write nothing; show what each file would change.")
def folder_command(url: str | None, dry_run: bool) -> None:
    """Take the files that were dropped into the folder at URL (by default SYNC_FOLDER), each once.

    A file is named as in a network folder, with anything after a hyphen: usage-cantine-2026-11-30.csv, also .xlsx.
    Each is taken by the rules of `import`, all or nothing; one that is refused hinders no other.
    """
    from billing.frame.settings import load_settings
    from billing.register.network_import.further import further_files
    from billing.sync.dropped import take_dropped

    settings = load_settings()
    place = url or settings.sync_folder
    if place is None:
        raise click.UsageError("which folder? Give its URL, or set SYNC_FOLDER")
    refused = looked_at = 0
    with database(settings) as engine:
        further = further_files(subjects())
        for taken in take_dropped(engine, place, now=clock(), settings=settings, further=further, dry_run=dry_run):
            looked_at += 1
            if taken.report is None:
                refused += 1
                click.echo(f"{taken.name}: refused\n{taken.refusal}", err=True)
            else:
                for line in taken.report.lines():
                    click.echo(f"{taken.name}: {line}", err=line.startswith("warning:"))
    if not looked_at:
        click.echo("no new file")
    if refused:
        raise Failure(f"{counted(refused, 'file')} refused; they are tried again next time")
