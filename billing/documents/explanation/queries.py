"""Read what explains a document: the events of its lines, the acts that issued documents, what came after."""

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from billing.documents.explanation.shapes import Crediting, FundingPart, Settling, SitePosition
from billing.frame.codes import RECEIPT, REFUND
from billing.frame.tables import audit_change, audit_event
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import (
    SettlementAct,
    allocation,
    allocation_undoing,
    placement,
    refund,
    settlement,
)
from billing.register.history import Provenance, RegisterChange, provenance_of
from billing.register.tables import usage_event, usage_void
from billing.run.matrices import standing_matrix
from billing.run.tables import cancellation_count, run_position, usage_billing, usage_rebilling
from billing.run.usage_voids.voiding import SUBJECT as USAGE_VOIDS
from invoices.models import credit_reason, credit_withdrawal, credited_part, document, document_line
from pricing.funding_matrix import TENANT
from pricing.money import format_amount
from pricing.rating import UsageEvent

LineKey = tuple[int, int]


class BilledEvent(NamedTuple):
    """A usage event that a line bills; `former` is the line that billed it before and was taken back."""

    event: UsageEvent
    event_id: str
    former: LineKey | None


def acts_of(connection: Connection, documents: Collection[int]) -> dict[int, Provenance]:
    """Return, by key, the audit event that issued each of a few documents; none for those older than the log."""
    e, d, issuing = audit_event.c, document.c, audit_event.alias("issuing")
    behind = (
        select(issuing.c.id)
        .where(issuing.c.last_document >= d.id)
        .order_by(issuing.c.last_document)
        .limit(1)
        .correlate(document)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(d.id.label("document"), audit_event)
        .select_from(document)
        .join(audit_event, e.id == behind)
        .where(d.id.in_(documents), e.first_document <= d.id)
    )
    return {row.document: provenance_of(row) for row in rows}


def billed_events(connection: Connection, tenant: str, documents: Collection[int]) -> dict[LineKey, list[BilledEvent]]:
    """Return the events that the lines of these documents bill, by document and line, in the order of arrival."""
    e = usage_event.c
    columns = e.id, e.site, e.service, e.quantity, e.occurred_on, e.event_id
    events: dict[LineKey, list[BilledEvent]] = {}
    for links in (usage_billing, usage_rebilling):
        again = links is usage_rebilling
        former = (links.c.former_document_id, links.c.former_line_no) if again else ()
        # By the tenant's events: there is no index on documents here, which every run would have to keep.
        rows = connection.execute(
            select(links.c.document_id, links.c.line_no, *columns, *former)
            .select_from(usage_event)
            .join(links, links.c.usage_event_id == e.id)
            .where(e.tenant == tenant, links.c.document_id.in_(documents))
            .order_by(e.id)
        )
        for document_id, line_no, *rest in rows:
            billed = BilledEvent(UsageEvent(*rest[:5]), rest[5], (rest[6], rest[7]) if again else None)
            events.setdefault((document_id, line_no), []).append(billed)
    return {key: sorted(billed, key=lambda each: each.event.id) for key, billed in events.items()}


def cancelled_by_hand(connection: Connection, lines: Collection[LineKey]) -> set[LineKey]:
    """Return which of these lines a credit note by hand took back whole: what they billed was priced anew (R28)."""
    x = document_line.c
    rows = connection.execute(
        select(x.corrects_document_id, x.corrects_line_no)
        .join(document, document.c.id == x.document_id)
        .where(document.c.period.is_(None), x.corrects_document_id.in_({key for key, _ in lines}))
    )
    return {(key, line_no) for key, line_no in rows} & set(lines)


def replaced_lines(connection: Connection, tenant: str, period: date | None) -> list[Any]:
    """Return the lines that the run of a month took back of a tenant: which, and of what lease, service and month."""
    if period is None:
        return []
    x, former = document_line.c, document_line.alias("former")
    rows = (
        select(former)
        .select_from(document_line)
        .join(document, document.c.id == x.document_id)
        .join(
            former,
            and_(former.c.document_id == x.corrects_document_id, former.c.line_no == x.corrects_line_no),
        )
        .where(document.c.tenant == tenant, document.c.period == period)
        .order_by(former.c.document_id, former.c.line_no)
    )
    return list(connection.execute(rows).all())


def voids_until(connection: Connection, tenant: str, act: int) -> dict[str, RegisterChange]:
    """Return the voids of a tenant's usage events, by event, up to an audit event."""
    c = audit_change.c
    rows = connection.execute(
        select(c.key, audit_event, usage_void.c.reason.label("why"))
        .join(audit_event, audit_event.c.id == c.act_id)
        .join(usage_event, usage_event.c.event_id == c.key)
        .join(usage_void, usage_void.c.usage_event_id == usage_event.c.id)
        .where(c.subject == USAGE_VOIDS, c.act_id <= act, usage_event.c.tenant == tenant)
    )
    return {
        row.key: RegisterChange(USAGE_VOIDS, row.key, None, {"reason": row.why}, provenance_of(row)) for row in rows
    }


def made_by_hand(connection: Connection, key: int) -> Any:
    """Return reason and author of a document made by hand, whether it cancels lines, and the run that counts it.

    None for a document of a run.
    """
    c, counted, x = credit_reason.c, cancellation_count.c, document_line.c
    cancels = select(x.line_no).where(x.document_id == key, x.corrects_document_id.is_not(None)).exists()
    return connection.execute(
        select(c.reason, c.issued_by, counted.period, cancels.label("is_cancellation"))
        .outerjoin(cancellation_count, counted.credit_note_id == c.document_id)
        .where(c.document_id == key)
    ).one_or_none()


def site_positions(connection: Connection, tenant: str, period: date | None) -> list[SitePosition]:
    """Return a tenant's position in the run of a month, by site."""
    c = run_position.c
    rows = connection.execute(
        select(c.site, c.contribution, c.draw, c.advantage)
        .where(c.period == period, c.tenant == tenant)
        .order_by(c.site)
    )
    return [SitePosition(site, *map(format_amount, sums)) for site, *sums in rows]


def funding_parts(connection: Connection, tenant: str, period: date | None) -> list[FundingPart]:
    """Return what each step of the waterfall of a month gave a tenant and took from it; none where none is kept."""
    matrix = None if period is None else standing_matrix(connection, period)
    if matrix is None:
        return []
    sums: dict[str, list[int]] = {}
    for step, funder, supported, amount in matrix.funding.cells_of(tenant):
        of_step = sums.setdefault(step, [0, 0])
        if supported.tenant == tenant:
            of_step[0] += amount
        if funder.kind == TENANT and funder.code == tenant:
            of_step[1] += amount
    unused = sum(part for funder, part in matrix.funding.to_reserve if funder.code == tenant and funder.kind == TENANT)
    if unused:
        sums["to_reserve"] = [0, unused]
    return [FundingPart(step, *map(format_amount, parts)) for step, parts in sums.items()]


def settlings(connection: Connection, key: int) -> list[Settling]:
    """Return the acts that settled a document, in the order of days."""
    s, a, u, r, t = settlement.c, allocation.c, allocation_undoing.c, refund.c, debt_act.c
    note, invoice = document.alias("note"), document.alias("invoice")
    of_allocation = (SettlementAct.ALLOCATED, SettlementAct.UNDONE, SettlementAct.CLEARED)
    acts = (
        select(
            s.settled_on, s.act, s.act_id, func.sum(s.base + s.vat).label("amount"), func.sum(s.vat_due).label("due")
        )
        .where(s.document_id == key)
        .group_by(s.settled_on, s.act, s.act_id)
        .subquery()
    )
    x = acts.c
    rows = connection.execute(
        select(
            acts, placement.c.receipt_id, a.credit_note_id, note.c.number.label("note"),
            invoice.c.number.label("invoice"), u.reason.label("undone_for"), r.id.label("refund"),
            r.reason.label("refunded_for"), t.reason.label("decided_for"),
        )
        .select_from(acts)
        .outerjoin(allocation, and_(x.act.in_(of_allocation), a.id == x.act_id))
        .outerjoin(placement, placement.c.id == a.placement_id)
        .outerjoin(note, note.c.id == a.credit_note_id)
        .outerjoin(invoice, invoice.c.id == a.document_id)
        .outerjoin(allocation_undoing, and_(x.act == SettlementAct.UNDONE, u.allocation_id == a.id))
        .outerjoin(refund, and_(x.act == SettlementAct.REFUNDED, r.id == x.act_id))
        .outerjoin(debt_act, and_(x.act.in_((SettlementAct.WRITTEN_OFF, SettlementAct.RECOVERED)), t.id == x.act_id))
        .order_by(x.settled_on, x.act, x.act_id)
    )  # fmt: skip
    return [_settling(key, row) for row in rows]


def _settling(key: int, row: Any) -> Settling:
    by = row.note
    if row.receipt_id is not None:
        by = RECEIPT.format(row.receipt_id)
    elif row.refund is not None:
        by = REFUND.format(row.refund)
    elif row.credit_note_id == key:
        by = row.invoice
    return Settling(
        on=row.settled_on,
        act=row.act,
        amount=format_amount(int(row.amount)),
        vat_due=format_amount(int(row.due)),
        by=by,
        reason=row.undone_for or row.refunded_for or row.decided_for,
    )


def creditings(connection: Connection, key: int) -> list[Crediting]:
    """Return the lines of credit notes that take lines of a document back, in the order they were issued."""
    x, part, w, note = document_line.c, credited_part.c, credit_withdrawal.c, document.c
    again = document.alias("again")
    rows = connection.execute(
        select(
            note.number, func.coalesce(x.corrects_line_no, part.invoice_line_no).label("line"), x.amount,
            note.issued_on, note.period, x.corrects_document_id, again.c.number.label("again"),
        )
        .join(document_line, x.document_id == note.id)
        .outerjoin(credited_part, and_(part.document_id == x.document_id, part.line_no == x.line_no))
        .outerjoin(credit_withdrawal, and_(w.credit_note_id == part.document_id, w.credit_line_no == part.line_no))
        .outerjoin(again, again.c.id == w.document_id)
        .where(or_(x.corrects_document_id == key, part.invoice_id == key))
        .order_by(note.id, x.line_no)
    )  # fmt: skip
    return [
        Crediting(
            row.number, row.line, format_amount(row.amount), row.issued_on,
            "repair" if row.period is not None else "rebate" if row.corrects_document_id is None else "cancellation",
            row.again,
        )
        for row in rows
    ]  # fmt: skip
