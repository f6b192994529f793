"""The queries of runs: their progress, and what each meant for its tenants."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from billing.frame.errors import Unknown
from billing.register.tables import billing_run
from billing.run.shapes import RunOutcome
from billing.run.tables import run_batch, run_outcome
from invoices.models import document
from pricing.period import format_month

RUN_KEY = (billing_run.c.period,)
OUTCOME_KEY = (run_outcome.c.tenant,)


def runs() -> Select[Any]:
    """Select runs, each with its batches and outcomes counted."""
    batches = run_batch.c.period == billing_run.c.period, run_batch.c.attempt == billing_run.c.attempt
    done = func.sum(case((run_batch.c.status == "done", 1), else_=0))
    counted = [
        select(func.count())
        .where(run_outcome.c.period == billing_run.c.period, run_outcome.c.status == status)
        .scalar_subquery()
        .label(f"outcomes_{status}")
        for status in RunOutcome
    ]
    return select(
        billing_run,
        select(func.count()).select_from(run_batch).where(*batches).scalar_subquery().label("batches"),
        select(done).where(*batches).scalar_subquery().label("batches_done"),
        *counted,
    )


def find_run(connection: Connection, period: date) -> Row[Any]:
    """Return the run of a month, with its progress; raises Unknown."""
    row = connection.execute(runs().where(billing_run.c.period == period)).one_or_none()
    if row is None:
        raise Unknown(f"{format_month(period)} has not been run: POST /v1/billing-runs runs a month")
    return row


def outcomes(period: date, status: str | None) -> Select[Any]:
    """Select what the run of a month meant for each tenant; with a status, only those."""
    invoice, credit_note = document.alias("invoice"), document.alias("credit_note")
    rows = (
        select(run_outcome, invoice.c.number.label("invoice"), credit_note.c.number.label("credit_note"))
        .outerjoin(invoice, invoice.c.id == run_outcome.c.invoice_id)
        .outerjoin(credit_note, credit_note.c.id == run_outcome.c.credit_note_id)
        .where(run_outcome.c.period == period)
    )
    return rows if status is None else rows.where(run_outcome.c.status == status)
