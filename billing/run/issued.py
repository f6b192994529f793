"""What follows when a document is issued, by a run or by hand: its entry and its queued delivery."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Connection

from billing.entries.sales import sale
from billing.frame.database import RowWriter, insert_rows
from invoices.delivery import QUEUED
from invoices.document import CREDIT_NOTE
from invoices.issuing import Issued
from invoices.models import delivery
from ledger.entry import Entry
from ledger.journal import post

_COLUMNS = ("document_id", "state", "attempts", "next_attempt_at", "recipient")


def entry_of(issued: Issued, issued_on: date) -> Entry:
    """Return the entry that books an issued document (R20)."""
    draft = issued.draft
    return sale(
        issued.number,
        issued_on,
        draft.buyer.code,
        -1 if draft.kind == CREDIT_NOTE else 1,
        [(line.revenue_account, line.priced.site, line.priced.amount) for line in draft.lines],
        issued.tax,
    )


def queue(connection: Connection, documents: Iterable[Issued], recorded_at: datetime, insert: RowWriter) -> None:
    """Queue the deliveries of issued documents, each to its buyer's address."""
    rows = [(issued.id, QUEUED, 0, recorded_at, issued.draft.buyer.email) for issued in documents]
    insert(connection, delivery, _COLUMNS, rows)


def book_by_hand(connection: Connection, issued: Issued, issued_on: date, recorded_at: datetime) -> None:
    """Book a document that was issued by hand, and queue its delivery."""
    post(connection, [entry_of(issued, issued_on)], recorded_at=recorded_at, insert=insert_rows)
    queue(connection, [issued], recorded_at, insert_rows)
