"""Money paid back: of a tenant's credit, of a credit note, of a receipt that nobody could place."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.entries.accounts import CLIENTS
from billing.entries.receivables import CASH_PAID, TRANSFER, Held, refund_entry
from billing.frame.codes import RECEIPT
from billing.frame.database import change_receivables
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import (
    UnallocatedCredit,
    credit_of,
    is_standing_refund,
    placements_left,
    unplaced_left,
)
from billing.receivables.open_items.standing import documents_numbered
from billing.receivables.receipts.acting import acting_day, require_reason_text, require_receipt
from billing.receivables.receipts.orders import REFERENCE_LENGTH_MAX
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.tables.receipts import SettlementAct, placement, receipt, refund
from invoices.document import CREDIT_NOTE
from pricing.money import format_amount

REFUND_MEANS = (TRANSFER, CASH_PAID)


class RefundOrder(NamedTuple):
    """Money to be paid back, and why: of a receipt (and the tenant it is placed on), or of a credit note; centimes.

    No amount means all that is left. `reference` is the bank's or the till's own name for the payment.
    """

    means: str
    reference: str
    refunded_on: date
    amount: int | None
    reason: str
    receipt: int | None = None
    tenant: str | None = None
    credit_note: str | None = None


def refund_credit(connection: Connection, order: RefundOrder, *, recorded_at: datetime, terms: Terms) -> int:
    """Record and book a refund; return its key. The same means, reference and day again give the one that stands.

    A credit note's share of VAT goes back from 4455 with it. Raises Unknown, Refused with every fault, Conflict.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    change_receivables(connection)
    standing = refund_standing(connection, order)
    if standing is not None:
        return standing
    faults = _faults(order)
    if faults:
        raise Refused(faults)
    day = acting_day(connection, order.refunded_on, recorded_at)
    records = Records(connection, recorded_at)
    key = records.next_key(refund)
    account = terms.at("receipts.accounts", order.refunded_on)[order.means]
    if order.credit_note is not None:
        _refund_note(connection, records, order, key, account, day)
    else:
        _refund_money(connection, records, order, key, account, day)
    records.write()
    return key


def _refund_note(
    connection: Connection, records: Records, order: RefundOrder, key: int, account: str, day: date
) -> None:
    note = documents_numbered(connection, [order.credit_note or ""]).get(order.credit_note or "")
    if note is None:
        raise Unknown(f"there is no credit note {order.credit_note}")
    if note.kind != CREDIT_NOTE:
        raise _refused("credit_note", note.number, "is no credit note", "name the credit note to be paid back")
    amount = _amount(order, note.open, note.number)
    if order.refunded_on < note.issued_on:
        problem = f"comes before {note.issued_on}, when {note.number} was issued"
        raise _refused("refunded_on", str(order.refunded_on), problem, "give the day of the payment")
    vat = records.settle(note, SettlementAct.REFUNDED, key, day, note.pay(amount, is_money=True))
    records.add(
        refund, key, order.means, order.reference, order.refunded_on, None, None, note.key, note.tenant, amount,
        account, order.reason.strip(), records.recorded_at, _late(order, day), _occurrence(connection, order),
    )  # fmt: skip
    held = Held(CLIENTS, note.tenant, amount)
    records.book(refund_entry(key, day, order.means, account, held, vat, note.number))


def _late(order: RefundOrder, day: date) -> date | None:
    """Return the day that a refund is booked, where it is not that of the payment."""
    return None if day == order.refunded_on else day


def _refund_money(
    connection: Connection, records: Records, order: RefundOrder, key: int, account: str, day: date
) -> None:
    number = RECEIPT.format(order.receipt or 0)
    head = require_receipt(connection, order.receipt or 0)
    credit = _unallocated_credit(connection, order)
    if credit is None:
        _amount(order, 0, number)
        return
    if not credit.is_money:
        raise _refused("receipt", number, "is a cheque or bill still to be cleared", "pay back once it is")
    amount = _amount(order, credit.left, number)
    if order.refunded_on < head.value_date or day < credit.since:
        problem = f"comes before {max(head.value_date, credit.since)}, when the money came or was placed"
        raise _refused("refunded_on", str(order.refunded_on), problem, "give the day of the payment")
    records.add(
        refund, key, order.means, order.reference, order.refunded_on, order.receipt, credit.placement, None,
        credit.tenant, amount, account, order.reason.strip(), records.recorded_at, _late(order, day),
        _occurrence(connection, order),
    )  # fmt: skip
    held = Held(credit.account, credit.tenant, amount)
    records.book(refund_entry(key, day, order.means, account, held, 0, number))


def _unallocated_credit(connection: Connection, order: RefundOrder) -> UnallocatedCredit | None:
    """Return the part of the receipt to be paid back: nobody's, or the tenant's largest."""
    if order.tenant is None:
        row = connection.execute(unplaced_left(receipt.c.id == order.receipt)).one_or_none()
        return None if row is None else credit_of(row)
    p = placement.c
    of_tenant = placements_left((p.receipt_id == order.receipt) & (p.tenant == order.tenant))
    unallocated_credits = [credit_of(row) for row in connection.execute(of_tenant)]
    return max(unallocated_credits, key=lambda credit: (credit.left, credit.placement), default=None)


def _amount(order: RefundOrder, left: int, source: str) -> int:
    amount = left if order.amount is None else order.amount
    if not 0 < amount <= left:
        problem = f"can't be paid back: {format_amount(left)} of {source} is left"
        raise _refused("amount", format_amount(amount), problem, "give at most that")
    return amount


def refund_standing(connection: Connection, order: RefundOrder) -> int | None:
    """Return the key of the refund that was recorded by this order before; raises Conflict where it differs."""
    c = refund.c
    row = connection.execute(
        select(refund).where(
            c.means == order.means, c.reference == order.reference, c.refunded_on == order.refunded_on,
            is_standing_refund(),
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    note = None if order.credit_note is None else documents_numbered(connection, [order.credit_note])
    key = None if note is None or order.credit_note not in note else note[order.credit_note].key
    compared = {
        "receipt": (row.receipt_id, order.receipt),
        "credit note": (row.credit_note_id, key),
        "tenant": (row.tenant if row.credit_note_id is None else None, order.tenant),
        "amount": (row.amount, row.amount if order.amount is None else order.amount),
    }
    differing = [name for name, (stands, asked) in compared.items() if stands != asked]
    if differing:
        raise Conflict(f"{order.means} {order.reference} of {order.refunded_on} was paid for another {differing[0]}")
    return int(row.id)


def _occurrence(connection: Connection, order: RefundOrder) -> int:
    """Return which of its means, reference and day a refund is: those before were cancelled."""
    c = refund.c
    same = (c.means == order.means, c.reference == order.reference, c.refunded_on == order.refunded_on)
    return int(connection.scalar(select(func.count()).where(*same)) or 0) + 1


def _faults(order: RefundOrder) -> list[Fault]:
    faults = []
    if order.means not in REFUND_MEANS:
        faults.append(_fault("means", order.means, "pays nothing back", f"these do: {', '.join(REFUND_MEANS)}"))
    if not 0 < len(order.reference) <= REFERENCE_LENGTH_MAX or not order.reference.isprintable():
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        faults.append(_fault("reference", order.reference, problem, "give the bank's or the till's own"))
    if (order.receipt is None) == (order.credit_note is None):
        faults.append(_fault("receipt", None, "or a credit note must be named, one of them", "say what is paid back"))
    if order.credit_note is not None and order.tenant is not None:
        faults.append(_fault("tenant", order.tenant, "goes without saying", "a credit note names its buyer"))
    try:
        require_reason_text(order.reason)
    except Refused as refused:
        faults += refused.faults
    return faults


def _fault(column: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault("refund", None, column, value, problem, remedy)


def _refused(column: str, value: str | None, problem: str, remedy: str) -> Refused:
    return Refused([_fault(column, value, problem, remedy)])
