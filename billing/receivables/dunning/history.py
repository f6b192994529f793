"""What was sent to whom about which invoices: reminders, as JSON and for lists."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.receivables.tables.dunning import dunning_act, dunning_step
from invoices.messages.message import number_of
from invoices.messages.tables import message_delivery
from invoices.models import document
from pricing.dunning.ladder import Reminder
from pricing.money import format_amount


def acts() -> Select[Any]:
    """Every reminder with the state of its mail; to be narrowed and put in order."""
    d = message_delivery.c
    return select(dunning_act, d.state, d.recipient, d.last_error).join(
        message_delivery, d.message_id == dunning_act.c.message_id
    )


def of_invoice(number: str) -> Any:
    """Whether a reminder is about an invoice."""
    s = dunning_step.c
    about = select(s.act_id).join(document, document.c.id == s.document_id).where(document.c.number == number)
    return dunning_act.c.id.in_(about)


def acts_json(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Reminders as JSON, with their invoices."""
    s = dunning_step.c
    steps: dict[int, list[dict[str, Any]]] = {}
    found = (
        select(dunning_step, document.c.number)
        .join(document, document.c.id == s.document_id)
        .where(s.act_id.in_([row.id for row in rows]))
        .order_by(s.act_id, s.due_on, s.document_id)
    )
    for step in connection.execute(found):
        steps.setdefault(step.act_id, []).append(
            {
                "invoice": step.number,
                "step": step.step_no,
                "days": step.days,
                "due_on": step.due_on.isoformat(),
                "open": format_amount(step.amount),
                "fine": format_amount(step.fine),
                "interest": format_amount(step.interest),
            }
        )
    return [
        {
            "message": number_of(row.message_id),
            "tenant": row.tenant,
            "on": row.acted_on.isoformat(),
            "total": format_amount(row.total),
            "invoices": steps.get(row.id, []),
            "state": row.state,
            "recipient": row.recipient,
            "last_error": row.last_error,
        }
        for row in rows
    ]


def reminder_json(reminder: Reminder) -> dict[str, Any]:
    """What is due to be sent, as JSON."""
    return {
        "tenant": reminder.tenant,
        "total": format_amount(reminder.total),
        "invoices": [
            {
                "invoice": one.claimed.number,
                "step": one.step.number,
                "days": one.step.days,
                "due_on": one.claimed.due_on.isoformat(),
                "open": format_amount(one.claimed.open),
            }
            for one in reminder.reached
        ],
    }
