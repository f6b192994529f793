"""The documents of a run, in the contract's shape, and one row a line for spreadsheets."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Connection, select

from billing.frame.errors import Unknown
from billing.frame.reports.formats import require_format
from billing.register.tables import billing_run
from invoices.document import Document, DocumentLine
from invoices.reading import document_ids, load_documents
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import json_list, table
from pricing.money import format_amount, format_price, format_quantity, format_rate
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
)


def document_json(document: Document) -> dict[str, Any]:
    """One document in the contract's shape: amounts, prices and rates as decimal strings."""
    return {
        "number": document.number,
        "kind": document.kind,
        "period": None if document.period is None else format_month(document.period),
        "issued_on": document.issued_on.isoformat(),
        "due_on": document.due_on.isoformat(),
        "tenant": document.buyer.code,
        "currency": document.currency,
        "payment_reference": document.payment_reference,
        "lines": [_line_json(line) for line in document.lines],
        "vat": [
            {"rate": format_rate(vat.rate), "base": format_amount(vat.base), "amount": format_amount(vat.amount)}
            for vat in document.vat
        ],
        "net": format_amount(document.net),
        "tax": format_amount(document.tax),
        "gross": format_amount(document.gross),
    }


def _line_json(line: DocumentLine) -> dict[str, Any]:
    priced = line.priced
    return {
        "service": priced.service,
        "site": priced.site,
        "lease": priced.lease,
        "month": format_month(priced.month),
        "first_day": None if priced.first_day is None else priced.first_day.isoformat(),
        "last_day": None if priced.last_day is None else priced.last_day.isoformat(),
        "tier": priced.tier,
        "quantity": format_quantity(priced.quantity),
        "full_price": format_price(priced.full_price),
        "unit_price": format_price(priced.unit_price),
        "amount": format_amount(priced.amount),
        "full_amount": format_amount(priced.full_amount),
        "cost_amount": format_amount(priced.cost_amount),
        "vat_rate": format_rate(priced.vat_rate),
        "corrects": None if line.corrects is None else line.corrects.number,
    }


def _issued(connection: Connection, period: date) -> Iterator[Document]:
    """The documents of a run by number, some hundreds held at a time."""
    ids = document_ids(connection, period)
    for start in range(0, len(ids), _BATCH):
        for _, found in load_documents(connection, ids[start : start + _BATCH]):
            yield found


def _require_run(connection: Connection, period: date) -> None:
    if connection.scalar(select(billing_run.c.status).where(billing_run.c.period == period)) is None:
        month = format_month(period)
        raise Unknown(f"{month} has not been run: run it first with `technopark-billing run {month}`")


def documents_json(connection: Connection, period: date) -> Iterator[bytes]:
    """The documents of a run as pieces of one JSON list, by number. Raises Unknown when the month has not been run."""
    _require_run(connection, period)
    return json_list(orjson.dumps(document_json(document)) for document in _issued(connection, period))


def _rows(connection: Connection, period: date) -> Iterator[tuple[Cell, ...]]:
    for found in _issued(connection, period):
        for line_no, line in enumerate(found.lines, 1):
            p = line.priced
            yield (
                found.number, found.kind, found.period, found.issued_on, found.due_on, found.buyer.code, found.currency,
                line_no, p.service, p.site, p.lease, p.month, p.first_day, p.last_day, p.tier, p.quantity,
                p.full_price, p.unit_price, p.amount, p.full_amount, p.cost_amount, p.vat_rate,
                None if line.corrects is None else line.corrects.number,
                *((found.net, found.tax, found.gross) if line_no == 1 else (None, None, None)),
                found.payment_reference,
            )  # fmt: skip


def pieces(connection: Connection, period: date, file_format: str) -> Iterator[bytes]:
    """The documents of a run as pieces of a file. Raises Unknown."""
    require_format(file_format)
    if file_format == "json":
        return documents_json(connection, period)
    _require_run(connection, period)
    return table(file_format, "Documents", COLUMNS, _rows(connection, period))
