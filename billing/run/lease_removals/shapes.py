"""The shape of a lease that was removed."""

from typing import Annotated

from billing.frame.shapes import LeaseCode, Quantity, Shape, SiteCode, TenantCode, Text, about
from billing.run.lease_removals.removing import Removed


class RemovedLease(Shape, frozen=True):
    """A lease entered by mistake, as it was when it was removed, and why."""

    code: LeaseCode
    tenant: TenantCode
    site: SiteCode
    unit: Annotated[Text, about("The office let")]
    area_m2: Annotated[Quantity, about("Its area")]
    starts_on: Annotated[Text, about("The first day it would have been billed")]
    ends_on: Annotated[Text | None, about("The last day; null: it had none")]
    reason: Annotated[Text, about("Why it was removed")]

    @classmethod
    def of(cls, removed: Removed) -> "RemovedLease":
        """Return a lease that was removed."""
        return cls(**{name: cell or None for name, cell in removed.row.items()}, reason=removed.reason)  # type: ignore[arg-type]
