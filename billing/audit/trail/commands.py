"""The command that follows a thing both ways."""

from datetime import date
from typing import TYPE_CHECKING

import click

from billing.frame.terminal.command import Command, database, example
from billing.frame.terminal.exporting import output_option, write_export
from billing.frame.terminal.output import grouped
from billing.frame.terminal.parameters import MONTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from billing.audit.trail.shapes import Trail, TrailStep
    from billing.documents.explanation.shapes import Written

_KINDS = ("entry", "document", "receipt", "lease")
_OF_BALANCE = ("auxiliary", "site", "month")


@click.command("trail", cls=Command, epilog=example("technopark-billing trail FA-2026-000012"))
@click.argument("name", required=False)
@click.option("--kind", type=click.Choice(_KINDS), help="What NAME is, where several things bear it.")
@click.option("--account", metavar="ACCOUNT", help="Follow the balance of an account, in place of NAME.")
@click.option("--auxiliary", metavar="CODE", help="Of the account: this tenant or grant.")
@click.option("--site", metavar="CODE", help="Of the account: this site.")
@click.option("--month", type=MONTH, metavar="YYYY-MM", help="Of the account: the entries of this month.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    help="A table for people, or JSON.",
)
@output_option
def trail_command(
    name: str | None, kind: str | None, account: str | None, format_name: str, output: str | None, **place: "str | date"
) -> None:
    """Follow NAME both ways: down to the facts and persons it came from, up to what came of it.

    NAME is an entry's reference or number, a document's number, a receipt's (RG-000012) or a lease's code. An entry
    leads to what it books; a document to its lines, rates, VAT and the facts of its tier, to payments, credit notes,
    reminders and mails; a receipt to its bank line and what it settled; a lease to the acts that changed it, its
    documents and its deposit. Each step says who wrote it, when and why.
    """
    from billing.audit.trail.following import Place, follow, follow_balance
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented

    if (name is None) == (account is None) or (account is None and any(place.values())) or (account and kind):
        raise click.UsageError(
            "give the NAME of an entry, document, receipt or lease; or --account, with --auxiliary, --site, --month"
        )

    def found(connection: "Connection") -> "Trail":
        if account is None:
            return follow(connection, name or "", kind)
        return follow_balance(connection, Place(account, *(place[key] for key in _OF_BALANCE)))  # type: ignore[arg-type]

    if format_name == "json":
        write_export(lambda connection: [indented(found(connection))], format_name, output)
        return
    if output is not None:
        raise click.UsageError("a table is for the terminal: give --format json with --output")
    with database(load_settings()) as engine, reading(engine) as connection:
        trail = found(connection)
    click.echo("\n".join(_lines(trail)))


def _lines(trail: "Trail") -> "Iterator[str]":
    yield from _line("", trail.kind, trail)
    for title, steps in (("rests on", trail.down), ("led to", trail.up)):
        if steps:
            yield f"\n{title}"
        for step in steps:
            yield from _line("  " * (step.level + 1), step.kind, step)


def _line(indent: str, kind: str, step: "Trail | TrailStep") -> "Iterator[str]":
    amount = None if step.amount is None else grouped(step.amount)
    parts = (kind.replace("_", " "), step.name, None if step.on is None else str(step.on), amount, step.about)
    yield indent + "  ".join(filter(None, parts))
    if step.written is not None:
        yield f"{indent}    by {_writing(step.written)}"


def _writing(written: "Written") -> str:
    why = f": {written.reason}" if written.reason else ""
    return f"{written.by}, {written.at} ({written.operation}, act {written.act}){why}"
