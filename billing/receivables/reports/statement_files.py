"""A tenant's statement as a file: JSON and tables for programs, PDF to be sent."""

from collections.abc import Iterator
from datetime import date

import orjson
from sqlalchemy import Connection, select

from billing.frame.errors import Unknown
from billing.receivables.open_items.open_items import open_items
from billing.receivables.reports.ages import Ages, aged
from billing.receivables.reports.statement import Statement, statement, statement_json
from billing.receivables.reports.statement_paper import statement_letter
from billing.register.tables import tenant
from invoices.document import INVOICE, Party
from invoices.rendering.letter import render_letter
from ledger.exports import tables
from ledger.exports.columns import Cell, Column, Kind

MEDIA_TYPES = {**tables.MEDIA_TYPES, "pdf": "application/pdf"}
_COLUMNS = (
    Column("Date", Kind.DAY),
    Column("Pièce", Kind.TEXT),
    Column("Libellé", Kind.TEXT),
    Column("Échéance", Kind.DAY),
    Column("Débit", Kind.AMOUNT),
    Column("Crédit", Kind.AMOUNT),
    Column("Solde", Kind.AMOUNT),
)


def statement_pieces(
    connection: Connection, code: str, start: date | None, until: date, file_format: str, *, operator: Party
) -> Iterator[bytes]:
    """A tenant's statement over days, both included, as pieces of a file. Raises Unknown, RenderingFailed."""
    if file_format not in MEDIA_TYPES:
        raise Unknown(f"statements have no format {file_format}: choose one of {', '.join(MEDIA_TYPES)}")
    found = statement(connection, code, start, until)
    if file_format == "json":
        return iter([orjson.dumps(statement_json(found)) + b"\n"])
    if file_format in tables.TABLES:
        return tables.table(file_format, "Relevé de compte", _COLUMNS, _rows(found))
    return iter([statement_pdf(connection, found, operator)])


def statement_pdf(connection: Connection, found: Statement, operator: Party) -> bytes:
    """The statement on paper, to the tenant as it is registered now. Raises RenderingFailed."""
    ages = Ages()
    for item in open_items(connection, tenants=[found.tenant], on=found.until):
        if item.kind == INVOICE:
            ages = ages.plus(aged(item.open, item.due_on, found.until))
    return render_letter(statement_letter(found, ages, operator, parties(connection, [found.tenant])[found.tenant]))


def _rows(found: Statement) -> Iterator[tuple[Cell, ...]]:
    if found.start is not None:
        yield found.start, None, "Solde antérieur", None, None, None, found.opening
    for line in found.lines:
        debit, credit = max(line.amount, 0) or None, max(-line.amount, 0) or None
        yield line.on, line.piece, line.label, line.due_on, debit, credit, line.balance


def parties(connection: Connection, codes: list[str]) -> dict[str, Party]:
    """Tenants as papers name them, as they are registered now."""
    rows = connection.execute(select(tenant).where(tenant.c.code.in_(codes)))
    return {
        row.code: Party(
            row.code, row.legal_name, row.legal_form, row.address, row.city, ice=row.ice, tax_id=row.tax_id,
            trade_register=row.trade_register, email=row.email, language=row.language,
        )
        for row in rows
    }  # fmt: skip
