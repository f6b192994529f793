"""The trail of a document: down through its lines to rates, tier and events, up to what was booked, paid and sent."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, or_, select

from billing.audit.trail.causes import debt_cause
from billing.audit.trail.receipts import receipt_references
from billing.audit.trail.shapes import StepKind, Trail, TrailStep
from billing.audit.trail.steps import changed, changes_written, entry_steps, step, step_of, with_endings
from billing.documents.explanation.explaining import explain
from billing.documents.explanation.shapes import DocumentExplanation, LineExplanation, Written
from billing.documents.explanation.wording import tier_sentence
from billing.documents.lookup.queries import find_shown
from billing.documents.lookup.shapes import DocumentDelivery, DocumentShown
from billing.entries.opening import INVOICES
from billing.entries.sales import sale_reference
from billing.frame.codes import DEBT_ACT, DUNNING_BLOCK, MESSAGE, REFUND
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.dunning import dunning_act, dunning_hold, dunning_step
from billing.receivables.tables.receipts import allocation, placement, refund
from invoices.models import document
from ledger.entry import BANK, CASH, CROSS_SUBSIDY, MISCELLANEOUS, REVERSED

# What settles a document, by how its number begins; anything else is a document, or the act itself.
_OF_PREFIX = {"RG-": StepKind.RECEIPT, "RB-": StepKind.REFUND}


def follow_document(connection: Connection, number: str) -> Trail | None:
    """Return the trail of a document; None where none bears that number."""
    key = connection.scalar(select(document.c.id).where(document.c.number == number))
    if key is None:
        return None
    explained = explain(connection, number)
    # The day decides only whether it is called overdue, which is not read.
    shown = find_shown(connection, number, explained.issued_on)
    return Trail(
        kind="document",
        name=number,
        on=explained.issued_on,
        amount=shown.gross,
        about=f"{explained.kind.replace('_', ' ')} of {explained.tenant}, {_origin(explained)}; open {shown.open}",
        written=explained.issued,
        down=list(line_steps(explained, 0)),
        up=[
            *entry_steps(connection, _references(connection, key, explained)),
            *_settling_steps(explained),
            *_debt_steps(connection, key),
            *_reminder_steps(connection, key),
            *_hold_steps(connection, key),
            *_delivery_steps(connection, shown),
        ],
    )


def _origin(x: DocumentExplanation) -> str:
    if x.period is not None:
        return f"run of {x.period}"
    return "brought by the take-on" if x.reason is None else f"made by hand by {x.issued_by}: {x.reason}"


def line_steps(explained: DocumentExplanation, level: int) -> Iterator[TrailStep]:
    """Yield the lines of a document, each with what it rests on one level below: lease, events, rate, VAT, tier."""
    for line in explained.lines:
        about = f"{line.service} at {line.site}, {line.month}, {line.tier}: {line.quantity} at {line.unit_price}"
        name = f"{explained.number} line {line.line}"
        yield TrailStep(level, StepKind.LINE, name, None, line.amount, about, None)
        yield from _basis_steps(line, level + 1)


def _basis_steps(line: LineExplanation, level: int) -> Iterator[TrailStep]:
    if line.takes_back is not None:
        name = f"{line.takes_back.document} line {line.takes_back.line}"
        yield TrailStep(level, StepKind.LINE, name, None, None, "the line that it takes back", None)
    if line.withdraws is not None:
        yield TrailStep(level, StepKind.DOCUMENT, line.withdraws, None, None, "the credit note it bills again", None)
    lease = line.lease
    if lease is not None:
        days = f"{lease.first_day} to {lease.last_day}, {lease.days} of {lease.days_in_month} days, {lease.area_m2} m²"
        yield TrailStep(level, StepKind.LEASE, lease.code, lease.starts_on, None, days, None)
    for event in line.events:
        about = f"quantity {event.quantity}" + (f"; void: {event.void_reason}" if event.void_reason else "")
        yield TrailStep(level, StepKind.USAGE_EVENT, event.event_id, event.occurred_on, None, about, None)
    for rate in line.rates:
        name = f"{line.site}/{line.service}/{rate.tenant_kind or 'any'}/{rate.effective_from}"
        about = f"{rate.market} in full, subsidised {rate.subsidised_price}, cost {rate.full_cost}"
        source = f"; source: {rate.source}" if rate.source else ""
        yield TrailStep(level, StepKind.RATE, name, rate.effective_from, None, f"{about}{source}", rate.entered)
    if line.vat is not None:
        name = f"{line.service}/{line.vat.effective_from}"
        yield TrailStep(level, StepKind.VAT_RATE, name, line.vat.effective_from, None, line.vat.rate, line.vat.entered)
    if line.tier_basis is not None:
        about = f"{line.tier}: {tier_sentence(line.tier_basis)}"
        name = line.tier_basis.first_lease or ""
        yield TrailStep(level, StepKind.ADMISSION, name, line.tier_basis.admission_day, None, about, None)
    for change in line.changes:
        name, about = f"{change.subject} {change.key}", changed(change.before, change.after)
        yield TrailStep(level, StepKind.CHANGE, name, None, None, about, change.written)


def _references(connection: Connection, key: int, explained: DocumentExplanation) -> list[str]:
    """Return what the entries are called that book a document, or what settles it."""
    number, a, r = explained.number, allocation.c, refund.c
    names = [sale_reference(number), f"{MISCELLANEOUS}/TVA-{number}"]
    if explained.period is not None:
        names.append(f"{CROSS_SUBSIDY}/{explained.period}/{explained.tenant}")
    elif explained.reason is None:
        names.append(INVOICES)
    allocations = connection.execute(
        select(a.id, placement.c.receipt_id)
        .outerjoin(placement, placement.c.id == a.placement_id)
        .where(or_(a.document_id == key, a.credit_note_id == key))
    ).all()
    names += with_endings([f"{MISCELLANEOUS}/AF-{row.id}" for row in allocations], REVERSED, "/encaissement")
    names += receipt_references({row.receipt_id for row in allocations} - {None})
    refunds = connection.scalars(select(r.id).where(r.credit_note_id == key)).all()
    names += with_endings([f"{journal}/{REFUND.format(x)}" for x in refunds for journal in (BANK, CASH)], REVERSED)
    decisions = connection.scalars(select(debt_act.c.id).where(debt_act.c.document_id == key)).all()
    of_debts = [f"{journal}/{DEBT_ACT.format(x)}" for x in decisions for journal in (BANK, MISCELLANEOUS)]
    return names + with_endings(of_debts, REVERSED)


def _settling_steps(x: DocumentExplanation) -> Iterator[TrailStep]:
    """Yield what settled the document: money and credit notes; then the lines of credit notes that take it back."""
    for act in x.settled:
        kind = _OF_PREFIX.get((act.by or "")[:3], StepKind.SETTLEMENT)
        why = f": {act.reason}" if act.reason else ""
        about = f"{act.act.replace('_', ' ')}, VAT due {act.vat_due}{why}"
        yield TrailStep(0, kind, act.by or act.act, act.on, act.amount, about, None)
    for credit in x.credited:
        again = f", billed again by {credit.withdrawn_by}" if credit.withdrawn_by else ""
        about = f"{credit.kind} of line {credit.line}{again}"
        yield TrailStep(0, StepKind.CREDIT_NOTE, credit.credit_note, credit.issued_on, credit.amount, about, None)


def _debt_steps(connection: Connection, key: int) -> Iterator[TrailStep]:
    rows = connection.execute(select(debt_act).where(debt_act.c.document_id == key).order_by(debt_act.c.id))
    for row in rows:
        yield step_of(0, debt_cause(row))


def _reminder_steps(connection: Connection, key: int) -> Iterator[TrailStep]:
    s = dunning_step.c
    rows = connection.execute(
        select(s.days, s.step_no, s.ladder, s.amount, dunning_act.c.message_id, dunning_act.c.acted_on)
        .join(dunning_act, dunning_act.c.id == s.act_id)
        .where(s.document_id == key)
        .order_by(s.days)
    ).all()
    numbers = [MESSAGE.format(row.message_id) for row in rows]
    by = changes_written(connection, "dunning", numbers)
    for number, row in zip(numbers, rows, strict=True):
        about = f"step {row.step_no} ({row.days:+d} days) of the ladder {row.ladder}"
        yield step(0, StepKind.REMINDER, number, row.acted_on, row.amount, about, by.get(number))


def _hold_steps(connection: Connection, key: int) -> Iterator[TrailStep]:
    h = dunning_hold.c
    for row in connection.execute(select(dunning_hold).where(h.document_id == key).order_by(h.id)):
        about = f"{row.kind}: {row.reason} (recorded by {row.recorded_by})"
        yield step(0, StepKind.DISPUTE, DUNNING_BLOCK.format(row.id), row.since, None, about)


def _delivery_steps(connection: Connection, shown: DocumentShown) -> Iterator[TrailStep]:
    if shown.delivery is not None:
        by = changes_written(connection, "deliveries", [shown.number])
        yield _delivery(shown.number, shown.delivery, by)
    by = changes_written(connection, "message-deliveries", [mail.message for mail in shown.resent])
    for mail in shown.resent:
        yield _delivery(mail.message, mail, by)


def _delivery(name: str, mail: DocumentDelivery, by: Mapping[str, Written | None]) -> TrailStep:
    at = f" at {mail.sent_at}" if mail.sent_at else ""
    return step(
        0, StepKind.DELIVERY, name, None, None, f"{mail.state}{at} to {mail.recipient or 'nobody'}", by.get(name)
    )
