"""The commands for doubtful and lost debts: decide, list what was decided, show where a debt stands."""

from datetime import date

import click

from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import AMOUNT, DAY

_KINDS = ("doubtful", "reinstated", "provisioned", "released", "written_off", "recovered")


@click.group("debts", cls=Group)
def debts_command() -> None:
    """Doubtful and lost debts: set apart, provided for, written off, recovered."""


@debts_command.command(
    "decide",
    cls=WritingCommand,
    epilog=example("technopark-billing debts decide FA-2026-000012 doubtful --reason 'Saisie'"),
)
@click.argument("invoice")
@click.argument("kind", type=click.Choice(_KINDS))
@click.option(
    "--amount", type=AMOUNT, metavar="DH", help="VAT included, but for provisions. Default: all that is possible."
)
@click.option("--on", "decided_on", type=DAY, metavar="YYYY-MM-DD", help="Its day. Default: today.")
@click.option("--reference", help="The bank's own reference of what was recovered; the day is then its value date.")
def decide_command(invoice: str, kind: str, amount: int | None, decided_on: date | None, reference: str | None) -> None:
    """Decide about what is unpaid of INVOICE and book it; the reason is required.

    doubtful: to 3424; reinstated: back. provisioned: 6196 to 3942; released: back by 7196. written_off: 6182, its VAT
    out of 44551. recovered: what came to the bank after all, 7585 with its VAT; with the bank's --reference and day it
    counts once, and its line is known. A day in a closed month is booked on the first open day. Where the settings ask
    for a second person, a write-off waits for an approval (`approvals`).
    """
    from billing.approvals.ordering import Waiting, place
    from billing.frame.audit_log import act_of, require_reason
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.debts.approving import WRITE_OFF
    from billing.receivables.debts.deciding import Order
    from billing.receivables.receipts.noticing import late_warning

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "a decision about a debt")
        asked_by = act_of(connection).person
        day = decided_on or today(clock())
        order = Order(invoice, kind, day, amount, reason, asked_by, reference=reference)
        placed = place(connection, WRITE_OFF, order, clock=clock, settings=settings)
        late = late_warning(connection, day)
    if isinstance(placed, Waiting):
        click.echo(f"{invoice} {placed}")
        return
    debt = placed.answer
    parts = (("unpaid", debt.unpaid), ("doubtful", debt.doubtful), ("provided for", debt.provision),
             ("written off", debt.written_off), ("recovered", debt.recovered))  # fmt: skip
    click.echo(f"{invoice}: " + ", ".join(f"{name} {part}" for name, part in parts))
    if kind == "recovered" and reference is None:
        click.echo("warning: recovered without --reference: its bank line is found by day and amount alone", err=True)
    if late is not None:
        click.echo(f"warning: {late}", err=True)


@debts_command.command("list", epilog=example("technopark-billing debts list"))
def list_command() -> None:
    """List what was decided about debts."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.debts.deciding import acts_listed

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        acts = acts_listed(connection)
    if not acts:
        click.echo("nothing was decided about debts yet")
        return
    names = (
        "invoice", "tenant", "kind", "decided_on", "amount", "vat", "asked_by", "approved_by", "reason", "number",
        "reference", "cancelled_on",
    )  # fmt: skip
    table("", names, [[getattr(act, name) or "-" for name in names] for act in acts])


@debts_command.command("show", epilog=example("technopark-billing debts show FA-2026-000012"))
@click.argument("invoice")
def show_command(invoice: str) -> None:
    """Show where the debt of INVOICE stands, and what may be decided of it."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.debts.deciding import debt_standing

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        debt = debt_standing(connection, invoice)
    names = ("gross", "credited", "unpaid", "doubtful", "provision", "written_off", "recovered")
    table(invoice, ("", "DH"), [(name, getattr(debt, name)) for name in names])
    table("possible now", ("", "at most"), list(debt.possible.items()))
