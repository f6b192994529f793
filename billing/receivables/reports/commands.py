"""The commands that print what tenants owe and paid: account statement, aged balance, open items, receipts."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from billing.frame.terminal.command import Command, clock, database, example
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import DAY

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from billing.frame.reports.tabled import Listed
    from billing.frame.settings import Settings

_ON = click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="At the end of that day. Default: today.")
_FROM = click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day. Default: the beginning.")
_UNTIL = click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day, included. Default: today.")
_OUTPUT = click.option(
    "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
)
_FORMAT = format_option("json", "csv", "xlsx", "html", "pdf", default="json")


def _today(day: date | None) -> date:
    from billing.frame.civil_time import today

    return day or today(clock())


def _write(
    format_name: str, output: str | None, pieces_of: "Callable[[Connection, Settings], Iterator[bytes]]"
) -> None:
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        for piece in pieces_of(connection, settings):
            file.write(piece)


def _write_listed(format_name: str, output: str | None, listed_of: "Callable[[Connection], Listed]") -> None:
    from billing.frame.reports.tabled import listed_pieces

    def pieces(connection: "Connection", settings: "Settings") -> Iterator[bytes]:
        return listed_pieces(listed_of(connection), format_name, operator=settings.operator.party)

    _write(format_name, output, pieces)


@click.command(
    "statement",
    cls=Command,
    epilog=example("technopark-billing report statement T0042 --from 2026-01-01 --format pdf -o releve.pdf"),
)
@click.argument("tenant")
@_FROM
@_UNTIL
@format_option("json", "csv", "xlsx", "pdf", default="json")
@_OUTPUT
def statement_command(
    tenant: str, start: date | None, until: date | None, format_name: str, output: str | None
) -> None:
    """Relevé de compte: what TENANT was invoiced, paid and was credited, with the balance after each movement."""
    from billing.receivables.reports.statement_files import statement_pieces

    last = _today(until)
    if start is not None and start > last:
        raise click.UsageError(f"--from {start} comes after --until {last}")

    def pieces(connection: "Connection", settings: "Settings") -> Iterator[bytes]:
        return statement_pieces(connection, tenant, start, last, format_name, operator=settings.operator.party)

    _write(format_name, output, pieces)


@click.command(
    "aged-balance",
    cls=Command,
    epilog=example("technopark-billing report aged-balance --on 2026-11-30 --format pdf -o balance-agee.pdf"),
)
@_ON
@_FORMAT
@_OUTPUT
def aged_balance_command(on: date | None, format_name: str, output: str | None) -> None:
    """Balance âgée: what each tenant owes, not due and by days of delay, and what it has in credit."""
    from billing.receivables.reports.aged_balance import aged_balance

    day = _today(on)
    _write_listed(format_name, output, lambda connection: aged_balance(connection, day))


@click.command(
    "open-items", cls=Command, epilog=example("technopark-billing report open-items --format xlsx -o o.xlsx")
)
@_ON
@_FORMAT
@_OUTPUT
def open_items_command(on: date | None, format_name: str, output: str | None) -> None:
    """Factures et avoirs ouverts: what is open, document by document; the sums are accounts 3421 and 3424."""
    from billing.receivables.reports.open_documents import open_documents

    day = _today(on)
    _write_listed(format_name, output, lambda connection: open_documents(connection, day))


@click.command("vat-not-due", cls=Command, epilog=example("technopark-billing report vat-not-due --on 2026-11-30"))
@_ON
@_FORMAT
@_OUTPUT
def vat_not_due_command(on: date | None, format_name: str, output: str | None) -> None:
    """TVA facturée non encore exigible: VAT that no money has let fall due, by rate; the sum is account 44551."""
    from billing.receivables.reports.open_documents import vat_not_due

    day = _today(on)
    _write_listed(format_name, output, lambda connection: vat_not_due(connection, day))


@click.command(
    "receipts",
    cls=Command,
    epilog=example("technopark-billing report receipts --from 2026-11-01 --format csv"),
)
@_FROM
@_UNTIL
@_FORMAT
@_OUTPUT
def receipts_command(start: date | None, until: date | None, format_name: str, output: str | None) -> None:
    """Journal des encaissements: every receipt with its legs, its state, and what it settles."""
    from billing.receivables.reports.receipts import receipts_journal

    last = _today(until)
    if start is not None and start > last:
        raise click.UsageError(f"--from {start} comes after --until {last}")
    _write_listed(format_name, output, lambda connection: receipts_journal(connection, start, last))


@click.command(
    "unplaced-receipts", cls=Command, epilog=example("technopark-billing report unplaced-receipts --format csv")
)
@_ON
@_FORMAT
@_OUTPUT
def unplaced_receipts_command(on: date | None, format_name: str, output: str | None) -> None:
    """Encaissements à identifier: what of receipts is nobody's yet (4497), oldest first."""
    from billing.receivables.reports.receipts import unplaced_receipts

    day = _today(on)
    _write_listed(format_name, output, lambda connection: unplaced_receipts(connection, day))


@click.command(
    "missing-certificates",
    cls=Command,
    epilog=example("technopark-billing report missing-certificates --format csv"),
)
@_ON
@_FORMAT
@_OUTPUT
def missing_certificates_command(on: date | None, format_name: str, output: str | None) -> None:
    """Attestations de retenue manquantes: taxes withheld whose certificate has not come, with the days waited."""
    from billing.receivables.reports.receipts import missing_certificates

    day = _today(on)
    _write_listed(format_name, output, lambda connection: missing_certificates(connection, day))
