"""Proof of the dunning: what was sent is of its ladder, in order, not before its day, and nothing held it back."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection, and_, exists, func, not_, or_, select

from billing.frame.checking import Proof, Step, streamed
from billing.frame.codes import DUNNING_BLOCK, MESSAGE
from billing.receivables.dunning.sending import KIND
from billing.receivables.tables.dunning import dunning_act, dunning_hold, dunning_hold_end, dunning_step
from invoices.document import INVOICE
from invoices.messages.tables import message
from invoices.models import document
from pricing.money import format_amount


def dunning(connection: Connection, _step: Step) -> Iterator[str]:
    """Each reminder is one message with its act; each of its steps stands in its ladder, on an invoice due so."""
    yield from _messages(connection)
    yield from _steps(connection)
    yield from _blocked(connection)


def _messages(connection: Connection) -> Iterator[str]:
    a, m = dunning_act.c, message.c
    asked = (
        select(dunning_step.c.act_id, func.sum(dunning_step.c.amount).label("amount"))
        .group_by(dunning_step.c.act_id)
        .subquery()
    )
    acts = (
        select(dunning_act, m.kind, m.tenant.label("addressee"), m.written_on, asked.c.amount)
        .outerjoin(message, m.id == a.message_id)
        .outerjoin(asked, asked.c.act_id == a.id)
        .order_by(a.id)
    )
    for row in streamed(connection, acts):
        number = MESSAGE.format(row.message_id)
        if (row.kind, row.addressee, row.written_on) != (KIND, row.tenant, row.acted_on):
            yield f"the reminder of {row.tenant} on {row.acted_on} is {number}, of another kind, tenant or day"
        if row.amount is None or int(row.amount) != row.total:
            of = format_amount(int(row.amount or 0))
            yield f"the reminder {number} is about {format_amount(row.total)}, its invoices sum to {of}"
    lost = (
        select(m.id).outerjoin(dunning_act, a.message_id == m.id).where(m.kind == KIND, a.id.is_(None)).order_by(m.id)
    )
    for key in connection.scalars(lost):
        yield f"message {MESSAGE.format(key)} reminds a tenant, but no act of dunning names it"


def _steps(connection: Connection) -> Iterator[str]:
    s, a, d = dunning_step.c, dunning_act.c, document.c
    steps = (
        select(dunning_step, a.acted_on, a.tenant, d.number, d.kind, d.tenant.label("owner"), d.gross,
               d.due_on.label("falls_due"))
        .join(dunning_act, a.id == s.act_id)
        .join(document, d.id == s.document_id)
        .order_by(s.document_id, s.days)
    )  # fmt: skip
    before = None
    for row in streamed(connection, steps):
        what = f"the reminder of {row.number} on {row.acted_on}"
        ladder = [int(days) for days in row.ladder.split()]
        if row.step_no > len(ladder) or ladder[row.step_no - 1] != row.days:
            yield f"{what} at step {row.step_no} of {row.days} days is not of its ladder {row.ladder}"
        if row.kind != INVOICE or row.owner != row.tenant:
            yield f"{what} is about no invoice of {row.tenant}"
        if row.due_on != row.falls_due or row.acted_on < row.due_on + timedelta(row.days):
            yield f"{what} came before its step of {row.days} days: the invoice is due on {row.falls_due}"
        if row.days < 0 and row.acted_on > row.due_on:
            yield f"{what} tells of a due date that was past"
        if row.amount > row.gross:
            yield f"{what} asks for {format_amount(row.amount)} of {format_amount(row.gross)}"
        if before is not None and before.document_id == row.document_id and before.acted_on >= row.acted_on:
            yield f"{what} at {row.days} days came no later than the one at {before.days} days"
        before = row


def _blocked(connection: Connection) -> Iterator[str]:
    """Check that nothing was sent although a dispute or a promise, known then, held it back."""
    s, a, h, e = dunning_step.c, dunning_act.c, dunning_hold.c, dunning_hold_end.c
    ended = exists().where(e.hold_id == h.id, e.ended_on <= a.acted_on, e.recorded_at <= a.recorded_at)
    sent = (
        select(document.c.number, a.acted_on, h.id)
        .select_from(dunning_step)
        .join(dunning_act, a.id == s.act_id)
        .join(document, document.c.id == s.document_id)
        .join(dunning_hold, and_(h.tenant == a.tenant, or_(h.document_id.is_(None), h.document_id == s.document_id)))
        .where(h.recorded_at < a.recorded_at, h.since <= a.acted_on)
        .where(or_(h.until.is_(None), h.until >= a.acted_on), not_(ended))
        .order_by(document.c.number, a.acted_on)
    )
    for number, on, hold_id in streamed(connection, sent):
        yield f"the reminder of {number} on {on} was sent although {DUNNING_BLOCK.format(hold_id)} held it back"


CHECKS: tuple[Proof, ...] = (dunning,)
