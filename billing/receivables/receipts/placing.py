"""Receipts placed: a person says whose money is that nobody could place, or that it was not a tenant's after all."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from billing.entries.receivables import Held, placement_entry, withdrawal_entry
from billing.frame.codes import RECEIPT
from billing.frame.database import change_receivables
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import UnallocatedCredit
from billing.receivables.receipts.acting import (
    acting_day,
    booked_on_of,
    credit_left,
    is_money,
    money_day,
    refused,
    require_reason_text,
    require_receipt,
)
from billing.receivables.receipts.receiving import credit_account, invoiced_since
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.settling_days import SettlingDays
from billing.receivables.tables.receipts import placement, placement_withdrawal
from billing.register.tables import tenant as tenant_table
from pricing.money import format_amount


def place(
    connection: Connection,
    key: int,
    code: str,
    amount: int | None,
    *,
    recorded_at: datetime,
    terms: Terms,
    on: date | None = None,
) -> int:
    """Say that so much of what nobody could place (None: all of it) is a tenant's; return the placement's key.

    It is the tenant's from the day of the money on, or from `on`; the first open day where that month is closed.
    Raises Unknown, Refused, Conflict for a cheque that came back.
    """
    change_receivables(connection)
    head = require_receipt(connection, key)
    if connection.scalar(select(tenant_table.c.code).where(tenant_table.c.code == code)) is None:
        raise refused("tenant", code, "is unknown", "give the code of a tenant")
    _, unplaced = credit_left(connection, key)
    asked = unplaced if amount is None else amount
    if not 0 < asked <= unplaced:
        problem = f"can't be placed: {RECEIPT.format(key)} has {format_amount(unplaced)} that nobody has placed"
        raise refused("amount", format_amount(asked), problem, "give at most that")
    records = Records(connection, recorded_at)
    placed = add_placement(
        connection, records, head, code, asked, days=SettlingDays(connection, on, recorded_at), terms=terms
    )
    records.write()
    return placed.placement or 0


def add_placement(
    connection: Connection,
    records: Records,
    head: Row[Any],
    code: str,
    amount: int,
    *,
    days: SettlingDays,
    terms: Terms,
) -> UnallocatedCredit:
    """Add the placement of so much of a receipt on a tenant to the records; return the tenant's credit by it."""
    money_on = money_day(connection, head)
    # What was withdrawn from somebody is nobody's since then only.
    p, w = placement.c, placement_withdrawal.c
    withdrawn = select(func.max(w.withdrawn_on)).join(placement, p.id == w.placement_id).where(p.receipt_id == head.id)
    on = days.earliest(booked_on_of(head), money_on, connection.scalar(withdrawn))
    key = records.next_key(placement)
    account = credit_account(invoiced_since(connection, [code]).get(code), on, terms)
    records.add(placement, key, head.id, code, amount, account, on, 0, records.recorded_at)
    records.book(placement_entry(key, head.id, on, Held(account, code, amount)))
    return UnallocatedCredit(head.id, key, code, account, on, amount, is_money(connection, head), money_on)


def withdraw(
    connection: Connection,
    key: int,
    code: str,
    amount: int | None,
    *,
    reason: str,
    recorded_at: datetime,
    on: date | None = None,
) -> list[int]:
    """Say that so much of a receipt (None: all that is left) is not the tenant's after all; return the withdrawals.

    Only what settles nothing can be withdrawn: undo its allocations first. Raises Unknown, Refused, Conflict.
    """
    change_receivables(connection)
    require_receipt(connection, key)
    reason = require_reason_text(reason)
    unallocated_credits, _ = credit_left(connection, key)
    of_tenant = [credit for credit in unallocated_credits if credit.tenant == code]
    most = sum(credit.left for credit in of_tenant)
    left = most if amount is None else amount
    if not 0 < left <= most:
        problem = f"can't be withdrawn: {code} has {format_amount(most)} of {RECEIPT.format(key)} that settles nothing"
        raise refused("amount", format_amount(left), problem, "undo allocations first, or give at most that")
    day = acting_day(connection, on, recorded_at)
    records, made = Records(connection, recorded_at), []
    for credit in of_tenant:
        part = min(left, credit.left)
        if part:
            withdrawal, withdrawn_on = records.next_key(placement_withdrawal), max(day, credit.since)
            records.add(
                placement_withdrawal, withdrawal, credit.placement, part, withdrawn_on, reason, recorded_at
            )  # fmt: skip
            records.book(withdrawal_entry(withdrawal, key, withdrawn_on, Held(credit.account, code, part)))
            made.append(withdrawal)
            left -= part
    records.write()
    return made
