"""Decisions about bank lines, written: whatever a line is, the decision names the entries that book it.

So the bank's balance can be reconciled line by line.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from billing.bank.naming import LineKey
from billing.bank.tables import line_decision, line_entry
from billing.frame.database import insert_rows

WHY_LENGTH_MAX = 1000
_DECISION_COLUMNS = (
    "statement_id", "line_no", "decision_no", "kind", "confidence", "why", "decided_on", "tenant", "recorded_at",
)  # fmt: skip
_ENTRY_COLUMNS = ("statement_id", "line_no", "decision_no", "entry", "receipt_id")


class LineEntry(NamedTuple):
    """An entry that books a line, by its reference; and the receipt that it is of."""

    reference: str
    receipt: int | None = None


class Decision(NamedTuple):
    """A decision about a line; `kind` is a `LineKind`, or undone. `confidence` None: a person decided."""

    key: LineKey
    number: int
    kind: str
    why: str
    decided_on: date
    confidence: int | None = None
    tenant: str | None = None
    entries: tuple[LineEntry, ...] = ()


def record_decisions(connection: Connection, decisions: Sequence[Decision], recorded_at: datetime) -> None:
    """Write decisions, with the entries they name."""
    rows = [
        (*made.key, made.number, made.kind, made.confidence, made.why[:WHY_LENGTH_MAX], made.decided_on, made.tenant,
         recorded_at)
        for made in decisions
    ]  # fmt: skip
    insert_rows(connection, line_decision, _DECISION_COLUMNS, rows)
    entries = [(*made.key, made.number, *entry) for made in decisions for entry in made.entries]
    insert_rows(connection, line_entry, _ENTRY_COLUMNS, entries)
