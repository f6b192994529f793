"""Entries of money that lie on a later day than their own, since that month was closed."""

from datetime import date

from sqlalchemy import Connection, select

from billing.entries.receivables import money_entries, refund_money_entry
from billing.frame.codes import DEBT_ACT
from billing.frame.codes import deposit_movement as deposit_movement_name
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.deposits import deposit_movement
from billing.receivables.tables.receipts import EventKind, receipt, receipt_event, refund
from ledger.entry import BANK


def booked_late(connection: Connection, since: date, until: date) -> dict[str, date]:
    """Return the references of entries whose own day lies between two days, and which are booked later, with that day.

    They are those by which receipts, clearings, returns, refunds, deposits and recovered debts may have moved the
    bank's account.
    """
    r, e, b, m, a = receipt.c, receipt_event.c, refund.c, deposit_movement.c, debt_act.c
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
    moved = select(m.deposit_id, m.movement_no, m.moved_on).where(
        m.booked_on.is_not(None), m.moved_on.between(since, until)
    )
    for key, movement_no, day in connection.execute(moved):
        own_days[f"{BANK}/{deposit_movement_name(key, movement_no)}"] = day
    recovered = select(a.id, a.decided_on).where(a.booked_on.is_not(None), a.decided_on.between(since, until))
    for key, day in connection.execute(recovered):
        own_days[f"{BANK}/{DEBT_ACT.format(key)}"] = day
    return own_days
