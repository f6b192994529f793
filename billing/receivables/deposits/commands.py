"""The commands for deposits: ask, receive, give back, list, and the call on paper."""

from datetime import date

import click

from billing.frame.codes import DEPOSIT, FINAL_STATEMENT
from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import destination, table
from billing.frame.terminal.parameters import AMOUNT, DAY


@click.group("deposits", cls=Group)
def deposits_command() -> None:
    """Deposits of tenants: asked when a lease begins, received, given back when it ends."""


@deposits_command.command("ask", cls=WritingCommand, epilog=example("technopark-billing deposits ask L00012"))
@click.argument("lease")
def ask_command(lease: str) -> None:
    """Ask for the deposit of LEASE: months of its rent, by the settings (TERMS_FILE). Asking again changes nothing."""
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.deposits.deposits import Asking, ask_deposit, find_deposit
    from pricing.money import format_amount

    settings = load_settings()
    now = clock()
    with database(settings) as engine, writing(engine) as connection:
        asking = Asking(today(now), now, settings.operator, settings.terms)
        head = find_deposit(connection, ask_deposit(connection, lease, asking))
    click.echo(f"{DEPOSIT.format(head.id)}: {format_amount(head.amount)} DH asked of {head.tenant}, due {head.due_on}")


_ON = click.option(
    "--on", "moved_on", type=DAY, metavar="YYYY-MM-DD", required=True, help="The day of the bank or the till."
)
_MEANS = click.option("--means", type=click.Choice(("transfer", "cash")), default="transfer", show_default=True)
_REFERENCE = click.option("--reference", required=True, help="The bank's or the till's own reference: it counts once.")


@deposits_command.command(
    "receive",
    cls=WritingCommand,
    epilog=example("technopark-billing deposits receive L00012 2175.00 --on 2026-09-03 --reference VIR-8841"),
)
@click.argument("lease")
@click.argument("amount", type=AMOUNT)
@_ON
@_MEANS
@_REFERENCE
def receive_command(lease: str, amount: int, moved_on: date, means: str, reference: str) -> None:
    """Record and book AMOUNT received for the deposit of LEASE."""
    _move(lease, "received", amount, moved_on, means, reference)


@deposits_command.command(
    "give-back",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing deposits give-back L00012 2175.00 --on 2027-03-05 --reference V9120 --reason Fin"
    ),
)
@click.argument("lease")
@click.argument("amount", type=AMOUNT)
@_ON
@_MEANS
@_REFERENCE
def give_back_command(lease: str, amount: int, moved_on: date, means: str, reference: str) -> None:
    """Record and book AMOUNT given back of the deposit of LEASE; the reason is required."""
    _move(lease, "returned", amount, moved_on, means, reference)


def _move(lease: str, kind: str, amount: int, moved_on: date, means: str, reference: str) -> None:
    from billing.entries.deposits import RETURNED, Movement
    from billing.frame.audit_log import act_of, require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.deposits.deposits import (
        deposit_of_lease,
        find_deposit,
        move_deposit,
    )
    from billing.receivables.receipts.noticing import late_warning
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = act_of(connection).reason
        if kind == RETURNED:
            reason = require_reason(connection, "giving back a deposit")
        key = deposit_of_lease(connection, lease)
        movement = Movement(kind, means, moved_on, amount, reference, reason)
        move_deposit(connection, key, movement, recorded_at=clock())
        held = find_deposit(connection, key).held
        late = late_warning(connection, moved_on)
    click.echo(f"{DEPOSIT.format(key)}: {format_amount(held)} DH held")
    if late is not None:
        click.echo(f"warning: {late}", err=True)


@deposits_command.command("list", epilog=example("technopark-billing deposits list"))
def list_command() -> None:
    """List the deposits, with what is held of each."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.deposits.deposits import deposits_listed

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        deposits = deposits_listed(connection)
    if not deposits:
        click.echo("no deposit was asked yet")
        return
    names = ("number", "lease", "tenant", "due_on", "amount", "held")
    rows = [[getattr(deposit, name) for name in names] for deposit in deposits]
    table("", ("number", "lease", "tenant", "due", "asked", "held"), rows)


@deposits_command.command(
    "paper", cls=Command, epilog=example("technopark-billing deposits paper L00012 --output depot.pdf")
)
@click.argument("lease")
@click.option("--output", metavar="FILE", required=True, help="Where the PDF is written.")
def paper_command(lease: str, output: str) -> None:
    """Write the call for the deposit of LEASE as PDF."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.deposits.deposits import deposit_of_lease, find_deposit
    from billing.receivables.deposits.printout import deposit_call_pdf

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        head = find_deposit(connection, deposit_of_lease(connection, lease))
    with destination(output) as stream:
        stream.write(deposit_call_pdf(head))


@deposits_command.command(
    "set-off",
    cls=WritingCommand,
    epilog=example('technopark-billing deposits set-off L00012 --on 2027-03-05 --reason "Fin de bail"'),
)
@click.argument("lease")
@click.option("--amount", type=AMOUNT, help="Default: all that is held and open.")
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", required=True, help="A day after the lease's end.")
def set_off_command(lease: str, amount: int | None, on: date) -> None:
    """Let the deposit of LEASE pay its tenant's invoices, the oldest due first; the reason is required."""
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.deposits.deposits import deposit_of_lease, find_deposit
    from billing.receivables.deposits.setting_off import SetOff, set_off_deposit
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "setting off a deposit")
        key = deposit_of_lease(connection, lease)
        wanted = SetOff(amount, on, reason)
        set_off_deposit(connection, key, wanted, recorded_at=clock(), terms=settings.terms)
        head = find_deposit(connection, key)
    click.echo(f"{DEPOSIT.format(key)}: {format_amount(head.set_off)} DH set off, {format_amount(head.held)} DH held")


@deposits_command.command(
    "close",
    cls=WritingCommand,
    epilog=example("technopark-billing deposits close L00012 --on 2027-03-05 --output arrete.pdf"),
)
@click.argument("lease")
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", required=True, help="A day after the lease's end.")
@click.option("--output", metavar="FILE", help="Where the statement is written as PDF.")
def close_command(lease: str, on: date, output: str | None) -> None:
    """Close the account of LEASE: credits and the deposit pay what is open, the final statement says what remains.

    Closing again changes nothing: the statement that stands is given.
    """
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.deposits.final_statement import close_tenancy, final_statement_pdf
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        head = close_tenancy(
            connection, lease, on, recorded_at=clock(), terms=settings.terms, operator=settings.operator
        )
    if output is not None:
        with destination(output) as stream:
            stream.write(final_statement_pdf(head))
    side = "owes" if head.balance > 0 else "is owed" if head.balance else "neither owes nor is owed:"
    click.echo(f"{FINAL_STATEMENT.format(head.id)}: {head.tenant} {side} {format_amount(abs(head.balance))} DH")
