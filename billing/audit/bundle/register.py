"""The register of a year's invoices and credit notes, a row each, in the order of their dates and numbers; its VAT.

The VAT has a file of its own, a row a document and rate, so that both have the same columns whatever the year.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from invoices import formats
from invoices.brought import is_ours
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import document, document_file, document_line, document_vat
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from pricing.vat import VatSubtotal, by_treatment

_BATCH = 1_000
# The kinds of documents, in French.
NATURES = {INVOICE: "facture", CREDIT_NOTE: "avoir"}
_COLUMNS = (
    Column("Numéro", Kind.TEXT),
    Column("Nature", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Échéance", Kind.DAY),
    Column("Mois facturé", Kind.MONTH),
    Column("Locataire", Kind.TEXT),
    Column("HT", Kind.AMOUNT),
    Column("TVA", Kind.AMOUNT),
    Column("TTC", Kind.AMOUNT),
    Column("SHA-256 du PDF", Kind.TEXT),
)
_VAT_COLUMNS = (
    Column("Numéro", Kind.TEXT),
    Column("Nature", Kind.TEXT),
    Column("Date", Kind.DAY),
    Column("Taux", Kind.RATE),
    Column("Base", Kind.AMOUNT),
    Column("TVA", Kind.AMOUNT),
    # Why none is charged: what bears none has a row a reason.
    Column("Motif", Kind.TEXT),
)


def pieces(connection: Connection, year: int, file_format: str) -> Iterator[bytes]:
    """Write the register as pieces of a file. A document that was never printed has no SHA-256 yet."""
    return table(file_format, "Registre", _COLUMNS, _rows(connection, year))


def vat_pieces(connection: Connection, year: int, file_format: str) -> Iterator[bytes]:
    """Write the register's VAT as pieces of a file, document by document and rate by rate."""
    return table(file_format, "TVA", _VAT_COLUMNS, _vat_rows(connection, year))


def of_year(year: int) -> ColumnElement[bool]:
    """Return the condition that a document of ours was issued in a year."""
    return document.c.issued_on.between(date(year, 1, 1), date(year, 12, 31)) & is_ours()


def _rows(connection: Connection, year: int) -> Iterator[tuple[Any, ...]]:
    d = document.c
    statement = (
        select(d.number, d.kind, d.issued_on, d.due_on, d.period, d.tenant, d.net, d.tax, d.gross,
               document_file.c.sha256)
        .join(document_file, document_file.c.document_id == d.id, isouter=True)
        .where(of_year(year))
        .order_by(d.issued_on, d.number)
    )  # fmt: skip
    for number, kind, *cells in connection.execute(statement, execution_options={"yield_per": _BATCH}):
        yield (number, NATURES[kind], *cells)


def _vat_rows(connection: Connection, year: int) -> Iterator[tuple[Any, ...]]:
    d, v, x = document.c, document_vat.c, document_line.c
    statement = (
        select(d.id, d.number, d.kind, d.issued_on, v.rate, v.base, v.amount)
        .join(document_vat, v.document_id == d.id)
        .where(of_year(year))
        .order_by(d.issued_on, d.number, v.rate)
    )
    # Of few documents: the others have one row a rate, as they were issued.
    untaxed: dict[int, list[tuple[int, str, str, int]]] = defaultdict(list)
    lines = select(x.document_id, x.vat_rate, x.vat_treatment, x.vat_reason, x.amount).join(
        document, d.id == x.document_id
    )
    for key, *line in connection.execute(lines.where(of_year(year), x.vat_rate == 0)):
        untaxed[key].append(tuple(line))
    for key, number, kind, issued_on, *vat in connection.execute(statement, execution_options={"yield_per": _BATCH}):
        for rate, treatment, reason, base, amount in by_treatment([VatSubtotal(*vat)], untaxed.get(key, ())):
            yield number, NATURES[kind], issued_on, rate, base, amount, formats.vat_mention(treatment, reason) or None
