"""Proof of a take-on: its entries are what was brought, and brought invoices are what their lines and VAT say (R29)."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, and_, case, exists, func, not_, or_, select

from billing.entries.grants import GRANTS_RECEIVED
from billing.entries.opening import opening_entries
from billing.entries.sales import sale_reference
from billing.entries.standing import entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.receivables.tables.receipts import SettlementAct, settlement
from billing.take_on.queries import standing_opening
from invoices.document import BROUGHT_VAT_TOLERANCE, INVOICE
from invoices.models import brought_invoice, document, document_line, document_vat
from ledger.entry import TAKEN_ON
from ledger.models import entry
from pricing.money import format_amount, format_rate, vat_amount


def opening(connection: Connection, _step: Step) -> Iterator[str]:
    """Prove that the entries of a take-on are its facts, and that what it brought stands as it was issued."""
    brought = standing_opening(connection)
    on = None if brought is None else brought.on
    standing = entries_like(connection, f"{TAKEN_ON}%")
    for due in [] if brought is None else opening_entries(brought):
        yield from entry_faults(f"the take-on of {on}", due, standing)
    for reference in sorted(standing):
        yield f"entry {reference} takes on what no take-on brought"
    yield from _documents(connection, on)
    yield from _settled_before(connection)
    e = entry.c
    early = select(e.id, e.reference, e.effective_on).where(
        e.effective_on < on if on is not None else e.id < 0, not_(e.reference.startswith(GRANTS_RECEIVED))
    )
    for number, reference, day in connection.execute(early.order_by(e.id)):
        yield f"entry {number} ({reference}) is dated {day}, before the books began on {on}"


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


def _settled_before(connection: Connection) -> Iterator[str]:
    """Prove that what was paid or declared before is of brought invoices, of their day, and fell due just once."""
    s, v, b, issued = settlement.c, document_vat.c, brought_invoice.c, settlement.alias("issued")
    is_declared = exists().where(issued.c.document_id == s.document_id, issued.c.act == SettlementAct.ISSUED)
    falls_due = case((is_declared, 0), else_=1)
    wrong = (
        select(document.c.number)
        .join(settlement, s.document_id == document.c.id)
        .join(document_vat, and_(v.document_id == s.document_id, v.rate == s.rate))
        .outerjoin(brought_invoice, b.document_id == document.c.id)
        .where(
            or_(
                and_(
                    s.act == SettlementAct.BROUGHT,
                    or_(
                        b.document_id.is_(None),
                        s.base_due != s.base * falls_due,
                        s.vat_due != s.vat * falls_due,
                    ),
                ),
                and_(
                    s.act == SettlementAct.ISSUED,
                    b.document_id.is_not(None),
                    or_(s.base_due != v.base, s.vat_due != v.amount),
                ),
                and_(
                    s.act.in_((SettlementAct.BROUGHT, SettlementAct.ISSUED)),
                    b.document_id.is_not(None),
                    or_(s.act_id != s.document_id, s.settled_on != b.taken_on, s.vat_released != s.vat_due),
                ),
            )
        )
        .distinct()
    )
    for number in connection.scalars(wrong.order_by(document.c.number)):
        yield f"{number} says that a part of it was paid or declared before a take-on, which did not bring it so"


CHECKS: tuple[Proof, ...] = (opening,)
