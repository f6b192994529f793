"""Proof of a take-on: its entries are what was brought, and brought invoices are what their lines and VAT say (R29)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select

from billing.entries.accounts import OPENING_TRANSIT
from billing.entries.opening import Balance, OpenInvoice, TenantSum, UsedGrant, opening_entries
from billing.entries.receivables import BROUGHT
from billing.entries.sales import sale_reference
from billing.entries.standing import entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.receivables.tables.deposits import deposit, deposit_movement
from billing.receivables.tables.receipts import SettlementAct, placement, receipt, settlement
from billing.register.tables import subsidy_grant
from billing.take_on.tables import opening_balance, opening_grant, take_on
from invoices.document import BROUGHT_VAT_TOLERANCE, INVOICE
from invoices.models import brought_invoice, document, document_line, document_vat
from ledger.entry import TAKEN_ON
from ledger.models import entry
from pricing.money import format_amount, format_rate, vat_amount


def opening(connection: Connection, _step: Step) -> Iterator[str]:
    """Prove that the entries of a take-on are its facts, and that what it brought stands as it was issued."""
    on: date | None = connection.scalar(select(take_on.c.taken_on))
    standing = entries_like(connection, f"{TAKEN_ON}%")
    if on is not None:
        for due in _entries(connection, on):
            yield from entry_faults(f"the take-on of {on}", due, standing)
    for reference in sorted(standing):
        yield f"entry {reference} takes on what no take-on brought"
    yield from _documents(connection, on)
    yield from _paid_before(connection)
    e = entry.c
    early = select(e.id, e.reference, e.effective_on).where(
        e.effective_on < on if on is not None else e.id < 0, e.reference.not_like("PER/grant/%")
    )
    for number, reference, day in connection.execute(early.order_by(e.id)):
        yield f"entry {number} ({reference}) is dated {day}, before the books began on {on}"


def _entries(connection: Connection, on: date) -> list[Any]:
    d, s, m, p = document.c, settlement.c, deposit_movement.c, placement.c
    paid = (
        select(s.document_id, func.sum(s.base + s.vat).label("paid"), func.sum(s.vat).label("vat"))
        .where(s.act == SettlementAct.BROUGHT)
        .group_by(s.document_id)
        .subquery()
    )
    invoices = connection.execute(
        select(d.tenant, d.gross - func.coalesce(paid.c.paid, 0), d.tax - func.coalesce(paid.c.vat, 0))
        .join(brought_invoice, brought_invoice.c.document_id == d.id)
        .outerjoin(paid, paid.c.document_id == d.id)
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
    b, g = opening_balance.c, opening_grant.c
    balances = connection.execute(select(b.account, b.site, b.amount).order_by(b.line_no))
    grants = connection.execute(
        select(g.grant_code, subsidy_grant.c.site, g.used)
        .join(subsidy_grant, subsidy_grant.c.code == g.grant_code)
        .order_by(g.grant_code)
    )
    return opening_entries(
        on,
        [OpenInvoice(tenant, int(left), int(vat)) for tenant, left, vat in invoices],
        [TenantSum(*row) for row in credits_],
        [(tenant, amount) for tenant, amount in deposits],
        [Balance(*row) for row in balances],
        [UsedGrant(*row) for row in grants],
    )


def _documents(connection: Connection, on: date | None) -> Iterator[str]:
    """Prove that brought invoices are of the take-on, add up, and are no sales of ours."""
    d, x, v, b = document.c, document_line.c, document_vat.c, brought_invoice.c
    lines = select(x.document_id, x.vat_rate, func.sum(x.amount).label("base")).group_by(x.document_id, x.vat_rate)
    of_lines = lines.where(x.document_id.in_(select(b.document_id))).subquery()
    rows = connection.execute(
        select(d.number, v.rate, v.base, v.amount, of_lines.c.base.label("of_lines"))
        .join(brought_invoice, b.document_id == d.id)
        .join(document_vat, v.document_id == d.id)
        .outerjoin(of_lines, and_(of_lines.c.document_id == d.id, of_lines.c.vat_rate == v.rate))
        .order_by(d.id, v.rate)
    )
    for number, rate, base, vat, summed in rows:
        if summed != base or abs(vat - vat_amount(base, rate)) > BROUGHT_VAT_TOLERANCE:
            yield (
                f"{number}, brought, says {format_amount(base)} and VAT {format_amount(vat)} at {format_rate(rate)}; "
                f"its lines {format_amount(int(summed or 0))}"
            )
    sums = select(func.coalesce(func.sum(v.base), 0), func.coalesce(func.sum(v.amount), 0)).where(v.document_id == d.id)
    heads = connection.execute(
        select(document, b.taken_on)
        .join(brought_invoice, b.document_id == d.id)
        .where(
            or_(
                d.kind != INVOICE,
                d.period.is_not(None),
                d.issued_on > b.taken_on,
                b.taken_on != on,
                d.net != sums.with_only_columns(func.coalesce(func.sum(v.base), 0)).scalar_subquery(),
                d.tax != sums.with_only_columns(func.coalesce(func.sum(v.amount), 0)).scalar_subquery(),
                d.advantage != 0,
                d.contribution != 0,
                exists().where(entry.c.reference == sale_reference("") + d.number),
            )
        )
        .order_by(d.id)
    )
    for head in heads:
        yield f"{head.number} was brought on {head.taken_on}, and is not as it was issued, or is booked as a sale"


def _paid_before(connection: Connection) -> Iterator[str]:
    """Prove that what was paid before is of brought invoices, of their day, and fell due with it."""
    s, b = settlement.c, brought_invoice.c
    wrong = (
        select(document.c.number)
        .join(settlement, s.document_id == document.c.id)
        .outerjoin(brought_invoice, b.document_id == document.c.id)
        .where(
            s.act == SettlementAct.BROUGHT,
            or_(
                b.document_id.is_(None),
                s.act_id != s.document_id,
                s.settled_on != b.taken_on,
                s.base != s.base_due,
                s.vat != s.vat_due,
                s.vat != s.vat_released,
            ),
        )
        .distinct()
    )
    for number in connection.scalars(wrong.order_by(document.c.number)):
        yield f"{number} says that a part of it was paid before a take-on, which did not bring it so"


CHECKS: tuple[Proof, ...] = (opening,)
