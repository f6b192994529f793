"""Decisions about bank lines, taken back: both stay on record, and the line waits again."""

from datetime import datetime

from sqlalchemy import Connection

from billing.bank.matching.values import UNDONE, LineKind
from billing.bank.naming import LineKey, line_name
from billing.bank.queries import entries_named, latest_decision, require_line
from billing.bank.receipts import take_back
from billing.bank.recording import Decision, record_decisions
from billing.frame.audit_log import record_change
from billing.frame.database import change_receivables, insert_rows
from billing.frame.errors import Conflict
from billing.receivables.receipts.acting import acting_day, require_reason_text
from ledger.entry import REVERSED, reversal
from ledger.journal import load_entry, post


def undo_decision(connection: Connection, key: LineKey, *, reason: str, recorded_at: datetime) -> None:
    """Take back the decision about a line; it waits again.

    Money received is nobody's then (4497), until the line is decided anew; what was booked to an account is
    reversed in the open period. A cheque that was cleared or came back can't be undone here. Raises Unknown, Conflict,
    Refused.
    """
    change_receivables(connection)
    require_line(connection, key)
    reason = require_reason_text(reason)
    latest = latest_decision(connection, key)
    if latest is None or latest.kind == UNDONE:
        raise Conflict(f"{line_name(*key)} waits for a decision: there is nothing to undo")
    if latest.kind in (LineKind.CLEARED, LineKind.BOUNCED):
        raise Conflict(
            f"{line_name(*key)}: a cheque was {latest.kind} by it, which happens once: record what the bank says next"
        )
    for named in entries_named(connection, [key]).get((*key, latest.decision_no), ()):
        if latest.kind == LineKind.RECEIVED and named.receipt_id is not None:
            take_back(connection, named.receipt_id, reason, recorded_at)
        elif latest.kind == LineKind.BOOKED:
            _reverse(connection, named.entry, recorded_at)
    decided_on = acting_day(connection, None, recorded_at)
    decision = Decision(key=key, number=latest.decision_no + 1, kind=UNDONE, why=reason, decided_on=decided_on)
    record_decisions(connection, [decision], recorded_at)
    before = {"decision": latest.kind, "why": latest.why}
    record_change(connection, "statement-lines", line_name(*key), before, {"decision": UNDONE, "why": reason})


def _reverse(connection: Connection, reference: str, recorded_at: datetime) -> None:
    stands = load_entry(connection, reference)
    if stands is None:
        return
    day = max(acting_day(connection, None, recorded_at), stands.effective_on)
    back = reversal(stands, f"{reference}{REVERSED}", day, f"Annulation {stands.label}"[:200])
    post(connection, [back], recorded_at=recorded_at, insert=insert_rows)
