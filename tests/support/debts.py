"""Decisions about debts, told in one call."""

from datetime import date

from billing.frame.database import writing
from billing.receivables.debts.deciding import Order, decide
from pricing.money import parse_decimal
from tests.oracle.service import instant
from tests.support.park import Park


def decides(
    park: Park,
    kind: str,
    amount: str | None = None,
    on: str = "2026-12-31",
    *,
    invoice: str = "FA-2026-000001",
    reason: str = "redressement judiciaire",
) -> None:
    centimes = None if amount is None else parse_decimal(amount, 2)
    order = Order(invoice, kind, date.fromisoformat(on), centimes, reason, "amina")
    with writing(park.engine) as connection:
        decide(connection, order, recorded_at=instant(order.decided_on))
