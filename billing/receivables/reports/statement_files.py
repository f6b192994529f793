"""A tenant's statement as a file: JSON and tables for programs, PDF to be sent."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, select

from billing.frame.errors import Unknown
from billing.frame.shapes import encode
from billing.receivables.open_items.open_items import open_items
from billing.receivables.reports.ages import Ages, aged
from billing.receivables.reports.shapes import AccountStatement
from billing.receivables.reports.statement import Statement, statement
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
    """Return a tenant's statement over days, both included, as pieces of a file. Raises Unknown, RenderingFailed."""
    if file_format not in MEDIA_TYPES:
        raise Unknown(f"statements have no format {file_format}: choose one of {', '.join(MEDIA_TYPES)}")
    account = statement(connection, code, start, until)
    if file_format == "json":
        return iter([encode(AccountStatement.of(account)) + b"\n"])
    if file_format in tables.TABLES:
        return tables.table(file_format, "Relevé de compte", _COLUMNS, _rows(account))
    return iter([statement_pdf(connection, account, operator)])


def statement_pdf(connection: Connection, account: Statement, operator: Party) -> bytes:
    """Render the statement, to the tenant as it is registered now. Raises RenderingFailed."""
    ages = Ages()
    for item in open_items(connection, tenants=[account.tenant], on=account.until):
        if item.kind == INVOICE:
            ages = ages.plus(aged(item.open, item.due_on, account.until))
    buyer = parties(connection, [account.tenant])[account.tenant]
    return render_letter(statement_letter(account, ages, operator, buyer))


def _rows(account: Statement) -> Iterator[tuple[Cell, ...]]:
    if account.start is not None:
        yield account.start, None, "Solde antérieur", None, None, None, account.opening
    for line in account.lines:
        debit, credit = max(line.amount, 0) or None, max(-line.amount, 0) or None
        yield line.on, line.piece, line.label, line.due_on, debit, credit, line.balance


def parties(connection: Connection, codes: list[str]) -> dict[str, Party]:
    """Return tenants as letters name them, as they are registered now."""
    rows = connection.execute(select(tenant).where(tenant.c.code.in_(codes)))
    return {
        row.code: Party(
            row.code, row.legal_name, row.legal_form, row.address, row.city, ice=row.ice, tax_id=row.tax_id,
            trade_register=row.trade_register, email=row.email, language=row.language,
        )
        for row in rows
    }  # fmt: skip
