"""Entries of money that lie on a later day than their own, since that month was closed."""

from datetime import date

from sqlalchemy import Connection, select

from billing.entries.receivables import money_entries, refund_money_entry
from billing.receivables.tables.receipts import EventKind, receipt, receipt_event, refund


def booked_late(connection: Connection, since: date, until: date) -> dict[str, date]:
    """Return the references of entries whose own day lies between two days, and which are booked later, with that day.

    They are those by which receipts, clearings, returns and refunds may have moved the bank's account.
    """
    r, e, b = receipt.c, receipt_event.c, refund.c
    own_days: dict[str, date] = {}
    received = select(r.id, r.value_date).where(r.booked_on.is_not(None), r.value_date.between(since, until))
    for key, day in connection.execute(received):
        own_days[money_entries(key)[0]] = day
    happened = select(e.receipt_id, e.kind, e.happened_on).where(
        e.booked_on > e.happened_on, e.happened_on.between(since, until)
    )
    for key, kind, day in connection.execute(happened):
        own_days[money_entries(key)[1 if kind == EventKind.CLEARED else 2]] = day
    refunded = select(b.id, b.refunded_on).where(b.booked_on.is_not(None), b.refunded_on.between(since, until))
    for key, day in connection.execute(refunded):
        own_days[refund_money_entry(key)] = day
    return own_days
