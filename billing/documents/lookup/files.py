"""Documents that were looked up, as a table: a row each, with what is open of it and where it was sent."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from billing.documents.lookup.queries import DOCUMENTS_LISTING, Wanted, find, shown_documents
from billing.documents.lookup.shapes import DocumentShown
from billing.documents.queries import heads
from billing.frame.listing import Asked
from billing.frame.shapes import encode
from invoices.models import document
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import json_list, table
from pricing.money import AMOUNT_DECIMALS, parse_decimal
from pricing.period import parse_month

# Documents held at a time.
_BATCH = 500
_SUMS = ("net", "tax", "gross", "paid", "credited", "written_off", "open")
COLUMNS = (
    Column("number", Kind.TEXT),
    Column("kind", Kind.TEXT),
    Column("period", Kind.MONTH),
    Column("issued_on", Kind.DAY),
    Column("due_on", Kind.DAY),
    Column("tenant", Kind.TEXT),
    Column("legal_name", Kind.TEXT),
    Column("ice", Kind.TEXT),
    *(Column(name, Kind.AMOUNT) for name in _SUMS),
    Column("state", Kind.TEXT),
    Column("delivery", Kind.TEXT),
    Column("recipient", Kind.TEXT),
)


def found_documents(connection: Connection, wanted: Wanted, asked: Asked) -> Iterator[DocumentShown]:
    """Yield the documents that are wanted, in the order asked for, some hundreds held at a time."""
    found = DOCUMENTS_LISTING.ordered(connection, find(wanted), asked)
    ids = connection.scalars(found.with_only_columns(document.c.id)).all()
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        by_id = {head.id: head for head in heads(connection, some)}
        yield from shown_documents(connection, [by_id[key] for key in some], wanted.today)


def rows(documents: Iterable[DocumentShown]) -> Iterator[tuple[Cell, ...]]:
    """Yield a row of COLUMNS for each document."""
    for d in documents:
        mail = d.delivery
        yield (
            d.number, d.kind, None if d.period is None else parse_month(d.period), d.issued_on, d.due_on, d.tenant,
            d.buyer.legal_name, d.buyer.ice, *(parse_decimal(getattr(d, name), AMOUNT_DECIMALS) for name in _SUMS),
            d.state.value, *((None, None) if mail is None else (mail.state, mail.recipient)),
        )  # fmt: skip


def pieces(documents: Iterable[DocumentShown], file_format: str) -> Iterator[bytes]:
    """Return documents as pieces of a file: JSON as each is shown, or a row each (`csv`, `xlsx`)."""
    if file_format == "json":
        return json_list(map(encode, documents))
    return table(file_format, "Documents", COLUMNS, rows(documents))
