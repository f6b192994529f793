"""The shape of a lease that was removed."""

from datetime import date
from typing import Annotated

from billing.frame.shapes import Day, LeaseCode, Quantity, Shape, SiteCode, TenantCode, Text, about
from billing.run.lease_removals.removing import Removed


class RemovedLease(Shape, frozen=True):
    """A lease entered by mistake, as it was when it was removed, and why."""

    code: LeaseCode
    tenant: TenantCode
    site: SiteCode
    unit: Annotated[Text, about("The office let")]
    area_m2: Annotated[Quantity, about("Its area")]
    starts_on: Annotated[Day, about("The first day it would have been billed")]
    ends_on: Annotated[Day | None, about("The last day; null: it had none")]
    reason: Annotated[Text, about("Why it was removed")]

    @classmethod
    def of(cls, removed: Removed) -> "RemovedLease":
        """Return a lease that was removed."""
        row = removed.row
        return cls(
            code=row["code"],
            tenant=row["tenant"],
            site=row["site"],
            unit=row["unit"],
            area_m2=row["area_m2"],
            starts_on=date.fromisoformat(row["starts_on"]),
            ends_on=date.fromisoformat(row["ends_on"]) if row["ends_on"] else None,
            reason=removed.reason,
        )
