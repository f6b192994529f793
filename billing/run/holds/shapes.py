"""The shape of a hold."""

from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.frame.shapes import Instant, Month, Shape, TenantCode, Text, about, instant
from billing.run.shapes import RunOutcome
from pricing.period import format_month


class RunHold(Shape, frozen=True):
    """A tenant that is, or was, held from the run of a month: the next run bills it."""

    period: Month
    tenant: TenantCode
    legal_name: Text
    state: Annotated[Literal["held", "released"], about("released: the hold was taken back before the run")]
    reason: Annotated[Text, about("Why it was held, or why the hold was taken back")]
    since: Annotated[Instant, about("When it was held, or the hold taken back")]
    outcome: Annotated[RunOutcome | None, about("What the run meant for the tenant; null: it has not been billed")]

    @classmethod
    def of(cls, row: Row[Any]) -> "RunHold":
        """Return the hold whose row is of `queries.holds`."""
        return cls(
            period=format_month(row.period),
            tenant=row.tenant,
            legal_name=row.legal_name,
            state="held" if row.act_no % 2 else "released",
            reason=row.reason,
            since=instant(row.recorded_at),
            outcome=row.outcome,
        )
