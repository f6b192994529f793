"""The shapes of personal data: what is held about a tenant."""

from typing import Annotated, Any

from billing.audit.trail.shapes import AuditChange, AuditEvent
from billing.frame.shapes import Instant, Shape, TenantCode, about


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
