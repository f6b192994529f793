"""A take-on may have to wait for a second person (R23)."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.take_on.taking import summary, take_park_on
from pricing.money import format_amount


class TakingOn(NamedTuple):
    """A take-on of a day: the rows of each file, with their lines, as cells in the order of its columns."""

    on: date
    rows: dict[str, list[tuple[int, list[str]]]]


def _carry_out(connection: Connection, order: TakingOn, circumstances: Circumstances) -> Done:
    now, settings = circumstances.recorded_at, circumstances.settings
    taken = take_park_on(connection, order.rows, order.on, recorded_at=now, settings=settings)
    invoices: list[dict[str, Any]] = [
        {
            "number": invoice.number,
            "tenant": invoice.tenant,
            "issued_on": invoice.issued_on,
            "due_on": invoice.due_on,
            "open": format_amount(invoice.open),
            "vat_not_due": format_amount(invoice.vat_not_due),
        }
        for invoice in taken.invoices
    ]
    effect = {**summary(taken.brought), "open_invoices": invoices}
    return Done(order.on.isoformat(), effect, tuple(entry.reference for entry in taken.entries), answer=taken)


TAKE_ON = Orderable("take_on", TakingOn, _carry_out)
ORDERS = (TAKE_ON,)
