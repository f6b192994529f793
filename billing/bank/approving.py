"""The cancellation of a receipt may have to wait for a second person, above an amount of the settings (R23)."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.bank.cancelling import cancel
from billing.frame.civil_time import today
from billing.frame.codes import RECEIPT
from billing.receivables.receipts.queries import find_receipt
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal

ABOVE = "approvals.cancel_receipt_above"


class CancellationOrder(NamedTuple):
    """A receipt to be cancelled, by its key, and why; `on` None: on its own day."""

    receipt: int
    reason: str
    on: date | None = None


def _carry_out(connection: Connection, order: CancellationOrder, circumstances: Circumstances) -> Done:
    row = find_receipt(connection, order.receipt)
    cancelled = cancel(
        connection, order.receipt, reason=order.reason, recorded_at=circumstances.recorded_at, on=order.on
    )
    number = RECEIPT.format(order.receipt)
    effect = {
        "receipt": number,
        "means": row.means,
        "reference": row.reference,
        "value_date": row.value_date.isoformat(),
        "tenant": row.tenant,
        "amount": format_amount(row.amount),
        "cancelled_on": cancelled.cancelled_on.isoformat(),
        "booked_on": cancelled.booked_on.isoformat(),
        "bank_lines": list(cancelled.lines),
        "reason": order.reason,
    }
    return Done(number, effect, cancelled.references, answer=cancelled)


def _is_large(connection: Connection, order: CancellationOrder, circumstances: Circumstances) -> bool:
    above = circumstances.settings.terms.at(ABOVE, today(circumstances.recorded_at))
    amount: int = find_receipt(connection, order.receipt).amount
    return amount > parse_decimal(above, AMOUNT_DECIMALS)


CANCELLATION = Orderable("cancel_receipt", CancellationOrder, _carry_out, _is_large)
ORDERS = (CANCELLATION,)
