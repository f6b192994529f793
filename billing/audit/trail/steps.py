"""The steps of a trail that every kind of thing has: causes, entries with their amounts, and who wrote them."""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, case, func, select

from billing.audit.trail.queries import events_behind
from billing.audit.trail.shapes import Cause, StepKind, TrailStep
from billing.documents.explanation.shapes import Written
from billing.documents.explanation.wording import written
from billing.frame.database import among
from billing.frame.tables import audit_change, audit_event
from billing.register.history import provenance_of
from ledger.models import entry, posting
from pricing.money import format_amount


def step(
    level: int, kind: StepKind, name: str, on: date | None, amount: int | None, about: str, by: Written | None = None
) -> TrailStep:
    """Return a step; `amount` is in centimes."""
    return TrailStep(level, kind, name, on, None if amount is None else format_amount(amount), about, by)


def step_of(level: int, cause: Cause, by: Written | None = None) -> TrailStep:
    """Return the step of a cause: its own act is shown where it is followed itself, if it can be."""
    return TrailStep(level, StepKind(cause.kind.value), cause.name, cause.on, cause.amount, cause.about, by)


def writings(connection: Connection, acts: Iterable[int | None]) -> dict[int | None, Written | None]:
    """Return by number who wrote, when and why."""
    numbers = {act for act in acts if act is not None}
    rows = connection.execute(select(audit_event).where(among(connection, audit_event.c.id, numbers)))
    return {row.id: written(provenance_of(row)) for row in rows}


def changes_written(connection: Connection, subject: str, keys: Iterable[str]) -> dict[str, Written | None]:
    """Return, by key, who changed a thing last."""
    c = audit_change.c
    rows = connection.execute(
        select(c.key, audit_event)
        .join(audit_event, audit_event.c.id == c.act_id)
        .where(c.subject == subject, among(connection, c.key, list(keys)))
        .order_by(c.act_id)
    )
    return {row.key: written(provenance_of(row)) for row in rows}


def entry_steps(connection: Connection, references: Iterable[str], level: int = 0) -> list[TrailStep]:
    """Return those entries of these references that exist, in the order they were posted; amounts are all debits."""
    e, p = entry.c, posting.c
    debits = select(func.sum(case((p.amount > 0, p.amount), else_=0))).where(p.entry_id == e.id).scalar_subquery()
    rows = connection.execute(
        select(entry, debits.label("debits")).where(among(connection, e.reference, set(references))).order_by(e.id)
    ).all()
    event_of = events_behind(connection, "entry", e.id, [row.id for row in rows])
    by: Mapping[int | None, Written | None] = writings(connection, event_of.values())
    steps = []
    for row in rows:
        made = by.get(event_of.get(row.id))
        steps.append(step(level, StepKind.ENTRY, row.reference, row.effective_on, int(row.debits), row.label, made))
    return steps


def with_endings(references: Iterable[str], *endings: str) -> list[str]:
    """Return each reference plain and with each of these endings."""
    return [f"{reference}{ending}" for reference in references for ending in ("", *endings)]


def changed(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> str:
    """Say how a row changed: column by column, or all that was entered or removed."""
    if before is None or after is None:
        row = " ".join(f"{name}={value}" for name, value in (before or after or {}).items() if value)
        return f"{'removed' if after is None else 'entered'}: {row}"
    return ", ".join(f"{name} {before.get(name) or '-'} → {value or '-'}" for name, value in after.items())
