"""The commands for dunning: what is due, send it, disputes and promises, interest clauses, what was sent."""

from datetime import date

import click

from billing.frame.codes import DUNNING_BLOCK
from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import destination, report, table
from billing.frame.terminal.parameters import DAY

_TENANT = click.option("--tenant", metavar="CODE", help="Of one tenant.")
_SINCE = click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="From which day on. Default: today.")


@click.group("dunning", cls=Group)
def dunning_command() -> None:
    """Remind tenants of what they owe, step by step; hold reminders back for a dispute or a promise.

    The steps, the least amount and whether the scheduler sends by itself are settings (TERMS_FILE, dunning.…).
    """


@dunning_command.command("due", cls=Command, epilog=example("technopark-billing dunning due --on 2026-09-03"))
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="As if it were that day. Default: today.")
@_TENANT
def due_command(on: date | None, tenant: str | None) -> None:
    """List what is due to be sent on a day. Nothing is written and nothing sent."""
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.sending import due_reminders
    from pricing.money import format_amount

    settings = load_settings()
    day = on or today(clock())
    tenants = None if tenant is None else [tenant]
    with database(settings) as engine, reading(engine) as connection:
        reminders = due_reminders(connection, settings.terms, day, tenants=tenants)
    rows = []
    for reminder in reminders:
        for claimed, step in reminder.reached:
            amount = format_amount(claimed.open)
            asked, announced = (amount, "") if claimed.due_on < day else ("", amount)
            rows.append((claimed.tenant, claimed.number, claimed.due_on, f"{step.days:+d}", asked, announced))
    table(f"Due to be sent on {day}", ("tenant", "invoice", "due on", "step, days", "overdue", "not yet due"), rows)


@dunning_command.command(
    "letter", cls=Command, epilog=example("technopark-billing dunning letter T0042 --output relance.pdf")
)
@click.argument("tenant")
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="As if it were that day. Default: today.")
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), required=True, help="The PDF's file.")
def letter_command(tenant: str, on: date | None, output: str) -> None:
    """Write the letter that TENANT would be sent today, and show its mail. Nothing is queued and nothing kept.

    Where nothing is overdue yet, the mail carries no letter: the file is the account statement that goes with it.
    """
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.sending import preview_reminder
    from invoices.messages.papers import print_paper

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        message = preview_reminder(connection, settings, on or today(clock()), tenant)
    paper = message.papers[0]
    with destination(output) as stream:
        stream.write(print_paper(paper))
    text = message.text
    facts = (f"{label}: {value}" for label, value in text.facts)
    attached = ", ".join([*(paper.file_name for paper in message.papers), *message.copies])
    for line in (f"to {message.recipient}: {text.subject}", *text.before, *facts, *text.after):
        click.echo(line)
    click.echo(f"attached: {attached}")


@dunning_command.command("send", cls=WritingCommand, epilog=example("technopark-billing dunning send"))
@_TENANT
def send_command(tenant: str | None) -> None:
    """Queue what is due today; `deliver`, or the scheduler, mails it.

    Nothing is sent twice: a tenant is written to once a day, and of an invoice each step once. Steps missed while
    nothing ran are skipped for the highest one reached.
    """
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.sending import send_reminders

    settings = load_settings()
    now = clock()
    tenants = None if tenant is None else [tenant]
    with database(settings) as engine, writing(engine) as connection:
        outcome = send_reminders(connection, settings, today(now), recorded_at=now, tenants=tenants)
    report(outcome.lines())


@dunning_command.command(
    "dispute",
    cls=WritingCommand,
    epilog=example("technopark-billing dunning dispute --invoice FA-2026-000012 --reason 'Surface contestée'"),
)
@click.option("--invoice", metavar="NUMBER", help="The invoice; without it, all of the tenant's.")
@_TENANT
@_SINCE
def dispute_command(invoice: str | None, tenant: str | None, since: date | None) -> None:
    """Hold reminders back while something is disputed, until `dunning end`; the reason is required."""
    _block("dispute", invoice, tenant, since, None)


@dunning_command.command(
    "promise",
    cls=WritingCommand,
    epilog=example("technopark-billing dunning promise --tenant T0042 --until 2026-12-15 --reason 'Appel du 2/12'"),
)
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", required=True, help="The day by which it will be paid.")
@click.option("--invoice", metavar="NUMBER", help="The invoice; without it, all of the tenant's.")
@_TENANT
@_SINCE
def promise_command(until: date, invoice: str | None, tenant: str | None, since: date | None) -> None:
    """Hold reminders back until the day of a promise, that day included; the reason is required."""
    _block("promise", invoice, tenant, since, until)


def _block(kind: str, invoice: str | None, tenant: str | None, since: date | None, until: date | None) -> None:
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.blocks import BlockKind, BlockOrder, block_dunning

    settings = load_settings()
    now = clock()
    order = BlockOrder(BlockKind(kind), tenant, invoice, since or today(now), until)
    with database(settings) as engine, writing(engine) as connection:
        key = block_dunning(connection, order, recorded_at=now)
    click.echo(f"{DUNNING_BLOCK.format(key)}: {kind} of {invoice or tenant}" + (f" until {until}" if until else ""))


@dunning_command.command(
    "end", cls=WritingCommand, epilog=example("technopark-billing dunning end SU-000003 --reason 'Avoir accordé'")
)
@click.argument("number")
@click.option("--on", "ended_on", type=DAY, metavar="YYYY-MM-DD", help="From which day on. Default: today.")
def end_command(number: str, ended_on: date | None) -> None:
    """End the dispute or promise NUMBER; the reason is required. What is due by then is sent at the next dunning."""
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.blocks import end_block

    settings = load_settings()
    now = clock()
    with database(settings) as engine, writing(engine) as connection:
        end_block(connection, DUNNING_BLOCK.parse(number), ended_on or today(now), recorded_at=now)
    click.echo(f"{number} ended")


@dunning_command.command("holds", cls=Command, epilog=example("technopark-billing dunning holds --tenant T0042"))
@_TENANT
@click.option("--all", "everything", is_flag=True, help="Also those that hold nothing back any more.")
def holds_command(tenant: str | None, everything: bool) -> None:
    """List disputes and promises that hold reminders back today."""
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.blocks import blocks
    from billing.receivables.dunning.shapes import Hold

    settings = load_settings()
    selected = blocks(tenant_code=tenant, on=None if everything else today(clock()))
    with database(settings) as engine, reading(engine) as connection:
        shapes = [Hold.of(row) for row in connection.execute(selected)]
    rows = [
        (hold.number, hold.kind, hold.tenant, hold.invoice or "all", hold.since, hold.until or "", hold.ended_on or "",
         hold.reason)
        for hold in shapes
    ]  # fmt: skip
    columns = ("number", "kind", "tenant", "invoice", "since", "until", "ended on", "reason")
    table("Disputes and promises", columns, rows)


@dunning_command.command(
    "interest",
    cls=WritingCommand,
    epilog=example("technopark-billing dunning interest T0042 0.10 --lease L00012 --reason 'Bail, article 14'"),
)
@click.argument("tenant")
@click.argument("rate")
@click.option("--lease", metavar="CODE", help="The lease that says so. Default: whatever the tenant is invoiced.")
@click.option("--from", "effective_from", type=DAY, metavar="YYYY-MM-DD", help="First day. Default: today.")
def interest_command(tenant: str, rate: str, lease: str | None, effective_from: date | None) -> None:
    """Record that a lease of TENANT bears interest on late payment at RATE a year (0.10 is 10 %; 0 ends it).

    Without such a clause letters show none. The reason is required: name the clause.
    """
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.clauses import Clause, set_clause
    from pricing.money import RATE_DECIMALS, parse_decimal

    try:
        yearly_rate = parse_decimal(rate, RATE_DECIMALS)
    except ValueError as error:
        raise click.BadParameter(f"{rate!r} is no rate such as 0.10: {error}") from None
    settings = load_settings()
    now = clock()
    with database(settings) as engine, writing(engine) as connection:
        set_clause(connection, Clause(tenant, lease, effective_from or today(now), yearly_rate), recorded_at=now)
    click.echo(f"{lease or tenant}: interest at {rate} a year from {effective_from or today(now)}")


@dunning_command.command("history", cls=Command, epilog=example("technopark-billing dunning history --tenant T0042"))
@_TENANT
@click.option("--invoice", metavar="NUMBER", help="About one invoice.")
def history_command(tenant: str | None, invoice: str | None) -> None:
    """List the reminders that were sent: day, invoices with their steps, what became of the mail."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.dunning.history import reminders_listed

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        reminders = reminders_listed(connection, tenant=tenant, invoice=invoice)
    rows = [
        (
            reminder.on, reminder.message, reminder.tenant,
            " ".join(f"{reminded.invoice}({reminded.days:+d})" for reminded in reminder.invoices), reminder.total,
            reminder.announced, reminder.state,
        )
        for reminder in reminders
    ]  # fmt: skip
    table("Reminders", ("on", "message", "tenant", "invoices (step)", "asked for", "announced", "mail"), rows)
