"""Invoices that were issued before this service began, and brought by a take-on (R29)."""

from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, select

from invoices.brought_numbers import BroughtNumbers
from invoices.models import brought_invoice, document


def is_brought() -> ColumnElement[bool]:
    """Return the condition that a document was issued before: it is open like ours, and no turnover of ours."""
    return exists().where(brought_invoice.c.document_id == document.c.id)


def is_ours() -> ColumnElement[bool]:
    """Return the condition that a document was issued here."""
    return not_(is_brought())


def stands_by(day: date) -> ColumnElement[bool]:
    """Return the condition that a document stood in the books at the end of a day: a brought one since its take-on."""
    # Looked up in a set, not joined: documents are still read in the order of their keys.
    b = brought_invoice.c
    return and_(document.c.issued_on <= day, document.c.id.not_in(select(b.document_id).where(b.taken_on > day)))


def brought_numbers(connection: Connection) -> BroughtNumbers:
    """Return the numbers of all brought invoices, to be looked for in texts; paid ones too, so that they are known."""
    of_brought = select(document.c.number).where(document.c.id.in_(select(brought_invoice.c.document_id)))
    return BroughtNumbers(connection.scalars(of_brought))
