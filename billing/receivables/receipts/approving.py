"""A refund, which pays money out, may have to wait for a second person (R23)."""

from msgspec.structs import asdict
from sqlalchemy import Connection

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.entries.receivables import CASH_PAID
from billing.frame.codes import REFUND as REFUND_CODE
from billing.receivables.receipts.queries import find_refund
from billing.receivables.receipts.refunding import RefundOrder, refund_credit, refund_standing
from billing.receivables.receipts.shapes import Refund
from ledger.entry import BANK, CASH


def _carry_out(connection: Connection, order: RefundOrder, circumstances: Circumstances) -> Done:
    stood = refund_standing(connection, order)
    now, settings = circumstances.recorded_at, circumstances.settings
    key = stood or refund_credit(connection, order, recorded_at=now, terms=settings.terms)
    refund = Refund.of(find_refund(connection, key))
    effect = {name: value for name, value in asdict(refund).items() if name != "number"}
    reference = f"{CASH if order.means == CASH_PAID else BANK}/{REFUND_CODE.format(key)}"
    return Done(refund.number, effect, (reference,), changed=stood is None, answer=refund)


REFUND = Orderable("refund", RefundOrder, _carry_out)
ORDERS = (REFUND,)
