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
    from billing.receivables.cash_desk.queries import CASH_RECEIPT_KEY, cash_receipts
    from billing.receivables.cash_desk.shapes import CashReceipt

    settings = load_settings()
    statement = cash_receipts(tenant=tenant).order_by(*CASH_RECEIPT_KEY)
    with database(settings) as engine, reading(engine) as connection:
        receipts = [CashReceipt.of(row) for row in connection.execute(statement)]
    if not receipts:
        click.echo("no cash was taken yet")
        return
    names = ["number", "taken_on", "tenant", "amount", "stamp_duty"]
    if any(given.cancelled_on for given in receipts):
        names.append("cancelled_on")
    rows = [[getattr(given, name) or "" for name in names] for given in receipts]
    table("", [name.replace("_", " ") for name in names], rows)


@cash_command.command(
    "paper", cls=Command, epilog=example("technopark-billing cash paper RC-2026-000001 --output recu.pdf")
)
@click.argument("number")
@click.option("--output", metavar="FILE", required=True, help="Where the PDF is written.")
def paper_command(number: str, output: str) -> None:
    """Write the receipt NUMBER as PDF, to be printed and handed over."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.cash_desk.printout import cash_receipt_pdf
    from billing.receivables.cash_desk.queries import find_cash_receipt

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        head = find_cash_receipt(connection, number)
    with destination(output) as stream:
        stream.write(cash_receipt_pdf(head))
