"""Proof of the cash desk: every receipt of cash has its paper, numbers have no gap, the stamp duty is booked."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from billing.entries.cancelling import cancellation
from billing.entries.cash_desk import stamp_entry
from billing.entries.receivables import CASH_PAID, MONEY
from billing.entries.standing import entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.frame.codes import RECEIPT
from billing.receivables.cash_desk.taking import cash_number
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import receipt, receipt_booked_on, receipt_cancellation, receipt_leg

_OURS = ("CA/RC-%", "OD/RC-%")


def cash(connection: Connection, _step: Step) -> Iterator[str]:
    """Each receipt for cash is that of a receipt, each receipt of cash has one, and just its stamp duty is booked."""
    standing = entries_like(connection, *_OURS)
    c, r = cash_receipt.c, receipt.c
    rows = connection.execute(
        select(
            cash_receipt, r.means, r.value_date, r.tenant.label("payer"), r.site,
            receipt_leg.c.amount.label("money"), receipt_cancellation.c.booked_on.label("cancelled"),
            receipt_booked_on().label("booked_on"),
        )
        .outerjoin(receipt, r.id == c.receipt_id)
        .outerjoin(receipt_leg, (receipt_leg.c.receipt_id == c.receipt_id) & (receipt_leg.c.kind == MONEY))
        .outerjoin(receipt_cancellation, receipt_cancellation.c.receipt_id == c.receipt_id)
        .order_by(c.year, c.serial)
    )  # fmt: skip
    year, serial = 0, 0
    for row in rows:
        year, serial = row.year, serial + 1 if row.year == year else 1
        number = cash_number(row.year, row.serial)
        if row.serial != serial:
            yield f"{number} stands where {cash_number(year, serial)} should: receipts for cash have a gap"
            serial = row.serial
        paper = (CASH_PAID, row.taken_on, row.tenant, row.amount, row.taken_on.year)
        if paper != (row.means, row.value_date, row.payer, row.money, row.year):
            yield f"{number} is not of the means, day, tenant and amount of {RECEIPT.format(row.receipt_id)}"
        if row.stamp_duty:
            due = stamp_entry(number, row.booked_on, row.tenant, row.site, row.stamp_duty, row.stamp_on_top)
            yield from entry_faults(f"the stamp duty of {number}", due, standing)
            if row.cancelled is not None:
                back = cancellation(due, row.cancelled)
                yield from entry_faults(f"the cancellation of {number}", back, standing)
    for reference in sorted(standing):
        yield f"entry {reference} books the stamp duty of a receipt for cash that does not stand"
    without = select(r.id).outerjoin(cash_receipt, c.receipt_id == r.id).where(r.means == CASH_PAID, c.year.is_(None))
    for key in connection.scalars(without.order_by(r.id)):
        yield f"{RECEIPT.format(key)} is of cash and has no receipt RC"


CHECKS: tuple[Proof, ...] = (cash,)
