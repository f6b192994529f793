"""The documents of a run, in the contract's shape, and one row a line for spreadsheets."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, select

from billing.documents.queries import document_shapes, heads
from billing.frame.errors import Unknown
from billing.frame.reports.formats import require_format
from billing.frame.shapes import encode
from billing.register.tables import billing_run
from invoices.document import Document
from invoices.reading import document_ids, load_documents
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import json_list, table
from pricing.period import format_month

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
)


def _issued(connection: Connection, period: date) -> Iterator[Document]:
    """Yield the documents of a run by number, some hundreds held at a time."""
    ids = document_ids(connection, period)
    for start in range(0, len(ids), _BATCH):
        for _, document in load_documents(connection, ids[start : start + _BATCH]):
            yield document


def _require_run(connection: Connection, period: date) -> None:
    if connection.scalar(select(billing_run.c.status).where(billing_run.c.period == period)) is None:
        month = format_month(period)
        raise Unknown(f"{month} has not been run: run it first with `technopark-billing run {month}`")


def documents_json(connection: Connection, period: date) -> Iterator[bytes]:
    """Return the documents of a run as pieces of one JSON list, by number. Raises Unknown for a month not run."""
    _require_run(connection, period)
    ids = document_ids(connection, period)
    return json_list(
        encode(shape)
        for start in range(0, len(ids), _BATCH)
        for shape in document_shapes(connection, heads(connection, ids[start : start + _BATCH]))
    )


def _rows(connection: Connection, period: date) -> Iterator[tuple[Cell, ...]]:
    for document in _issued(connection, period):
        for line_no, line in enumerate(document.lines, 1):
            p = line.priced
            yield (
                document.number, document.kind, document.period, document.issued_on, document.due_on,
                document.buyer.code, document.currency, line_no, p.service, p.site, p.lease, p.month,
                p.first_day, p.last_day, p.tier, p.quantity,
                p.full_price, p.unit_price, p.amount, p.full_amount, p.cost_amount, p.vat_rate,
                None if line.corrects is None else line.corrects.number,
                *((document.net, document.tax, document.gross) if line_no == 1 else (None, None, None)),
                document.payment_reference,
                None if line.withdraws is None else line.withdraws.number,
                line.revenue_account,
            )  # fmt: skip


def pieces(connection: Connection, period: date, file_format: str) -> Iterator[bytes]:
    """Return the documents of a run as pieces of a file. Raises Unknown."""
    require_format(file_format)
    if file_format == "json":
        return documents_json(connection, period)
    _require_run(connection, period)
    return table(file_format, "Documents", COLUMNS, _rows(connection, period))
