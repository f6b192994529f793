"""The commands for receipts given for cash: list them, and the paper."""

import click

from billing.frame.terminal.command import Command, Group, database, example
from billing.frame.terminal.output import destination, table


@click.group("cash", cls=Group)
def cash_command() -> None:
    """Receipts given for cash (RC-2026-000001): each `payments receive --means cash` gives one."""


@cash_command.command("list", epilog=example("technopark-billing cash list --tenant T0042"))
@click.option("--tenant", metavar="CODE", help="Only this tenant's.")
def list_command(tenant: str | None) -> None:
    """List the receipts given for cash, with their stamp duty."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.cash_desk.reading import cash_receipts
    from billing.receivables.cash_desk.taking import cash_number
    from billing.receivables.tables.cash_desk import cash_receipt
    from pricing.money import format_amount

    settings = load_settings()
    found = cash_receipts().order_by(cash_receipt.c.year, cash_receipt.c.serial)
    if tenant is not None:
        found = found.where(cash_receipt.c.tenant == tenant)
    with database(settings) as engine, reading(engine) as connection:
        given = connection.execute(found).all()
    if not given:
        click.echo("no cash was taken yet")
        return
    rows = [
        (cash_number(x.year, x.serial), x.taken_on, x.tenant, format_amount(x.amount), format_amount(x.stamp_duty))
        for x in given
    ]
    table("", ("number", "taken on", "tenant", "amount", "stamp duty"), rows)


@cash_command.command(
    "paper", cls=Command, epilog=example("technopark-billing cash paper RC-2026-000001 --output recu.pdf")
)
@click.argument("number")
@click.option("--output", metavar="FILE", required=True, help="Where the PDF is written.")
def paper_command(number: str, output: str) -> None:
    """Write the receipt NUMBER as PDF, to be printed and handed over."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.cash_desk.papers import cash_paper_pdf
    from billing.receivables.cash_desk.reading import find_cash_receipt

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        head = find_cash_receipt(connection, number)
    with destination(output) as stream:
        stream.write(cash_paper_pdf(head))
