"""The cancellation of money that came may have to wait for a second person, above an amount of the settings (R23)."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.bank.cancelling import cancel, cancel_named
from billing.frame.civil_time import today
from billing.frame.codes import DEBT_ACT, DEPOSIT, RECEIPT, parse_deposit_movement
from billing.receivables.debts.cancelling import find_recovery
from billing.receivables.deposits.cancelling import find_movement
from billing.receivables.receipts.queries import find_receipt
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal

ABOVE = "approvals.cancel_receipt_above"


class CancellationOrder(NamedTuple):
    """A receipt to be cancelled, by its key, and why; `on` None: on its own day.

    Or `other`: a movement of a deposit (`DG-000012/2`), or what was recovered of a lost debt (`CR-3`).
    """

    receipt: int | None
    reason: str
    on: date | None = None
    other: str | None = None


def _carry_out(connection: Connection, order: CancellationOrder, circumstances: Circumstances) -> Done:
    row = _money(connection, order)
    now = circumstances.recorded_at
    if order.receipt is None:
        number = order.other or ""
        cancelled = cancel_named(connection, number, reason=order.reason, recorded_at=now, on=order.on)
        effect: dict[str, Any] = {"number": number}
    else:
        number = RECEIPT.format(order.receipt)
        cancelled = cancel(connection, order.receipt, reason=order.reason, recorded_at=now, on=order.on)
        effect = {"receipt": number, "means": row.means, "tenant": row.tenant}
    effect |= {
        "reference": row.reference,
        "value_date": _own_day(row).isoformat(),
        "amount": format_amount(row.amount),
        "cancelled_on": cancelled.cancelled_on.isoformat(),
        "booked_on": cancelled.booked_on.isoformat(),
        "bank_lines": list(cancelled.lines),
        "reason": order.reason,
    }
    return Done(number, effect, cancelled.references, answer=cancelled)


def _is_large(connection: Connection, order: CancellationOrder, circumstances: Circumstances) -> bool:
    above = circumstances.settings.terms.at(ABOVE, today(circumstances.recorded_at))
    return int(_money(connection, order).amount) > parse_decimal(above, AMOUNT_DECIMALS)


def _money(connection: Connection, order: CancellationOrder) -> Row[Any]:
    """Return the row of what is to be cancelled; raises Unknown."""
    if order.receipt is not None:
        return find_receipt(connection, order.receipt)
    name = order.other or ""
    if name.startswith(DEPOSIT.prefix):
        return find_movement(connection, *parse_deposit_movement(name))
    return find_recovery(connection, DEBT_ACT.parse(name))


def _own_day(row: Row[Any]) -> date:
    """Return the day that the money is said to have moved."""
    day: date = next(getattr(row, name) for name in ("value_date", "moved_on", "decided_on") if hasattr(row, name))
    return day


CANCELLATION = Orderable("cancel_receipt", CancellationOrder, _carry_out, _is_large)
ORDERS = (CANCELLATION,)
