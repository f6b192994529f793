"""The register of a year's invoices and credit notes, a row each, in the order of their dates and numbers."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from invoices import formats
from invoices.brought import is_ours
from invoices.document import CREDIT_NOTE
from invoices.models import document, document_file, document_vat
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table

_BATCH = 1_000


def pieces(connection: Connection, year: int, file_format: str) -> Iterator[bytes]:
    """Write the register as pieces of a file, with the VAT of each rate that occurs in the year.

    A document that was never printed has no SHA-256 yet.
    """
    of_year = document.c.issued_on.between(date(year, 1, 1), date(year, 12, 31)) & is_ours()
    rates = list(
        connection.scalars(
            select(document_vat.c.rate)
            .join(document, document.c.id == document_vat.c.document_id)
            .where(of_year)
            .distinct()
            .order_by(document_vat.c.rate)
        )
    )
    columns = (
        Column("Numéro", Kind.TEXT),
        Column("Nature", Kind.TEXT),
        Column("Date", Kind.DAY),
        Column("Échéance", Kind.DAY),
        Column("Mois facturé", Kind.MONTH),
        Column("Locataire", Kind.TEXT),
        Column("HT", Kind.AMOUNT),
        *(
            Column(f"{title} {formats.percentage(rate)}", Kind.AMOUNT)
            for rate in rates
            for title in ("Base", "TVA")
        ),
        Column("TVA", Kind.AMOUNT),
        Column("TTC", Kind.AMOUNT),
        Column("SHA-256 du PDF", Kind.TEXT),
    )  # fmt: skip
    return table(file_format, "Registre", columns, _rows(connection, year, rates))


def _rows(connection: Connection, year: int, rates: list[int]) -> Iterator[tuple[Any, ...]]:
    d = document.c
    statement = (
        select(d.id, d.number, d.kind, d.issued_on, d.due_on, d.period, d.tenant, d.net, d.tax, d.gross,
               document_file.c.sha256)
        .join(document_file, document_file.c.document_id == d.id, isouter=True)
        .where(d.issued_on.between(date(year, 1, 1), date(year, 12, 31)), is_ours())
        .order_by(d.issued_on, d.number)
    )  # fmt: skip
    for rows in connection.execute(statement, execution_options={"yield_per": _BATCH}).partitions(_BATCH):
        vat = _vat(connection, [row.id for row in rows])
        for row in rows:
            of_rates = [cell for rate in rates for cell in vat.get((row.id, rate), (None, None))]
            nature = "avoir" if row.kind == CREDIT_NOTE else "facture"
            yield (
                row.number, nature, row.issued_on, row.due_on, row.period, row.tenant, row.net, *of_rates,
                row.tax, row.gross, row.sha256,
            )  # fmt: skip


def _vat(connection: Connection, documents: list[int]) -> dict[tuple[int, int], tuple[int, int]]:
    v = document_vat.c
    rows = connection.execute(select(v.document_id, v.rate, v.base, v.amount).where(v.document_id.in_(documents)))
    return {(row.document_id, row.rate): (row.base, row.amount) for row in rows}
