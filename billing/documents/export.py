"""Issued documents, of a run or of some days, in the contract's shape, and one row a line for spreadsheets."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import Connection, select

from billing.documents.queries import document_shapes, heads
from billing.frame.errors import Unknown
from billing.frame.reports.formats import require_format
from billing.frame.shapes import encode
from billing.register.tables import billing_run
from invoices.brought import is_ours
from invoices.document import Document
from invoices.models import document
from invoices.reading import document_ids, load_documents
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import json_list, table
from pricing.period import format_month
from pricing.vat import STANDARD

# Documents held at a time.
_BATCH = 500

COLUMNS = (
    Column("number", Kind.TEXT),
    Column("kind", Kind.TEXT),
    Column("period", Kind.MONTH),
    Column("issued_on", Kind.DAY),
    Column("due_on", Kind.DAY),
    Column("tenant", Kind.TEXT),
    Column("currency", Kind.TEXT),
    Column("line", Kind.COUNT),
    Column("service", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("lease", Kind.TEXT),
    Column("month", Kind.MONTH),
    Column("first_day", Kind.DAY),
    Column("last_day", Kind.DAY),
    Column("tier", Kind.TEXT),
    Column("quantity", Kind.QUANTITY),
    Column("full_price", Kind.PRICE),
    Column("unit_price", Kind.PRICE),
    Column("amount", Kind.AMOUNT),
    Column("full_amount", Kind.AMOUNT),
    Column("cost_amount", Kind.AMOUNT),
    Column("vat_rate", Kind.RATE),
    Column("corrects", Kind.TEXT),
    # A document's own sums, on its first line only, so that each column can be summed.
    Column("net", Kind.AMOUNT),
    Column("tax", Kind.AMOUNT),
    Column("gross", Kind.AMOUNT),
    Column("payment_reference", Kind.TEXT),
    # The credit note by hand that the line takes back, and the account it is booked to: 7129 where it does.
    Column("withdraws", Kind.TEXT),
    Column("account", Kind.TEXT),
    # As printed: the service's label, or the text of an invoice by hand.
    Column("text", Kind.TEXT),
    # Why no VAT is charged; blank where it is.
    Column("vat_treatment", Kind.TEXT),
    Column("vat_reason", Kind.TEXT),
)


def _issued(connection: Connection, ids: Sequence[int]) -> Iterator[Document]:
    """Yield the documents of these keys, some hundreds held at a time."""
    for start in range(0, len(ids), _BATCH):
        for _, issued in load_documents(connection, ids[start : start + _BATCH]):
            yield issued


def _require_run(connection: Connection, period: date) -> None:
    if connection.scalar(select(billing_run.c.status).where(billing_run.c.period == period)) is None:
        month = format_month(period)
        raise Unknown(f"{month} has not been run: run it first with `technopark-billing run {month}`")


def pieces(connection: Connection, period: date, file_format: str) -> Iterator[bytes]:
    """Return the documents of a run, by number, as pieces of a file. Raises Unknown for a month not run."""
    require_format(file_format)
    _require_run(connection, period)
    return pieces_of(connection, document_ids(connection, period), file_format)


def pieces_of_days(connection: Connection, start: date, until: date, file_format: str) -> Iterator[bytes]:
    """Return every document issued in these days, both included, of runs and by hand, by number: the sales register."""
    require_format(file_format)
    d = document.c
    ids = connection.scalars(select(d.id).where(d.issued_on.between(start, until), is_ours()).order_by(d.number)).all()
    return pieces_of(connection, ids, file_format)


def pieces_of(connection: Connection, ids: Sequence[int], file_format: str) -> Iterator[bytes]:
    """Return the documents of these keys, which are in the order of their numbers, as pieces of a file."""
    if file_format != "json":
        return table(file_format, "Documents", COLUMNS, _rows(connection, ids))
    return json_list(
        encode(shape)
        for start in range(0, len(ids), _BATCH)
        for shape in document_shapes(connection, heads(connection, ids[start : start + _BATCH]))
    )


def _rows(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[Cell, ...]]:
    for issued in _issued(connection, ids):
        for line_no, line in enumerate(issued.lines, 1):
            p = line.priced
            yield (
                issued.number, issued.kind, issued.period, issued.issued_on, issued.due_on,
                issued.buyer.code, issued.currency, line_no, p.service, p.site, p.lease, p.month,
                p.first_day, p.last_day, p.tier, p.quantity,
                p.full_price, p.unit_price, p.amount, p.full_amount, p.cost_amount, p.vat_rate,
                None if line.corrects is None else line.corrects.number,
                *((issued.net, issued.tax, issued.gross) if line_no == 1 else (None, None, None)),
                issued.payment_reference,
                None if line.withdraws is None else line.withdraws.number,
                line.revenue_account,
                line.service_label,
                None if p.vat_treatment == STANDARD else p.vat_treatment,
                p.vat_reason or None,
            )  # fmt: skip
