"""The shapes of personal data: what is held about a tenant."""

from typing import Annotated, Any

from billing.audit.trail.shapes import AuditChange, AuditEvent
from billing.frame.shapes import Count, Day, Instant, Shape, TenantCode, about


class Erasure(Shape, frozen=True):
    """A row whose time is past, and what it loses."""

    subject: Annotated[str, about("The kind of row: `tenants` or `users`")]
    name: Annotated[str, about("Whose")]
    last_day: Annotated[Day, about("The day anything last happened with it")]
    lost: Annotated[list[str], about("The columns that are blanked")]


class Erased(Shape, frozen=True):
    """What was erased since its time is past, or would be."""

    dry_run: Annotated[bool, about("Whether nothing was changed")]
    erasures: Annotated[list[Erasure], about("The rows, each with what it loses")]
    kept: Annotated[dict[str, Count], about("Rows past their time that stay, since the proof covers them, by table")]


class PersonalData(Shape, frozen=True):
    """All that is held about a tenant and its persons, to be handed out to them (loi 09-08)."""

    tenant: TenantCode
    exported_at: Annotated[Instant, about("When it was read")]
    tables: Annotated[
        dict[str, list[dict[str, Any]]],
        about("The rows as they are kept, by table; amounts in centimes, prices and rates in ten-thousandths"),
    ]
    changes: Annotated[list[AuditChange], about("What those rows were before, and became")]
    acts: Annotated[list[AuditEvent], about("Who wrote these changes, when and why")]
