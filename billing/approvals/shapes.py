"""The shape of an order that waits or waited for a second person."""

from typing import Annotated, Any, Literal

import orjson
from sqlalchemy import Row

from billing.frame.shapes import Digest, Instant, Serial, Shape, Text, about, instant


class Approval(Shape, frozen=True):
    """An order, what it does, and what became of it."""

    number: Annotated[Serial, about("Its number, in the order they were given")]
    kind: Annotated[Text, about("What is ordered: `write_off`, `refund`, `reopen_period` …")]
    state: Annotated[Literal["waiting", "approved", "refused", "void"], about("What became of it")]
    ordered_by: Annotated[Text, about("The user who ordered it")]
    ordered_at: Annotated[Instant, about("When it was ordered")]
    effect: Annotated[dict[str, Any], about("Exactly what it does")]
    entries: Annotated[list[dict[str, Any]], about("The entries it posts")]
    digest: Annotated[Digest, about("SHA-256 of kind, effect and entries as canonical JSON: what is approved")]
    decided_by: Annotated[Text | None, about("The user who approved or refused it; null: it waits")]
    decided_at: Annotated[Instant | None, about("When; null: it waits")]
    reason: Annotated[Text | None, about("Why it was refused, or is void; null: it waits or was approved")]
    result: Annotated[Text | None, about("The number of what it made; null: nothing was made")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Approval":
        """Return the order whose row is of `queries.approvals`."""
        shown = orjson.loads(row.preview)
        return cls(
            number=row.id,
            kind=row.kind,
            state=row.outcome or "waiting",
            ordered_by=row.ordered_by,
            ordered_at=instant(row.ordered_at),
            effect=shown["effect"],
            entries=shown["entries"],
            digest=row.digest,
            decided_by=row.decided_by,
            decided_at=instant(row.decided_at),
            reason=row.decision_reason,
            result=row.result,
        )
