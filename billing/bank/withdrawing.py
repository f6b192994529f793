"""Statements withdrawn that were imported wrongly: the account's last one, with all that its lines have booked."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, not_, select

from billing.bank.cancelling import cancel
from billing.bank.matching.values import UNDONE, LineKind
from billing.bank.naming import line_name, statement_name
from billing.bank.queries import (
    decisions,
    is_withdrawn,
    latest_decision,
    lines_of_statements,
    receipt_of_line,
    require_statement,
)
from billing.bank.recording import Decision, record_decisions
from billing.bank.tables import bank_statement, bank_statement_withdrawal
from billing.bank.undoing import undo_decision
from billing.frame.audit_log import record_change
from billing.frame.database import change_receivables, insert_rows
from billing.frame.errors import Conflict
from billing.receivables.receipts.acting import acting_day, require_reason_text
from pricing.money import format_amount

_COLUMNS = ("statement_id", "reason", "recorded_at")


class Withdrawn(NamedTuple):
    """A withdrawal: how many lines there were, and those whose cheques stay cleared or returned."""

    lines: int
    kept: tuple[str, ...]


def withdraw_statement(connection: Connection, key: int, *, reason: str, recorded_at: datetime) -> Withdrawn:
    """Withdraw the last statement of its account: its lines count no more, and what they booked is undone.

    Receipts of its lines are cancelled (R25), own movements reversed, entries that stood before wait for a line again.
    A cheque that was cleared or came back stays so, since that happens once: its entry waits for the line that the
    bank tells of next. Raises Unknown, Refused; Conflict for another than the last, or one withdrawn already.
    """
    change_receivables(connection)
    reason = require_reason_text(reason)
    head = require_statement(connection, key)
    if head.is_withdrawn:
        raise Conflict(f"{statement_name(key)} was withdrawn already")
    c = bank_statement.c
    last = connection.scalar(
        select(c.id).where(c.account == head.account, not_(is_withdrawn())).order_by(c.place.desc()).limit(1)
    )
    if last != key:
        raise Conflict(f"{statement_name(key)} is not the last statement: withdraw {statement_name(last or 0)} first")
    rows = lines_of_statements(connection, [key])
    decided = decisions(connection, [row.key for row in rows])
    kept = []
    for row in rows:
        kind = decided[row.key][-1].kind if row.key in decided else UNDONE
        if kind in (LineKind.BOOKED, LineKind.RECORDED):
            undo_decision(connection, row.key, reason=reason, recorded_at=recorded_at)
        elif kind in (LineKind.CLEARED, LineKind.BOUNCED):
            kept.append(line_name(*row.key))
            number = decided[row.key][-1].decision_no + 1
            day = acting_day(connection, None, recorded_at)
            undone = Decision(key=row.key, number=number, kind=UNDONE, why=reason, decided_on=day)
            record_decisions(connection, [undone], recorded_at)
        receipt_id = receipt_of_line(connection, row.key)
        if receipt_id is not None:
            cancel(connection, receipt_id, reason=reason, recorded_at=recorded_at)
        # A receipt of a line that was undone before names it no more.
        latest = latest_decision(connection, row.key)
        if latest is not None and latest.kind != UNDONE:
            undo_decision(connection, row.key, reason=reason, recorded_at=recorded_at)
    insert_rows(connection, bank_statement_withdrawal, _COLUMNS, [(key, reason, recorded_at)])
    before = {"closed_on": str(head.closed_on), "closing": format_amount(head.closing), "lines": head.line_count}
    record_change(connection, "statements", statement_name(key), before, {"withdrawn": True, "reason": reason})
    return Withdrawn(len(rows), tuple(kept))
