"""The take-on of a park as it stands: what was brought, and its entries."""

from datetime import date

from sqlalchemy import Connection, func, select

from billing.entries.accounts import OPENING_TRANSIT
from billing.entries.opening import REFERENCES, Balance, Opening, OpenInvoice, TenantSum, UsedGrant
from billing.entries.receivables import BROUGHT
from billing.frame.errors import Unknown
from billing.receivables.tables.deposits import deposit, deposit_movement
from billing.receivables.tables.receipts import SettlementAct, placement, receipt, settlement
from billing.register.tables import subsidy_grant
from billing.take_on.tables import opening_balance, opening_grant, take_on
from invoices.models import brought_invoice, document
from ledger.entry import Entry
from ledger.journal import load_entry


def standing_take_on(connection: Connection) -> tuple[Opening, list[Entry]]:
    """Return what was brought, and its entries as they were posted; raises Unknown where nothing was brought."""
    brought = standing_opening(connection)
    if brought is None:
        raise Unknown("nothing was taken on: the books began empty, or have not begun (`technopark-billing take-on`)")
    loaded = (load_entry(connection, reference) for reference in REFERENCES)
    return brought, [entry for entry in loaded if entry is not None]


def standing_opening(connection: Connection) -> Opening | None:
    """Return what a take-on brought, as its facts say it; None where there was none."""
    on: date | None = connection.scalar(select(take_on.c.taken_on))
    if on is None:
        return None
    d, s, m, p, b, g = (
        document.c, settlement.c, deposit_movement.c, placement.c, opening_balance.c, opening_grant.c,
    )  # fmt: skip
    before = (
        select(s.document_id, func.sum(s.base + s.vat).label("paid"), func.sum(s.vat_released).label("released"))
        .where(
            s.act.in_((SettlementAct.BROUGHT, SettlementAct.ISSUED)),
            s.document_id.in_(select(brought_invoice.c.document_id)),
        )
        .group_by(s.document_id)
        .subquery()
    )
    paid, released = (func.coalesce(column, 0) for column in (before.c.paid, before.c.released))
    invoices = connection.execute(
        select(d.tenant, d.gross - paid, d.tax - released)
        .join(brought_invoice, brought_invoice.c.document_id == d.id)
        .outerjoin(before, before.c.document_id == d.id)
        .order_by(d.id)
    )
    credits_ = connection.execute(
        select(p.tenant, p.account, p.amount)
        .join(receipt, receipt.c.id == p.receipt_id)
        .where(receipt.c.means == BROUGHT, p.in_receipt == 1)
        .order_by(p.id)
    )
    deposits = connection.execute(
        select(deposit.c.tenant, m.amount)
        .join(deposit, deposit.c.id == m.deposit_id)
        .where(m.money_account == OPENING_TRANSIT)
        .order_by(m.deposit_id)
    )
    balances = connection.execute(select(b.account, b.site, b.amount).order_by(b.line_no))
    grants = connection.execute(
        select(g.grant_code, subsidy_grant.c.site, g.used)
        .join(subsidy_grant, subsidy_grant.c.code == g.grant_code)
        .order_by(g.grant_code)
    )
    return Opening(
        on,
        [OpenInvoice(tenant, int(left), int(vat)) for tenant, left, vat in invoices],
        [TenantSum(*row) for row in credits_],
        [(tenant, amount) for tenant, amount in deposits],
        [Balance(*row) for row in balances],
        [UsedGrant(*row) for row in grants],
    )
