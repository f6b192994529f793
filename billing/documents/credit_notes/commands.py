"""The commands for credit notes made by hand: give one, list them, see what may still be credited."""

from datetime import date

import click

from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import DAY


@click.group("credit-notes", cls=Group)
def credit_notes_command() -> None:
    """Credit an invoice by hand, in part or whole; see what was credited and what may still be."""


def _parts(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> list[tuple[int, int | None]]:
    from billing.frame.spelling import typed
    from pricing.money import AMOUNT_DECIMALS, parse_decimal

    parts: list[tuple[int, int | None]] = []
    for text in given:
        line, equals, amount = text.partition("=")
        try:
            parts.append((int(line), parse_decimal(typed(amount), AMOUNT_DECIMALS) if equals else None))
        except ValueError as error:
            reason = f"{amount!r} {error}; " if equals else ""
            problem = f"{reason}write a line such as 2, or a line and an amount such as 2=150.00"
            raise click.BadParameter(f"{text!r}: {problem}") from None
    return parts


@credit_notes_command.command(
    "give",
    cls=WritingCommand,
    epilog=example(
        'technopark-billing credit-notes give FA-2026-000012 --line 1=500.00 --reason "Panne du 3 au 9 juin"'
    ),
)
@click.argument("invoice")
@click.option(
    "--line",
    "parts",
    multiple=True,
    callback=_parts,
    metavar="NO[=AMOUNT]",
    help="A line of the invoice, and what to credit of it without VAT: all that is left unless an amount is given. "
    "May be repeated. Default: all that is left of every line.",
)
@click.option(
    "--kind",
    type=click.Choice(("rebate", "cancellation")),
    default="rebate",
    show_default=True,
    help="rebate: the price was right. cancellation: whole lines were wrong, the next run bills anew what is due.",
)
@click.option(
    "--issue-date", "issued_on", type=DAY, metavar="YYYY-MM-DD", help="Date of the credit note. Default: today."
)
def give_command(invoice: str, parts: list[tuple[int, int | None]], kind: str, issued_on: date | None) -> None:
    """Credit INVOICE in part or whole, book it and queue its delivery.

    The reason is required: it is printed on the credit note. A rebate lowers a price that was right: the line it
    credits still stands, and no run bills it again. If the line itself turns out to be wrong, the next run credits it
    whole, bills again what you gave by hand, and says so: give the credit note again if you still mean it.

    A cancellation takes back whole lines that were wrong: the next run counts what they gave to the cross-subsidy
    negative, and bills anew the office days that the register still demands and the usage that was not voided.
    """
    from billing.documents.credit_notes.giving import CreditOrder, Part, credit_terms, give_credit_note
    from billing.documents.credit_notes.kinds import CreditKind
    from billing.frame.audit_log import act_of, require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.applying_credits import settle_what_was_issued
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "a credit note by hand")
        person = act_of(connection).person
        order = CreditOrder(invoice, tuple(Part(*part) for part in parts), reason, person, CreditKind(kind))
        terms = credit_terms(connection, settings, issued_on, clock())
        issued = give_credit_note(connection, order, terms)
        tenants = [issued.draft.buyer.code]
        settle_what_was_issued(connection, recorded_at=terms.recorded_at, terms=settings.terms, tenants=tenants)
    click.echo(f"{issued.number}: {format_amount(issued.gross)} DH credited on {invoice}, queued for delivery")


@credit_notes_command.command("list", epilog=example("technopark-billing credit-notes list"))
def list_command() -> None:
    """List the credit notes made by hand."""
    from billing.documents.credit_notes.queries import all_credit_notes
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        notes = all_credit_notes(connection)
    if not notes:
        click.echo("no credit note was made by hand yet")
        return
    names = ("number", "issued_on", "tenant", "invoice", "kind", "gross", "issued_by", "reason")
    table("", names, [[getattr(note, name) for name in names] for note in notes])


@credit_notes_command.command("left", epilog=example("technopark-billing credit-notes left FA-2026-000012"))
@click.argument("invoice")
def left_command(invoice: str) -> None:
    """Show what may still be credited of INVOICE, line by line, without VAT."""
    from billing.documents.credit_notes.queries import creditable_lines
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        lines = creditable_lines(connection, invoice)
    rows = [
        (x.line_no, x.line.service_label, format_amount(x.line.priced.amount), format_amount(x.left)) for x in lines
    ]
    table(invoice, ("line", "service", "invoiced", "left"), rows)
