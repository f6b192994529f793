"""Entries of money that lie on a later day than their own, since that month was closed."""

from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from billing.entries.receivables import money_entries, refund_money_entry
from billing.frame.codes import DEBT_ACT
from billing.frame.codes import deposit_movement as deposit_movement_name
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.deposits import deposit_movement
from billing.receivables.tables.receipts import EventKind, receipt, receipt_event, refund
from ledger.entry import BANK


def booked_late(connection: Connection, since: date, until: date) -> dict[str, date]:
    """Return the references of entries that are booked later than their own day, with that day.

    Either day lies between the two: an entry is looked for around its own, and not around that of its booking. They are
    those by which receipts, clearings, returns, refunds, deposits and recovered debts may have moved the bank's money.
    """
    r, e, b, m, a = receipt.c, receipt_event.c, refund.c, deposit_movement.c, debt_act.c

    def is_near(own: ColumnElement[date], booked: ColumnElement[date]) -> ColumnElement[bool]:
        return and_(booked > own, or_(own.between(since, until), booked.between(since, until)))

    received = select(r.id, r.value_date).where(is_near(r.value_date, r.booked_on))
    own_days = {money_entries(key)[0]: day for key, day in connection.execute(received)}
    happened = select(e.receipt_id, e.kind, e.happened_on).where(is_near(e.happened_on, e.booked_on))
    for key, kind, day in connection.execute(happened):
        own_days[money_entries(key)[1 if kind == EventKind.CLEARED else 2]] = day
    refunded = select(b.id, b.refunded_on).where(is_near(b.refunded_on, b.booked_on))
    for key, day in connection.execute(refunded):
        own_days[refund_money_entry(key)] = day
    moved = select(m.deposit_id, m.movement_no, m.moved_on).where(is_near(m.moved_on, m.booked_on))
    for key, movement_no, day in connection.execute(moved):
        own_days[f"{BANK}/{deposit_movement_name(key, movement_no)}"] = day
    recovered = select(a.id, a.decided_on).where(is_near(a.decided_on, a.booked_on))
    for key, day in connection.execute(recovered):
        own_days[f"{BANK}/{DEBT_ACT.format(key)}"] = day
    return own_days
