"""The commands that write what was issued and booked: documents, who funds whom, trial balance, journal."""

from datetime import date

import click

from billing.frame.terminal.command import Group, database, example
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import DAY, MONTH

_TABLES = ("json", "csv", "xlsx")
_JOURNALS = ("csv", "xlsx", "parquet", "fec", "hledger", "beancount")

_output = click.option(
    "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
)
_table_format = click.option("--format", "format_name", type=click.Choice(_TABLES), default="json", show_default=True)
_period = click.option("--period", type=MONTH, metavar="YYYY-MM", required=True, help="The month that was run.")


@click.group("export", cls=Group)
def export_command() -> None:
    """Write documents, cross-subsidy, funding matrix, trial balance or journal to a file or to standard output.

    A file is written whole or left as it was.
    """


@export_command.command(
    "documents", epilog=example("technopark-billing export documents --period 2026-09 --format xlsx -o documents.xlsx")
)
@_period
@_table_format
@_output
def documents_command(period: date, format_name: str, output: str | None) -> None:
    """Every document issued by a month's run, with its lines, by number."""
    from billing.books.exports import export_documents
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        export_documents(connection, period, format_name, file)


@export_command.command(
    "cross-subsidy", epilog=example("technopark-billing export cross-subsidy --period 2026-09 --format csv")
)
@_period
@_table_format
@_output
def cross_subsidy_command(period: date, format_name: str, output: str | None) -> None:
    """Who funded whom in a month: contributions, draws, and how each site's need was met."""
    from billing.books.exports import export_cross_subsidy
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        export_cross_subsidy(connection, period, format_name, file)


@export_command.command(
    "funding-matrix",
    epilog=example("technopark-billing export funding-matrix --period 2026-09 --format xlsx -o m.xlsx"),
)
@_period
@_table_format
@_output
def funding_matrix_command(period: date, format_name: str, output: str | None) -> None:
    """Who funded whom in a month, tenant by tenant: what each funder gave each supported tenant, step by step."""
    from billing.books.exports import export_funding_matrix
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        export_funding_matrix(connection, period, format_name, file)


@export_command.command(
    "trial-balance",
    epilog=example("technopark-billing export trial-balance --until 2026-09-30 --format xlsx -o tb.xlsx"),
)
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day counted. Default: everything booked.")
@_table_format
@_output
def trial_balance_command(until: date | None, format_name: str, output: str | None) -> None:
    """Every account with postings: debit, credit, balance (debit less credit)."""
    from billing.books.exports import export_trial_balance
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        export_trial_balance(connection, until, format_name, file)


@export_command.command(
    "journal",
    epilog=example("technopark-billing export journal --from 2026-01-01 --until 2026-12-31 --format fec -o fec.txt"),
)
@click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day. Default: the beginning.")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day, included. Default: the end.")
@click.option("--format", "format_name", type=click.Choice(_JOURNALS), default="csv", show_default=True)
@_output
def journal_command(start: date | None, until: date | None, format_name: str, output: str | None) -> None:
    """The entries of the journals, posting by posting, in the form an accountant or auditor reads."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.proof.checkpoints import with_checkpoint
    from ledger.exports import write_journal

    if start is not None and until is not None and start > until:
        raise click.UsageError(f"--from {start} comes after --until {until}")
    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        write_journal(connection, format_name, file, start=start, until=until)
        file.writelines(with_checkpoint(connection, format_name, iter(())))
