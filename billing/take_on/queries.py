"""The take-on of a park as it stands: what was brought, and its entries."""

from typing import Any

from sqlalchemy import Connection, func, select

from billing.entries.accounts import OPENING_TRANSIT
from billing.entries.opening import REFERENCES
from billing.entries.receivables import BROUGHT
from billing.frame.errors import Unknown
from billing.receivables.tables.deposits import deposit_movement
from billing.receivables.tables.receipts import SettlementAct, receipt, settlement
from billing.take_on.tables import opening_balance, opening_grant, take_on
from invoices.models import brought_invoice, document
from ledger.entry import Entry
from ledger.journal import load_entry
from pricing.money import format_amount


def standing_take_on(connection: Connection) -> tuple[dict[str, Any], list[Entry]]:
    """Return what was brought, as `taking.summary` says it, and its entries; raises Unknown where nothing was."""
    on = connection.scalar(select(take_on.c.taken_on))
    if on is None:
        raise Unknown("nothing was taken on: the books began empty, or have not begun (`technopark-billing take-on`)")
    d, s, m, r, b, g = document.c, settlement.c, deposit_movement.c, receipt.c, opening_balance.c, opening_grant.c
    paid = select(func.sum(s.base + s.vat), func.sum(s.vat)).where(s.act == SettlementAct.BROUGHT)
    paid_before, vat_before = (int(amount or 0) for amount in connection.execute(paid).one())
    of_brought = select(func.count(), func.sum(d.gross), func.sum(d.tax)).join(
        brought_invoice, brought_invoice.c.document_id == d.id
    )
    invoices, gross, tax = connection.execute(of_brought).one()
    credits_, credit = connection.execute(select(func.count(), func.sum(r.amount)).where(r.means == BROUGHT)).one()
    held = select(func.count(), func.sum(m.amount)).where(m.money_account == OPENING_TRANSIT)
    deposits, deposited = connection.execute(held).one()
    grants, used = connection.execute(select(func.count(), func.sum(g.used))).one()
    summary = {
        "date": on.isoformat(),
        "invoices": invoices,
        "open": format_amount(int(gross or 0) - paid_before),
        "vat_not_due": format_amount(int(tax or 0) - vat_before),
        "credits": credits_,
        "credit": format_amount(int(credit or 0)),
        "deposits": deposits,
        "deposited": format_amount(int(deposited or 0)),
        "balances": connection.scalar(select(func.count(b.line_no))) or 0,
        "grants": grants,
        "used": format_amount(int(used or 0)),
    }
    loaded = (load_entry(connection, reference) for reference in REFERENCES)
    return summary, [e for e in loaded if e is not None]
