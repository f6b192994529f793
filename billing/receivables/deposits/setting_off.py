"""Deposits set against what a tenant has not paid, when its lease has ended; VAT falls due by it, as by any money."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.entries.receivables import DEPOSIT, MONEY
from billing.frame import codes
from billing.frame.database import change_facts, insert_rows
from billing.frame.errors import Fault, Refused
from billing.frame.terms import Terms
from billing.receivables.deposits.deposits import find_deposit
from billing.receivables.open_items.open_items import open_items
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from billing.receivables.tables.deposits import deposit_set_off
from billing.register.tables import lease
from pricing.money import format_amount


class SetOff(NamedTuple):
    """An order to let a deposit pay invoices: the amount (None: all that is held and open), the day, the reason."""

    amount: int | None
    on: date
    reason: str


def set_off_deposit(connection: Connection, key: int, wanted: SetOff, *, recorded_at: datetime, terms: Terms) -> int:
    """Let a deposit pay its tenant's invoices, the oldest due first; return the receipt's key.

    Only once its lease has ended, and never more than is held or open. Raises Unknown, Refused with every fault.
    """
    change_facts(connection)
    standing = find_deposit(connection, key)
    ends_on = connection.scalar(select(lease.c.ends_on).where(lease.c.code == standing.lease))
    owed = sum(item.open for item in open_items(connection, tenants=[standing.tenant]) if item.open > 0)
    most = min(standing.held, owed)
    amount = most if wanted.amount is None else wanted.amount
    faults = []
    if ends_on is None or wanted.on <= ends_on:
        stands = "has no end" if ends_on is None else f"ends on {ends_on}"
        problem = f"{stands}: a deposit is held until its lease has ended"
        faults.append(_fault("lease", standing.lease, problem, "enter the lease's end, or let the invoices be paid"))
    if not 0 < amount <= most:
        problem = f"can't be set off: {format_amount(standing.held)} is held and {format_amount(owed)} open"
        faults.append(_fault("amount", format_amount(amount), problem, f"at most {format_amount(most)}"))
    if not wanted.reason.strip():
        faults.append(_fault("reason", None, "must say why it is set off", "give a reason"))
    if faults:
        raise Refused(faults)
    before = select(func.count()).where(deposit_set_off.c.deposit_id == key)
    reference = f"{codes.DEPOSIT.format(key)}/{int(connection.scalar(before) or 0) + 1}"
    order = ReceiptOrder(DEPOSIT, reference, wanted.on, standing.tenant, (Leg(MONEY, amount),), deposit=key)
    (receipt,) = receive(connection, [order], recorded_at=recorded_at, terms=terms, source="deposit")
    columns = ("receipt_id", "deposit_id", "amount", "reason", "recorded_at")
    insert_rows(connection, deposit_set_off, columns, [(receipt, key, amount, wanted.reason.strip(), recorded_at)])
    return receipt


def _fault(column: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault("deposit", None, column, value, problem, remedy)
