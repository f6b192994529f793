"""Receipts given for cash, as they are read: by number, in the order they were given."""

import re
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.frame.errors import Unknown
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import receipt_cancellation
from invoices.links import LINK_SECRET

_NUMBER = re.compile(r"RC-([0-9]{4})-([0-9]{6,12})", re.ASCII)
# The key that receipts for cash are ordered and paged by.
CASH_RECEIPT_KEY = (cash_receipt.c.year, cash_receipt.c.serial)


def cash_receipts(*, tenant: str | None = None) -> Select[Any]:
    """Select the receipts given for cash, of a tenant (None: of all), and how they were cancelled."""
    x = receipt_cancellation.c
    statement = select(cash_receipt, x.cancelled_on, x.reason.label("cancelled_for"), LINK_SECRET).outerjoin(
        receipt_cancellation, x.receipt_id == cash_receipt.c.receipt_id
    )
    return statement if tenant is None else statement.where(cash_receipt.c.tenant == tenant)


def find_cash_receipt(connection: Connection, number: str) -> Row[Any]:
    """Return a receipt by its number; raises Unknown."""
    c = cash_receipt.c
    match = _NUMBER.fullmatch(number)
    row = None
    if match is not None:
        named = cash_receipts().where(c.year == int(match[1]), c.serial == int(match[2]))
        row = connection.execute(named).one_or_none()
    if row is None:
        raise Unknown(f"there is no receipt {number} for cash: they are called RC-2026-000001")
    return row
