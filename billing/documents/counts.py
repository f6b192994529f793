"""The counts that operators watch: runs, and what waits to be delivered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from billing.register.tables import billing_run
from billing.run.tables import run_outcome
from invoices.delivery import DOCUMENTS
from invoices.messages.queueing import MESSAGES
from invoices.messages.tables import message_delivery
from invoices.models import delivery


@dataclass(frozen=True, slots=True)
class Counts:
    """Runs by status, tenants that some run could not bill, deliveries by state, and those due now."""

    runs: Mapping[str, int]
    tenants_in_error: int
    documents: Mapping[str, int]
    messages: Mapping[str, int]
    due: int


def counts(connection: Connection, now: datetime) -> Counts:
    """Count all of it at an instant."""
    due = 0
    for queue in (DOCUMENTS, MESSAGES):
        is_due = queue.unsent & (queue.delivery.c.next_attempt_at <= now)
        due += connection.scalar(select(func.count(queue.delivered)).where(is_due)) or 0
    outcome = run_outcome.c
    in_error = connection.scalar(select(func.count(outcome.tenant)).where(outcome.status == "error"))
    return Counts(
        _by(connection, billing_run.c.status),
        in_error or 0,
        _by(connection, delivery.c.state),
        _by(connection, message_delivery.c.state),
        due,
    )


def _by(connection: Connection, column: ColumnElement[str]) -> Mapping[str, int]:
    rows = connection.execute(select(column, func.count()).group_by(column))
    return {value: number for value, number in rows.all()}  # noqa: C416 - rows are no pairs to the type of dict
