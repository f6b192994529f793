"""The commands that look documents up, give their PDFs, and send them once more."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output, write_export
from billing.frame.terminal.listing import listing_options
from billing.frame.terminal.output import destination, grouped, require_showable, table
from billing.frame.terminal.parameters import DAY, MONTH

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from billing.documents.delivery.resending import Resent
    from billing.documents.lookup.shapes import DocumentDelivery, DocumentShown

# `table` is for people; the others are files.
FORMAT = format_option("table", "json", "csv", "xlsx", default="table")


@click.group("documents", cls=Group)
def documents_command() -> None:
    """Invoices and credit notes: find, show and explain them, their PDFs, send one once more; bill by hand."""


@documents_command.command(
    "list", cls=Command, epilog=example("technopark-billing documents list --tenant T0042 --state overdue")
)
@click.option("--tenant", metavar="CODE", help="Those of this tenant.")
@click.option("--period", type=MONTH, metavar="YYYY-MM", help="Those of the run of this month.")
@click.option("--site", metavar="CODE", help="Those with a line of this site.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(("open", "paid", "overdue", "credited", "written_off")),
    help="Those in this state; may be repeated. open: not due yet.",
)
@listing_options(
    "number, tenant's code, name, ICE, mail address or payment reference",
    "number, created, issued_on, due_on, tenant or gross",
)
@click.option("--from", "start", type=DAY, metavar="YYYY-MM-DD", help="First day of issue.")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day of issue, included.")
@FORMAT
@output_option
def list_command(format_name: str, output: str | None, **options: Any) -> None:
    """List documents, by number unless sorted otherwise, with what is open of each and where it was sent."""
    from billing.documents.lookup.files import found_documents, pieces
    from billing.documents.lookup.queries import Wanted
    from billing.frame.civil_time import today
    from billing.frame.listing import Asked

    wanted = Wanted(today(clock()), **{name: options[name] for name in options if name not in Asked._fields})

    def found(connection: "Connection") -> "Iterator[DocumentShown]":
        return found_documents(connection, wanted, Asked.of(options))

    if format_name != "table":
        write_export(lambda connection: pieces(found(connection), format_name), format_name, output)
        return
    require_no_output(output)
    with snapshot() as connection:
        documents = list(found(connection))
    if not documents:
        click.echo("no document is like that")
        return
    names = ("number", "issued_on", "due_on", "tenant", "name", "gross", "open", "state", "delivery")
    table("", names, [_row(document) for document in documents])


def _row(document: "DocumentShown") -> tuple[Any, ...]:
    d, mail = document, document.delivery
    return (
        d.number, d.issued_on, d.due_on, d.tenant, d.buyer.legal_name, grouped(d.gross), grouped(d.open), d.state.value,
        "" if mail is None else mail.state,
    )  # fmt: skip


@documents_command.command(
    "show", cls=Command, epilog=example("technopark-billing documents show FA-2026-000012 --format json")
)
@click.argument("number")
@FORMAT
@output_option
def show_command(number: str, format_name: str, output: str | None) -> None:
    """Show the document NUMBER: its lines and VAT, its buyer, what is open of it, where it was sent.

    In csv and xlsx it is a row a line, as in `export documents`.
    """
    from billing.documents.export import pieces_of
    from billing.documents.lookup.queries import find_shown
    from billing.frame.civil_time import today
    from billing.frame.shapes import indented
    from invoices.reading import document_id

    day = today(clock())
    if format_name == "json":
        write_export(lambda connection: [indented(find_shown(connection, number, day))], format_name, output)
        return
    if format_name != "table":
        write_export(
            lambda connection: pieces_of(connection, [document_id(connection, number)], format_name),
            format_name,
            output,
        )
        return
    require_no_output(output)
    with snapshot() as connection:
        document = find_shown(connection, number, day)
    click.echo("\n".join(_head(document)))
    names = ("line", "service", "site", "lease", "month", "days", "tier", "quantity", "price", "amount", "vat", "about")
    table("", names, [(line_no, *_line(line)) for line_no, line in enumerate(document.lines, 1)])


def _head(d: "DocumentShown") -> Iterator[str]:
    run = "made by hand" if d.period is None else f"run of {d.period}"
    yield f"{d.number}, {d.kind.replace('_', ' ')} of {d.issued_on}, due {d.due_on}, {run}"
    yield f"to       {d.buyer.legal_name} ({d.tenant}), ICE {d.buyer.ice or 'not known'}"
    yield f"sums     net {grouped(d.net)}, VAT {grouped(d.tax)}, gross {grouped(d.gross)} DH"
    lost = "" if d.written_off == "0.00" else f", written off {grouped(d.written_off)}"
    settled = f"paid {grouped(d.paid)}, credited {grouped(d.credited)}{lost}"
    yield f"state    {d.state.value}: {settled}, open {grouped(d.open)}"
    yield f"mail     {'none was queued' if d.delivery is None else _mail(d.delivery)}"
    if d.link is not None:
        yield f"link     {d.link}"
    for further in d.resent:
        yield f"again    {further.message} {_mail(further)}"


def _mail(mail: "DocumentDelivery") -> str:
    return " ".join(filter(None, (mail.state, mail.sent_at, "to", mail.recipient or "nobody")))


def _line(line: Any) -> tuple[Any, ...]:
    days = "" if line.first_day is None else f"{line.first_day.day}-{line.last_day.day}"
    about = (
        f"takes back {line.corrects}" if line.corrects else f"bills {line.withdraws} again" if line.withdraws else ""
    )
    return (
        line.service, line.site, line.lease or "", line.month, days, line.tier, line.quantity, line.unit_price,
        grouped(line.amount), line.vat_treatment or line.vat_rate, about,
    )  # fmt: skip


@contextmanager
def snapshot() -> "Iterator[Connection]":
    """Open one snapshot of the settings' database."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    with database(load_settings()) as engine, reading(engine) as connection:
        yield connection


@documents_command.command(
    "pdf", cls=Command, epilog=example("technopark-billing documents pdf FA-2026-000012 --output facture.pdf")
)
@click.argument("number")
@click.option("--duplicate", "is_duplicate", is_flag=True, help="A copy that says DUPLICATA, beside the original.")
@output_option
def pdf_command(number: str, is_duplicate: bool, output: str | None) -> None:
    """Write the PDF of the document NUMBER, sent or not: the very bytes that its mail carries.

    It is rendered once and kept; whoever asks for it later has that file. Copies, as `resend` sends, say DUPLICATA.
    """
    from billing.documents.delivery.pdf_files import duplicate_pdf, ensure_pdf
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from invoices.reading import document_id

    require_showable("pdf", output)
    settings = load_settings()
    with database(settings) as engine:
        with reading(engine) as connection:
            key = document_id(connection, number)
        if is_duplicate:
            pdf = duplicate_pdf(engine, key, seal=settings.seal)
        else:
            pdf = ensure_pdf(engine, settings.documents_url, key, clock=clock, seal=settings.seal)
        with destination(output) as file:
            file.write(pdf)


@documents_command.command(
    "xml", cls=Command, epilog=example("technopark-billing documents xml FA-2026-000012 --syntax ubl -o facture.xml")
)
@click.argument("number")
@click.option(
    "--syntax",
    type=click.Choice(("cii", "ubl")),
    default="cii",
    show_default=True,
    help="cii: as embedded in its PDF (Factur-X); ubl: UBL 2.1.",
)
@output_option
def xml_command(number: str, syntax: str, output: str | None) -> None:
    """Write the document NUMBER for machines: the e-invoice of EN 16931."""
    from billing.documents.einvoices import einvoice

    with snapshot() as connection, destination(output) as file:
        file.write(einvoice(connection, number, syntax))


@documents_command.command(
    "resend", cls=WritingCommand, epilog=example("technopark-billing documents resend FA-2026-000012 --to daf@firm.ma")
)
@click.argument("number")
@click.option("--to", metavar="ADDRESS", help="Default: the tenant's present address.")
def resend_command(number: str, to: str | None) -> None:
    """Queue a further mail with the document NUMBER, as it was issued; the next delivery sends it, once.

    The mail says that it is a copy, and carries the same file as the first one. It is refused for an invoice that was
    credited whole, while the document's own mail has not left, unless another address is named, and while nobody
    knows whether a copy ordered before has arrived there.
    """
    from billing.documents.delivery.resending import resend
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        sent = resend(connection, number, to, operator=settings.operator.party.legal_name, now=clock())
    click.echo(_sentence(number, sent))


def _sentence(number: str, sent: "Resent") -> str:
    if sent.is_new:
        return f"{number} queued as {sent.number} to {sent.recipient}"
    why = f": {sent.reason}" if sent.reason else ""
    if sent.state == "failed":
        return (
            f"{number} was ordered before as {sent.number} to {sent.recipient}, which failed{why}; "
            "`technopark-billing deliver` tries it again"
        )
    tried = f", tried before{why}" if sent.reason else ""
    return f"{number} waits already to be sent as {sent.number} to {sent.recipient}{tried}"
