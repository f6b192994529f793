"""The commands of manual entries: post, reverse, list, show, voucher, template."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from billing.documents.lookup.commands import snapshot
from billing.frame.codes import MANUAL_ENTRY
from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output, write_export
from billing.frame.terminal.output import grouped, table, warn
from billing.frame.terminal.parameters import DAY, Numbered

if TYPE_CHECKING:
    pass

_NUMBER = Numbered(MANUAL_ENTRY)


@click.group("entries", cls=Group)
def entries_command() -> None:
    """Manual entries (écritures d'opérations diverses): what an accountant adds to the books, in journal OD."""


@entries_command.command(
    "post",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing entries post tva-novembre.csv --reason 'Déclaration de novembre' --voucher tva.pdf"
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--voucher",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that the entries rest on, kept with them by its SHA-256.",
)
def post_command(file: Path, voucher: Path | None) -> None:
    """Post the entries of FILE, all or none; the reason is required.

    FILE is CSV, as a program or a French spreadsheet writes it, or .xlsx, with the columns
    date,label,voucher,account,auxiliary,site,debit,credit (`entries template`). Rows of one date, label and voucher are
    one entry, which balances. Accounts that the service proves from its own facts (3421, 44551, class 9 ...) are
    refused. The same file again changes nothing. Where the settings ask for a second person it waits for an approval.
    """
    from billing.approvals.ordering import Waiting, place
    from billing.books.manual_entries.approving import MANUAL_ENTRIES, ManualOrder
    from billing.books.manual_entries.files import rows_of_file
    from billing.books.manual_entries.queries import find_manual_entries
    from billing.books.manual_entries.vouchers import keep_voucher
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    rows, warnings = rows_of_file(file)
    for warning in warnings:
        warn(str(warning))
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "a manual entry")
        digest = None
        if voucher is not None:
            digest = keep_voucher(connection, voucher.name, voucher.read_bytes(), recorded_at=clock())
        order = ManualOrder(reason, file.name, rows, digest)
        placed = place(connection, MANUAL_ENTRIES, order, clock=clock, settings=settings)
        entries = [] if isinstance(placed, Waiting) else find_manual_entries(connection, placed.answer)
    if isinstance(placed, Waiting):
        click.echo(f"{file.name} {placed}")
        return
    for entry in entries:
        click.echo(f"{entry.number} of {entry.date}, {grouped(entry.amount)} DH, {entry.label}")
    click.echo(f"posted: {placed.number}" if placed.changed else "every entry stands already: nothing changed")


@entries_command.command(
    "reverse",
    cls=WritingCommand,
    epilog=example("technopark-billing entries reverse EM-000012 --reason 'Compte de charges erroné'"),
)
@click.argument("number", type=_NUMBER)
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="Its day. Default: the entry's own, or the first open one.")
def reverse_command(number: int, on: date | None) -> None:
    """Take the manual entry NUMBER back by its mirror image; the reason is required. It is never changed."""
    from billing.approvals.ordering import Waiting, place
    from billing.books.manual_entries.approving import MANUAL_ENTRIES, ManualOrder
    from billing.books.manual_entries.queries import find_manual_entries
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        order = ManualOrder(require_reason(connection, "reversing a manual entry"), reverses=number, on=on)
        placed = place(connection, MANUAL_ENTRIES, order, clock=clock, settings=settings)
        [entry] = find_manual_entries(connection, [number])
    if isinstance(placed, Waiting):
        click.echo(f"the reversal of {entry.number} {placed}")
    else:
        already = "" if placed.changed else "; it was so already, nothing changed"
        click.echo(f"{entry.number} is taken back on {entry.reversed_on}{already}")


@entries_command.command("list", cls=Command, epilog=example("technopark-billing entries list"))
@format_option("table", "json", "csv", "xlsx", default="table")
@output_option
def list_command(format_name: str, output: str | None) -> None:
    """List the manual entries, in csv and xlsx a row a posting; `export journal` has those of every origin."""
    from billing.books.manual_entries.listing import manual_entries_file
    from billing.books.manual_entries.queries import all_manual_entries

    if format_name != "table":
        write_export(
            lambda connection: manual_entries_file(all_manual_entries(connection), format_name), format_name, output
        )
        return
    require_no_output(output)
    with snapshot() as connection:
        entries = all_manual_entries(connection)
    if not entries:
        click.echo("no manual entry was made yet")
        return
    rows = [(e.number, e.date, grouped(e.amount), e.voucher, e.label, e.reversed_on or "", e.reason) for e in entries]
    table("", ("number", "date", "DH", "voucher", "label", "reversed", "reason"), rows)


@entries_command.command("show", cls=Command, epilog=example("technopark-billing entries show EM-000012"))
@click.argument("number", type=_NUMBER)
def show_command(number: int) -> None:
    """Show the manual entry NUMBER: its postings, its voucher, why it was made, what took it back."""
    from billing.books.manual_entries.queries import find_manual_entries

    with snapshot() as connection:
        [e] = find_manual_entries(connection, [number])
    click.echo(f"{e.number} of {e.date}, journal entry {e.reference}: {e.label}")
    click.echo(f"reason   {e.reason}")
    click.echo(f"voucher  {e.voucher}" + ("" if e.voucher_name is None else f", {e.voucher_name} {e.voucher_sha256}"))
    if e.reversed_on is not None:
        click.echo(f"reversed {e.reversed_on}: {e.reversed_for}")
    rows = [
        (p.account, p.auxiliary or "", p.site or "", p.label, *(
            "" if amount == "0.00" else grouped(amount) for amount in (p.debit, p.credit)))
        for p in e.postings
    ]  # fmt: skip
    table("", ("account", "auxiliary", "site", "label", "debit", "credit"), rows)


@entries_command.command(
    "voucher", cls=Command, epilog=example("technopark-billing entries voucher 9f86d0… --output tva.pdf")
)
@click.argument("sha256", metavar="SHA256")
@output_option
def voucher_command(sha256: str, output: str | None) -> None:
    """Write the voucher file of a SHA-256, byte for byte as it came (`entries show`, `approvals show` name it)."""
    from billing.books.manual_entries.vouchers import find_voucher

    write_export(lambda connection: [find_voucher(connection, sha256)], "pdf", output)


@entries_command.command(
    "template", cls=Command, epilog=example("technopark-billing entries template vat-settlement --date 2026-11-30")
)
@click.argument("name", required=False)
@click.option("--date", "on", type=DAY, metavar="YYYY-MM-DD", help="Day of the entries and balances. Default: today.")
@format_option("csv", "xlsx", default="csv")
@output_option
def template_command(name: str | None, on: date | None, format_name: str, output: str | None) -> None:
    """Write the template NAME with the amounts that the books hold, to be completed and posted; without NAME list them.

    vat-settlement, withholding-credits, stamp-duty, grant-notified, investment-grant-notified, grant-received,
    grant-carried-over, bank-opening, result-appropriation.
    """
    from billing.books.manual_entries.templates import TEMPLATES, template_file
    from billing.frame.civil_time import today

    if name is None:
        table("", ("name", "what it books"), [(name, template.title) for name, template in TEMPLATES.items()])
        return
    if name not in TEMPLATES:
        raise click.BadParameter(f"there is no template {name!r}: there are {', '.join(TEMPLATES)}", param_hint="NAME")
    day = on or today(clock())
    write_export(lambda connection: template_file(connection, name, day, format_name), format_name, output)
