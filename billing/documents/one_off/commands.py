"""The command that bills a tenant by hand."""

from datetime import date
from typing import TYPE_CHECKING

import click

from billing.frame.terminal.command import WritingCommand, clock, database, example
from billing.frame.terminal.output import table, warn
from billing.frame.terminal.parameters import DAY

if TYPE_CHECKING:
    from billing.documents.one_off.orders import LineOrder
    from billing.documents.one_off.shapes import OneOffInvoice


def _lines(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> "tuple[LineOrder, ...]":
    from billing.documents.one_off.orders import parse_line

    lines = []
    for text in given:
        try:
            lines.append(parse_line(text))
        except ValueError as error:
            raise click.BadParameter(f"{text!r} {error}") from None
    return tuple(lines)


@click.command(
    "issue",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing documents issue --tenant T0042 --site CAS --line 'OFFICE;Badge perdu, n° 117;1;150.00' "
        "--reason 'Badge perdu le 12 novembre'"
    ),
)
@click.option("--tenant", required=True, help="Who is billed, with or without a lease.")
@click.option("--site", required=True, help="The site that its sale belongs to.")
@click.option(
    "--line",
    "lines",
    required=True,
    multiple=True,
    callback=_lines,
    metavar="SERVICE;TEXT;QUANTITY;PRICE",
    help="A service of the catalogue (its VAT, unit and account), what is printed, how many, dirhams a unit "
    "without VAT. May be repeated. A text that holds a ; stands in double quotes.",
)
@click.option(
    "--issue-date",
    "issued_on",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="Date of the invoice. Default: today, or the newest document's date if that is later.",
)
@click.option("--again", is_flag=True, help="Bill it although the same lines were billed to the tenant that day.")
@click.option("--dry-run", is_flag=True, help="Issue nothing: show lines, VAT and totals.")
def issue_command(
    tenant: str, site: str, lines: "tuple[LineOrder, ...]", issued_on: date | None, again: bool, dry_run: bool
) -> None:
    """Bill a tenant by hand, outside the runs: damage, a lost badge, a fee. Book it and queue its delivery.

    The reason is required: it is printed on the invoice. The price is at once full price and full cost, so the invoice
    moves nothing of the cross-subsidy, and no run bills or repairs it. What was wrong is taken back by a credit note
    (`credit-notes give`).
    """
    from billing.documents.one_off.issuing import issue_by_hand, one_off_terms, prepare
    from billing.documents.one_off.orders import OneOffOrder
    from billing.documents.one_off.queries import find_one_off, shape_of
    from billing.frame.audit_log import act_of, require_reason
    from billing.frame.database import reading, writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, (reading if dry_run else writing)(engine) as connection:
        reason = require_reason(connection, "a one-off invoice")
        order = OneOffOrder(tenant, site, lines, reason, act_of(connection).person, again)
        terms = one_off_terms(connection, settings, issued_on, clock())
        if dry_run:
            prepared = prepare(connection, order, terms)
            invoice = shape_of(prepared.document(order, terms), order.issued_by, prepared.warnings)
        else:
            issued, prepared = issue_by_hand(connection, order, terms)
            invoice = find_one_off(connection, issued.number, prepared.warnings)
    for warning in invoice.warnings:
        warn(warning)
    if dry_run:
        _show(invoice)
    done = "dry run, nothing was issued" if dry_run else f"{invoice.number}, queued for delivery"
    click.echo(
        f"{done}: {invoice.tenant}, issued on {invoice.issued_on}, net {invoice.net}, VAT {invoice.tax}, "
        f"{invoice.gross} DH due on {invoice.due_on}"
    )


def _show(invoice: "OneOffInvoice") -> None:
    """Show the lines, and the VAT of each rate."""
    rows = [(x.text, x.service, x.quantity, x.price, x.amount, x.vat_treatment or x.vat_rate) for x in invoice.lines]
    table("", ("text", "service", "quantity", "price", "amount", "VAT rate"), rows)
    table("", ("VAT rate", "base", "VAT"), [(v.treatment or v.rate, v.base, v.amount) for v in invoice.vat])
