"""Money cancelled that never moved (R25): receipts, refunds, deposits, recovered debts; its bank lines wait again."""

from datetime import date, datetime

from sqlalchemy import Connection, select

from billing.bank.matching.values import UNDONE
from billing.bank.naming import line_name
from billing.bank.queries import is_latest, is_of_decision
from billing.bank.recording import Decision, record_decisions
from billing.bank.tables import line_decision, line_entry
from billing.entries.receivables import money_entries, refund_money_entry
from billing.frame.audit_log import record_change
from billing.frame.codes import DEBT_ACT, DEPOSIT, parse_deposit_movement
from billing.frame.database import change_facts, change_receivables
from billing.receivables.debts.cancelling import cancel_recovery
from billing.receivables.deposits.cancelling import cancel_movement
from billing.receivables.receipts.cancelling import Cancelled, cancel_receipt, cancel_refund
from ledger.entry import BANK


def cancel(
    connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel a receipt that should never have been entered; bank lines that named its money wait again.

    A cheque that had come back leaves its lines as they are: the bank did tell of both. Raises Unknown, Conflict,
    Refused as `cancel_receipt` does.
    """
    change_receivables(connection)
    cancelled = cancel_receipt(connection, key, reason=reason, recorded_at=recorded_at, on=on)
    if not cancelled.moved:
        return cancelled
    lines = _let_wait(connection, money_entries(key), cancelled.booked_on, reason, recorded_at)
    return cancelled._replace(lines=lines)


def cancel_paid_back(
    connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel a refund that was never paid; a bank line that named it waits again. Raises as `cancel_refund` does."""
    change_receivables(connection)
    cancelled = cancel_refund(connection, key, reason=reason, recorded_at=recorded_at, on=on)
    lines = _let_wait(connection, (refund_money_entry(key),), cancelled.booked_on, reason, recorded_at)
    return cancelled._replace(lines=lines)


def cancel_named(
    connection: Connection, name: str, *, reason: str, recorded_at: datetime, on: date | None = None
) -> Cancelled:
    """Cancel a movement of a deposit (`DG-000012/2`) or what was recovered of a lost debt (`CR-3`).

    A bank line that named it waits again. Raises Unknown, Conflict, Refused as `cancel_movement` and `cancel_recovery`.
    """
    change_facts(connection)
    change_receivables(connection)
    if name.startswith(DEPOSIT.prefix):
        keys = parse_deposit_movement(name)
        cancelled = cancel_movement(connection, *keys, reason=reason, recorded_at=recorded_at, on=on)
    else:
        key = DEBT_ACT.parse(name)
        cancelled = cancel_recovery(connection, key, reason=reason, recorded_at=recorded_at, on=on)
    lines = _let_wait(connection, (f"{BANK}/{name}",), cancelled.booked_on, reason, recorded_at)
    return cancelled._replace(lines=lines)


def _let_wait(
    connection: Connection, entries: tuple[str, ...], on: date, reason: str, recorded_at: datetime
) -> tuple[str, ...]:
    """Take back the decisions that name entries, with all that they name: a slip of cheques is decided anew.

    Return the names of their lines.
    """
    d, x = line_decision.c, line_entry.c
    rows = connection.execute(
        select(d.statement_id, d.line_no, d.decision_no)
        .join(line_entry, is_of_decision())
        .where(is_latest(), d.kind != UNDONE, x.entry.in_(entries))
        .distinct()
        .order_by(d.statement_id, d.line_no)
    )
    why = reason.strip()
    undone = [
        Decision(key=(statement_id, line_no), number=number + 1, kind=UNDONE, why=why, decided_on=on)
        for statement_id, line_no, number in rows
    ]
    record_decisions(connection, undone, recorded_at)
    for decision in undone:
        record_change(connection, "statement-lines", line_name(*decision.key), None, {"decision": UNDONE, "why": why})
    return tuple(line_name(*decision.key) for decision in undone)
