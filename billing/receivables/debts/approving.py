"""A write-off, which gives money up for good, may have to wait for a second person (R23)."""

from typing import Any

from sqlalchemy import Connection, func, select

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.entries.debts import RECOVERED, WRITTEN_OFF
from billing.frame.codes import DEBT_ACT
from billing.receivables.debts.deciding import Order, debt_standing, decide
from billing.receivables.tables.debts import debt_act
from ledger.entry import BANK, MISCELLANEOUS
from pricing.money import format_amount


def _carry_out(connection: Connection, order: Order, circumstances: Circumstances) -> Done:
    c = debt_act.c
    before = connection.scalar(select(func.coalesce(func.max(c.id), 0)))
    order = order._replace(asked_by=circumstances.asked_by, approved_by=circumstances.approved_by)
    decide(connection, order, recorded_at=circumstances.recorded_at)
    # A write-off releases the provision with it.
    made = connection.execute(select(debt_act).where(c.id > before).order_by(c.id)).all()
    decisions: list[dict[str, Any]] = [
        {"kind": row.kind, "amount": format_amount(row.amount), "vat": format_amount(row.vat)} for row in made
    ]
    effect = {
        "invoice": order.invoice,
        "tenant": made[0].tenant if made else None,
        "decided_on": order.decided_on,
        "reason": order.reason,
        "decisions": decisions,
    }
    journals = (BANK if row.kind == RECOVERED else MISCELLANEOUS for row in made)
    references = tuple(f"{journal}/{DEBT_ACT.format(row.id)}" for journal, row in zip(journals, made, strict=True))
    answer = debt_standing(connection, order.invoice)
    return Done(order.invoice, effect, references, changed=bool(made), answer=answer)


def _is_write_off(_connection: Connection, order: Order, _circumstances: Circumstances) -> bool:
    return order.kind == WRITTEN_OFF


WRITE_OFF = Orderable("write_off", Order, _carry_out, _is_write_off)
ORDERS = (WRITE_OFF,)
