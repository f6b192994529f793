"""The commands of the cross-subsidy: a tenant's own account, written or sent."""

from datetime import date

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import destination, require_showable
from billing.frame.terminal.parameters import MONTH


@click.group("cross-subsidy", cls=Group)
def cross_subsidy_command() -> None:
    """Who funds whom, for those whom it concerns: a tenant's own account of it."""


@cross_subsidy_command.command(
    "account",
    cls=Command,
    epilog=example("technopark-billing cross-subsidy account T0042 --format pdf --output compte-T0042.pdf"),
)
@click.argument("tenant")
@click.option("--until", type=MONTH, metavar="YYYY-MM", help="Last month counted. Default: the latest run.")
@click.option("--format", "format_name", type=click.Choice(("json", "pdf")), default="json", show_default=True)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def account_command(tenant: str, until: date | None, format_name: str, output: str | None) -> None:
    """Write what TENANT received since its admission, from whom, what it brought, for whom, its prices.

    Others are named only where the operator allows it (TERMS_FILE: cross_subsidy.names).
    """
    from billing.cross_subsidy.accounts.account import account_of
    from billing.cross_subsidy.accounts.account_paper import account_pdf, addressee_of
    from billing.cross_subsidy.accounts.shapes import CrossSubsidyAccount
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        account = account_of(connection, tenant, until, settings.terms)
        to = addressee_of(connection, tenant)
    if format_name == "pdf":
        written = account_pdf(account, settings.operator.party, to)
    else:
        written = indented(CrossSubsidyAccount.of(account))
    with destination(output) as stream:
        stream.write(written)


@cross_subsidy_command.command(
    "send", cls=WritingCommand, epilog=example("technopark-billing cross-subsidy send --dry-run")
)
@click.option("--dry-run", is_flag=True, help="Only list to whom an account would be sent, and why.")
def send_command(dry_run: bool) -> None:
    """Queue the accounts of the latest run that are due by the settings (TERMS_FILE: cross_subsidy.account_sent).

    One a tenant and run at most; done again it queues nothing more. `deliver` sends what is queued.
    """
    from billing.cross_subsidy.accounts.sending import due_accounts, send_accounts
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    settings = load_settings()
    now = clock()
    with database(settings) as engine:
        if dry_run:
            with reading(engine) as connection:
                for account in due_accounts(connection, settings.terms, today(now)):
                    click.echo(f"{account.tenant} {account.occasion}")
            return
        queued = send_accounts(engine, settings.terms, settings.operator, today(now), now)
    click.echo(f"{counted(len(queued), 'account')} queued")
