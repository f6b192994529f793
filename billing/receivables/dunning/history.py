"""The reminders that were sent, with their invoices and what became of their mails."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.frame.codes import MESSAGE
from billing.receivables.dunning.shapes import RemindedInvoice, Reminder
from billing.receivables.tables.dunning import dunning_act, dunning_step
from billing.register.recipients import present_recipient
from invoices.messages.queueing import MESSAGES
from invoices.messages.tables import message, message_delivery
from invoices.models import document
from pricing.money import format_amount

REMINDER_KEY = (dunning_act.c.id,)


def reminders_sent(*, tenant: str | None = None, invoice: str | None = None) -> Select[Any]:
    """Return the reminders of a tenant (None: of all) about an invoice (None: any), in order, with their mails."""
    d, s = message_delivery.c, dunning_step.c
    selected = (
        select(dunning_act, d.state, present_recipient(MESSAGES), d.last_error)
        .join(message, message.c.id == dunning_act.c.message_id)
        .join(message_delivery, d.message_id == message.c.id)
        .order_by(*REMINDER_KEY)
    )
    if tenant is not None:
        selected = selected.where(dunning_act.c.tenant == tenant)
    if invoice is not None:
        numbered = select(s.act_id).join(document, document.c.id == s.document_id).where(document.c.number == invoice)
        selected = selected.where(dunning_act.c.id.in_(numbered))
    return selected


def reminder_shapes(connection: Connection, rows: Sequence[Row[Any]]) -> list[Reminder]:
    """Return the reminders of rows of `reminders_sent`, in their order; one statement for all their invoices."""
    s = dunning_step.c
    steps = connection.execute(
        select(dunning_step, document.c.number)
        .join(document, document.c.id == s.document_id)
        .where(s.act_id.in_([row.id for row in rows]))
        .order_by(s.act_id, s.due_on, s.document_id)
    )
    days = {row.id: row.acted_on for row in rows}
    invoices: dict[int, list[RemindedInvoice]] = {row.id: [] for row in rows}
    asked, announced = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    for step in steps:
        invoices[step.act_id].append(RemindedInvoice.of(step))
        amounts = asked if step.due_on < days[step.act_id] else announced
        amounts[step.act_id] += step.amount
    return [
        Reminder(
            message=MESSAGE.format(row.message_id),
            tenant=row.tenant,
            on=row.acted_on,
            total=format_amount(asked[row.id]),
            announced=format_amount(announced[row.id]),
            invoices=invoices[row.id],
            state=row.state,
            recipient=row.goes_to,
            last_error=row.last_error,
        )
        for row in rows
    ]


def reminders_listed(connection: Connection, *, tenant: str | None, invoice: str | None) -> list[Reminder]:
    """Return the reminders that were sent to a tenant (None: to all) about an invoice (None: any), in order."""
    return reminder_shapes(connection, connection.execute(reminders_sent(tenant=tenant, invoice=invoice)).all())
