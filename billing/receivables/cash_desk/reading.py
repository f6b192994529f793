"""Receipts given for cash, as they are found again: by number, in the order they were given."""

import json
import re
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.entries.receivables import number_of
from billing.frame.errors import Unknown
from billing.receivables.cash_desk.taking import cash_number
from billing.receivables.tables.cash_desk import cash_receipt
from pricing.money import format_amount, format_rate

_NUMBER = re.compile(r"RC-([0-9]{4})-([0-9]{6,12})", re.ASCII)


def cash_receipts() -> Select[Any]:
    """Every receipt given for cash; to be narrowed and put in order."""
    return select(cash_receipt)


def find_cash_receipt(connection: Connection, number: str) -> Row[Any]:
    """One receipt by its number; raises Unknown."""
    c = cash_receipt.c
    match = _NUMBER.fullmatch(number)
    found = None
    if match is not None:
        named = select(cash_receipt).where(c.year == int(match[1]), c.serial == int(match[2]))
        found = connection.execute(named).one_or_none()
    if found is None:
        raise Unknown(f"there is no receipt {number} for cash: they are called RC-2026-000001")
    return found


def cash_receipt_json(head: Row[Any]) -> dict[str, Any]:
    """A receipt for cash as JSON: what was taken, the stamp duty, what it settles, the thresholds it goes beyond."""
    content = json.loads(head.content)
    return {
        "number": cash_number(head.year, head.serial),
        "receipt": number_of(head.receipt_id),
        "tenant": head.tenant,
        "taken_on": head.taken_on.isoformat(),
        "amount": format_amount(head.amount),
        "stamp_duty": format_amount(head.stamp_duty),
        "stamp_duty_rate": format_rate(content["stamp_rate"]),
        "collected": format_amount(head.amount + (head.stamp_duty if head.stamp_on_top else 0)),
        "settles": content["settles"],
        "notices": content["notices"],
    }
