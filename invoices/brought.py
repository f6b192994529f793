"""Invoices that were issued before this service began, and brought by a take-on (R29)."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, exists, not_, select

from invoices.models import brought_invoice, document


def is_brought() -> ColumnElement[bool]:
    """Return the condition that a document was issued before: it is open like ours, and no turnover of ours."""
    return exists().where(brought_invoice.c.document_id == document.c.id)


def is_ours() -> ColumnElement[bool]:
    """Return the condition that a document was issued here."""
    return not_(is_brought())


def brought_among(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Return which of these documents were issued before."""
    key = brought_invoice.c.document_id
    return set(connection.scalars(select(key).where(key.in_(list(ids)))))
