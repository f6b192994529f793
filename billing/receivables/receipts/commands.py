"""The commands for money in: receive, place, allocate, undo, clear, bounce, refund, certificates, list, show."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from billing.frame.codes import RECEIPT as RECEIPT_CODE
from billing.frame.counted import counted
from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.listing import listing_options
from billing.frame.terminal.output import destination, table
from billing.frame.terminal.parameters import AMOUNT, DAY, RECEIPT

if TYPE_CHECKING:
    from billing.receivables.receipts.orders import Part


def _parts(texts: Sequence[str]) -> "tuple[Part, ...]":
    from billing.receivables.receipts.orders import Part

    parts = []
    for text in texts:
        number, sign, amount = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r} must be INVOICE=AMOUNT, such as FA-2026-000012=1740.00")
        parts.append(Part(number, AMOUNT.convert(amount, None, None)))
    return tuple(parts)


_ON = click.option(
    "--on",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="The day it is of; in a closed month it is booked on the first open day. Default: today.",
)
_FROM = click.option(
    "--on",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="The day from which it counts, not before the money came. Default: the day it came; the first open day where "
    "that month is closed.",
)
_BANK_DAY = click.option("--on", type=DAY, metavar="YYYY-MM-DD", required=True, help="The bank's day.")
_INVOICES = click.option(
    "--invoice",
    "invoices",
    multiple=True,
    metavar="NUMBER=AMOUNT",
    help="An invoice and how much of it is settled. May be repeated. "
    "Default: those its text names, then the oldest due.",
)


@click.group("payments", cls=Group)
def payments_command() -> None:
    """Money in: receipts, what they settle, cheques, refunds, certificates of taxes withheld."""


@payments_command.command(
    "receive",
    cls=WritingCommand,
    epilog=example("technopark-billing payments receive 3480.00 --on 2026-09-03 --reference VIR-8841 --tenant T0042"),
)
@click.argument("amount", type=AMOUNT)
@click.option("--on", "value_date", type=DAY, metavar="YYYY-MM-DD", required=True, help="The value date.")
@click.option(
    "--reference", required=True, help="The bank's or the drawer's own reference: with the date it counts once."
)
@click.option(
    "--means", type=click.Choice(("transfer", "cheque", "cash", "bill", "card")), default="transfer", show_default=True
)
@click.option("--tenant", help="Who paid. Default: nobody knows, unless its text names invoices.")
@click.option("--site", help="The till that took cash.")
@click.option("--text", "payer_text", default="", help="What the payer wrote: invoices it names are settled first.")
@click.option("--rent-withholding", type=AMOUNT, help="Rent tax withheld at source (3453).")
@click.option("--vat-withholding", type=AMOUNT, help="VAT withheld at source (3458).")
@click.option("--bank-charges", type=AMOUNT, help="What the bank kept (6147).")
@click.option(
    "--occurrence",
    type=click.IntRange(1, 100),
    default=1,
    metavar="N",
    help="2 says that it is the second of two that are alike, as equal sums of cash on one day.",
)
@_INVOICES
@click.option("--not-allocated", is_flag=True, help="Settle nothing yet.")
def receive_command(
    amount: int,
    rent_withholding: int | None,
    vat_withholding: int | None,
    bank_charges: int | None,
    invoices: Sequence[str],
    not_allocated: bool,
    **order: Any,
) -> None:
    """Record AMOUNT that came in, allocate and book it.

    The same means, reference and value date again change nothing (of cash and cheques: of the same tenant). Cash is
    acknowledged by a numbered receipt. A day in a closed month is booked on the first open day. A tax withheld above
    the rates of the settings, and an invoice of another tenant than --tenant, need a reason.
    """
    from billing.entries.receivables import MONEY
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.orders import AUTOMATIC, NONE, SHORTFALLS, Allocations, Leg, ReceiptOrder
    from billing.receivables.receipts.receiving import record_receipts

    shortfalls = zip(SHORTFALLS, (rent_withholding, vat_withholding, bank_charges), strict=True)
    legs = (Leg(MONEY, amount), *(Leg(kind, short) for kind, short in shortfalls if short is not None))
    if invoices and not_allocated:
        raise click.UsageError("--invoice and --not-allocated exclude each other")
    wanted: Allocations = _parts(invoices) if invoices else NONE if not_allocated else AUTOMATIC
    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        receipt_order = ReceiptOrder(legs=legs, allocations=wanted, **order)
        (made,) = record_receipts(
            connection, [receipt_order], recorded_at=clock(), terms=settings.terms, seller=settings.operator.party
        )
        _show(connection, made.key, *made.warnings)


def _show(connection: Any, key: int, *warnings: str | None) -> None:
    from billing.receivables.receipts.queries import receipt_story

    story = receipt_story(connection, key, warnings)
    settled = [f"{part.invoice} {part.amount}" for part in story.allocations if part.undone_on is None]
    left = "".join(
        f"; {placement.left} DH to the credit of {placement.tenant}"
        for placement in story.placements
        if placement.left != "0.00"
    )
    unplaced = "" if story.unplaced == "0.00" else f"; {story.unplaced} DH nobody's yet"
    click.echo(f"{story.number}: {story.amount} DH, settles {', '.join(settled) or 'nothing'}{left}{unplaced}")
    for warning in story.warnings:
        click.echo(f"warning: {warning}", err=True)


@payments_command.command(
    "place", cls=WritingCommand, epilog=example("technopark-billing payments place RG-000012 T0042")
)
@click.argument("receipt", type=RECEIPT)
@click.argument("tenant")
@click.option("--amount", type=AMOUNT, help="Default: all that is nobody's.")
@_FROM
def place_command(receipt: int, tenant: str, amount: int | None, on: date | None) -> None:
    """Say that RECEIPT, which nobody could place, is TENANT's; it settles nothing by that alone."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.noticing import Booking
    from billing.receivables.receipts.placing import place

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        booking = Booking(connection, on)
        place(connection, receipt, tenant, amount, recorded_at=clock(), terms=settings.terms, on=on)
        _show(connection, receipt, booking.late())


@payments_command.command(
    "withdraw",
    cls=WritingCommand,
    epilog=example("technopark-billing payments withdraw RG-000012 T0042 --reason 'autre payeur'"),
)
@click.argument("receipt", type=RECEIPT)
@click.argument("tenant")
@click.option("--amount", type=AMOUNT, help="Default: all of it that settles nothing.")
@_ON
def withdraw_command(receipt: int, tenant: str, amount: int | None, on: date | None) -> None:
    """Say that RECEIPT was not TENANT's after all; the reason is required."""
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.noticing import Booking
    from billing.receivables.receipts.placing import withdraw

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "withdrawing a receipt")
        booking = Booking(connection, on)
        withdraw(connection, receipt, tenant, amount, reason=reason, recorded_at=clock(), on=on)
        _show(connection, receipt, booking.late())


@payments_command.command(
    "allocate",
    cls=WritingCommand,
    epilog=example("technopark-billing payments allocate RG-000012 --invoice FA-2026-000031=1740.00"),
)
@click.argument("receipt", type=RECEIPT)
@_INVOICES
@_FROM
def allocate_command(receipt: int, invoices: Sequence[str], on: date | None) -> None:
    """Let RECEIPT settle invoices with what it has left; those named may be of any tenant."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.allocating import allocate
    from billing.receivables.receipts.noticing import Booking
    from billing.receivables.receipts.orders import AUTOMATIC

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        parts = _parts(invoices) if invoices else AUTOMATIC
        booking = Booking(connection, on)
        allocate(connection, receipt, parts, recorded_at=clock(), terms=settings.terms, on=on)
        _show(connection, receipt, booking.late())


@payments_command.command("apply", cls=WritingCommand, epilog=example("technopark-billing payments apply"))
@click.option("--tenant", help="Default: everybody.")
def apply_command(tenant: str | None) -> None:
    """Let credits settle what is open: credit notes first, then money carried forward.

    Each run does it by itself as far as no VAT falls due by it; here a credit note settles invoices of other rates too.
    """
    from billing.frame.database import maintenance_transaction, writing
    from billing.frame.settings import load_settings
    from billing.receivables.open_items.open_item_index import refresh_index
    from billing.receivables.receipts.applying_credits import apply_credits, settle_what_was_issued

    settings = load_settings()
    tenants = None if tenant is None else [tenant]
    with database(settings) as engine:
        with writing(engine) as connection:
            made = settle_what_was_issued(connection, recorded_at=clock(), terms=settings.terms, tenants=tenants)
            made += apply_credits(connection, recorded_at=clock(), tenants=tenants)
        with maintenance_transaction(engine) as connection:
            refresh_index(connection)
    click.echo(f"{counted(len(made), 'allocation')} made")


@payments_command.command(
    "undo",
    cls=WritingCommand,
    epilog=example("technopark-billing payments undo RG-000012 FA-2026-000031 --reason 'mauvaise facture'"),
)
@click.argument("source")
@click.argument("invoice", required=False)
@_ON
def undo_command(source: str, invoice: str | None, on: date | None) -> None:
    """Take back what SOURCE, a receipt (RG-…) or a credit note (AV-…), settles of INVOICE; the reason is required.

    What it moved moves back, in the open period; both acts stay on record.
    """
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.noticing import Booking
    from billing.receivables.receipts.queries import allocations_keyed, named_allocation
    from billing.receivables.receipts.shapes import total_of
    from billing.receivables.receipts.undoing import undo_named

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        if invoice is None:
            raise click.UsageError(named_allocation(connection, source))
        reason = require_reason(connection, "undoing an allocation")
        booking = Booking(connection, on)
        keys = undo_named(connection, source, invoice, reason=reason, recorded_at=clock(), on=on)
        undone, late = total_of(allocations_keyed(connection, keys)), booking.late()
    click.echo(f"{undone} DH of {invoice} are open again")
    if late is not None:
        click.echo(f"warning: {late}", err=True)


@payments_command.command(
    "clear", cls=WritingCommand, epilog=example("technopark-billing payments clear RG-000012 --on 2026-09-08")
)
@click.argument("receipt", type=RECEIPT)
@_BANK_DAY
def clear_command(receipt: int, on: date) -> None:
    """Record that the bank has credited the cheque or bill RECEIPT: its VAT falls due on that day."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.clearing import clear
    from billing.receivables.receipts.noticing import Booking

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        booking = Booking(connection, on)
        clear(connection, receipt, on, recorded_at=clock(), terms=settings.terms)
        late = booking.late()
    click.echo(f"{RECEIPT_CODE.format(receipt)} was cleared on {on}{'' if late is None else f': {late}'}")


@payments_command.command(
    "bounce",
    cls=WritingCommand,
    epilog=example("technopark-billing payments bounce RG-000012 --on 2026-09-10 --reason 'sans provision'"),
)
@click.argument("receipt", type=RECEIPT)
@_BANK_DAY
def bounce_command(receipt: int, on: date) -> None:
    """Record that the cheque or bill RECEIPT came back unpaid: all it settled is open again. A reason is required."""
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.clearing import bounce
    from billing.receivables.receipts.noticing import Booking

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        booking = Booking(connection, on)
        bounce(connection, receipt, on, require_reason(connection, "a returned cheque"), recorded_at=clock())
        late = booking.late()
    click.echo(f"{RECEIPT_CODE.format(receipt)} came back unpaid{'' if late is None else f': {late}'}")


@payments_command.command(
    "refund",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing payments refund --credit-note AV-2026-000003 --on 2026-09-20 --reference V77 --reason Fin"
    ),
)
@click.option("--receipt", type=RECEIPT, help="The receipt whose credit is paid back.")
@click.option("--tenant", help="Whose part of the receipt. Default: what is nobody's.")
@click.option("--credit-note", metavar="NUMBER", help="The credit note that is paid back.")
@click.option("--amount", type=AMOUNT, help="Default: all that is left.")
@click.option("--on", "refunded_on", type=DAY, metavar="YYYY-MM-DD", required=True, help="The day it was paid.")
@click.option(
    "--reference", required=True, help="The bank's or the till's own reference: with the date it counts once."
)
@click.option("--means", type=click.Choice(("transfer", "cash")), default="transfer", show_default=True)
def refund_command(**order: Any) -> None:
    """Record and book money paid back; the reason is required.

    Where the settings ask for a second person it waits for an approval (`approvals`).
    """
    from billing.approvals.ordering import Waiting, place
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.approving import REFUND
    from billing.receivables.receipts.refunding import RefundOrder

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "a refund")
        wanted = RefundOrder(reason=reason, **order)
        placed = place(connection, REFUND, wanted, clock=clock, settings=settings)
    if isinstance(placed, Waiting):
        click.echo(f"the refund {placed}")
        return
    refund = placed.answer
    late = "" if refund.booked_on == refund.refunded_on else f", booked on {refund.booked_on}: its month is closed"
    click.echo(f"{refund.number}: {refund.amount} DH paid back{late}")


@payments_command.command(
    "certificate",
    cls=WritingCommand,
    epilog=example("technopark-billing payments certificate RG-000012 rent_withholding --number A-118 --on 2026-10-02"),
)
@click.argument("receipt", type=RECEIPT)
@click.argument("kind", type=click.Choice(("rent_withholding", "vat_withholding")))
@click.option("--number", required=True, help="The certificate's number.")
@click.option("--on", "certified_on", type=DAY, metavar="YYYY-MM-DD", required=True, help="The certificate's day.")
def certificate_command(receipt: int, kind: str, number: str, certified_on: date) -> None:
    """Record the certificate of a tax withheld of RECEIPT; another one replaces it for a reason."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.certificates import record_certificate

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        record_certificate(connection, receipt, kind, number, certified_on, recorded_at=clock())
    click.echo(f"{RECEIPT_CODE.format(receipt)}: certificate {number} of {certified_on}")


@payments_command.command(
    "withdraw-certificate",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing payments withdraw-certificate RG-000012 rent_withholding --reason 'autre locataire'"
    ),
)
@click.argument("receipt", type=RECEIPT)
@click.argument("kind", type=click.Choice(("rent_withholding", "vat_withholding")))
def withdraw_certificate_command(receipt: int, kind: str) -> None:
    """Withdraw the certificate of a tax withheld of RECEIPT, entered by mistake; the reason is required.

    The one before counts again, or the tax waits for its certificate.
    """
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.certificates import withdraw_certificate

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "withdrawing a certificate")
        withdraw_certificate(connection, receipt, kind, reason=reason, recorded_at=clock())
    click.echo(f"the certificate of {RECEIPT_CODE.format(receipt)} ({kind}) is withdrawn")


@payments_command.command("certificates", epilog=example("technopark-billing payments certificates"))
@click.option("--all", "everything", is_flag=True, help="Those that came too. Default: those that are missing.")
def certificates_command(everything: bool) -> None:
    """List the taxes withheld whose certificates are missing."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.certificates import withholdings
    from billing.receivables.receipts.shapes import Withholding

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        withheld = [Withholding.of(row) for row in withholdings(connection, missing=None if everything else True)]
    if not withheld:
        click.echo("no tax was withheld yet" if everything else "no certificate is missing")
        return
    names = ("receipt", "kind", "tenant", "value_date", "reference", "amount", "certificate")
    table("", names, [[getattr(row, name) or "" for name in names] for row in withheld])


@payments_command.command("list", epilog=example("technopark-billing payments list --unplaced"))
@click.option("--tenant", help="Only those of a tenant.")
@click.option("--unplaced", is_flag=True, help="Only those of which a part is nobody's.")
@click.option("--state", type=click.Choice(("cashed", "to_clear", "cleared", "bounced", "cancelled")))
@listing_options(
    "number, reference, the payer's text, the tenant's code, name, ICE or mail address", "number, value_date or amount"
)
def list_command(tenant: str | None, unplaced: bool, state: str | None, **asked: Any) -> None:
    """List the receipts, by number unless sorted otherwise."""
    from billing.frame.database import reading
    from billing.frame.listing import Asked
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.queries import RECEIPTS_LISTING, receipts
    from billing.receivables.receipts.shapes import Receipt

    settings = load_settings()
    statement = receipts(tenant=tenant, state=state, unplaced=unplaced or None)
    with database(settings) as engine, reading(engine) as connection:
        chosen = RECEIPTS_LISTING.ordered(connection, statement, Asked.of(asked))
        rows = [Receipt.of(row) for row in connection.execute(chosen)]
    if not rows:
        click.echo("there is no such receipt")
        return
    names = ("number", "value_date", "means", "reference", "tenant", "money", "withheld", "amount", "state")
    table("", names, [[getattr(row, name) or "" for name in names] for row in rows])


@payments_command.command(
    "acknowledge",
    cls=Command,
    epilog=example("technopark-billing payments acknowledge RG-000012 --output accuse.pdf"),
)
@click.argument("receipt", type=RECEIPT)
@click.option("--output", metavar="FILE", required=True, help="Where the PDF is written.")
def acknowledge_command(receipt: int, output: str) -> None:
    """Write the acknowledgement of RECEIPT as PDF, in its tenant's language: what it settles by now."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.acknowledgement import acknowledgement
    from invoices.rendering.letter import render_letter

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        letter = acknowledgement(connection, receipt, settings.operator.party)
    with destination(output) as stream:
        stream.write(render_letter(letter))


@payments_command.command("show", epilog=example("technopark-billing payments show RG-000012"))
@click.argument("receipt", type=RECEIPT)
def show_command(receipt: int) -> None:
    """Show RECEIPT with all that became of it, as JSON."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented
    from billing.receivables.receipts.queries import receipt_story

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        story = receipt_story(connection, receipt)
    click.echo(indented(story).decode(), nl=False)
