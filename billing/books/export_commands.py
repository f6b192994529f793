"""The group `export`, and its commands that write the books: trial balance, journal."""

from datetime import date

import click

from billing.frame.terminal.command import Group, database, example
from billing.frame.terminal.exporting import format_option, output_option, table_option, write_export
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import DAY

_JOURNALS = ("csv", "xlsx", "parquet", "fec", "fec-analytic", "hledger", "beancount")


@click.group("export", cls=Group)
def export_command() -> None:
    """Write documents, cross-subsidy, funding matrix, trial balance or journal to a file or to standard output.

    A file is written whole or left as it was.
    """


@export_command.command(
    "trial-balance",
    epilog=example("technopark-billing export trial-balance --until 2026-09-30 --format xlsx -o tb.xlsx"),
)
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day counted. Default: everything booked.")
@table_option
@output_option
def trial_balance_command(until: date | None, format_name: str, output: str | None) -> None:
    """Every account with postings: debit, credit, balance (debit less credit)."""
    from billing.books.journal.trial_balance import pieces

    write_export(lambda connection: pieces(connection, until, format_name), format_name, output)


@export_command.command(
    "journal",
    epilog=example("technopark-billing export journal --from 2026-01-01 --until 2026-12-31 --format fec -o fec.txt"),
)
@click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day. Default: the beginning.")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day, included. Default: the end.")
@format_option(*_JOURNALS, default="csv")
@output_option
def journal_command(start: date | None, until: date | None, format_name: str, output: str | None) -> None:
    """The entries of the journals, posting by posting, in the form an accountant or auditor reads.

    A FEC that begins on 1 January begins with the year's opening, and leaves out what determines the result; class 9
    has its own, `fec-analytic`.
    """
    from billing.books.subledgers import subledgers
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.proof.checkpoints import with_checkpoint
    from ledger.exports import write_journal

    if start is not None and until is not None and start > until:
        raise click.UsageError(f"--from {start} comes after --until {until}")
    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        known = subledgers(connection)
        write_journal(connection, format_name, file, start=start, until=until, subledgers=known)
        file.writelines(with_checkpoint(connection, format_name, iter(())))
