"""Decisions of people about bank lines: a line is decided while its latest decision is none that undoes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from billing.bank.choices import Choice, choice_of
from billing.bank.facts import propose
from billing.bank.matching.values import UNDONE, LineKind
from billing.bank.naming import LineKey, line_name, statement_name
from billing.bank.queries import (
    LineRow,
    is_unlinked,
    latest_decision,
    moves_bank_account,
    require_line,
    require_statement,
)
from billing.bank.receipts import receive_line, settle_cheques, tenant_of
from billing.bank.recording import Decision, LineEntry, record_decisions
from billing.bank.refusing import refused
from billing.entries.accounts import BANK_ACCOUNT
from billing.entries.bank import PROVED_ACCOUNTS, own_movement_entry
from billing.frame.audit_log import record_change
from billing.frame.counted import counted
from billing.frame.database import change_receivables, insert_rows
from billing.frame.errors import Conflict, Unknown
from billing.frame.terms import Terms
from billing.receivables.receipts.acting import require_reason_text
from ledger.accounts import label_of
from ledger.errors import UnknownAccount
from ledger.journal import post
from ledger.models import entry, posting
from ledger.periods import first_open_day
from pricing.money import format_amount

# The decisions that may be taken of a line.
DECISIONS = (*map(str, LineKind), UNDONE)


def decide(
    connection: Connection,
    key: LineKey,
    choice: Choice,
    *,
    why: str,
    recorded_at: datetime,
    terms: Terms,
    confidence: int | None = None,
) -> None:
    """Decide that a waiting line is what a person says, and book it. Raises Unknown, Conflict if decided, Refused."""
    change_receivables(connection)
    row = require_line(connection, key)
    if require_statement(connection, key[0]).is_withdrawn:
        raise Conflict(f"{statement_name(key[0])} was withdrawn: its lines count no more")
    why = require_reason_text(why)
    latest = latest_decision(connection, key)
    if latest is not None and latest.kind != UNDONE:
        raise Conflict(f"{line_name(*key)} is decided already ({latest.kind}): undo that first")
    number = 1 if latest is None else latest.decision_no + 1
    match choice.kind:
        case LineKind.RECEIVED:
            entries = [receive_line(connection, row, choice, recorded_at=recorded_at, terms=terms)]
        case LineKind.CLEARED | LineKind.BOUNCED:
            _require_cheques(row, choice)
            entries = settle_cheques(connection, row, choice, why, recorded_at=recorded_at, terms=terms)
        case LineKind.BOOKED:
            account = _require_account(choice.account or "", terms.at("statements.booked_accounts", row.line.booked_on))
            entries = [_book(connection, row, number, account, recorded_at=recorded_at)]
        case LineKind.RECORDED:
            entries = [_require_entry(connection, reference) for reference in choice.entries or ("",)]
    _require_amount(connection, row, entries)
    decision = Decision(
        key=key,
        number=number,
        kind=choice.kind,
        why=why,
        decided_on=row.line.booked_on,
        confidence=confidence,
        tenant=choice.tenant or tenant_of(connection, entries),
        entries=tuple(entries),
    )
    record_decisions(connection, [decision], recorded_at)
    after = {"decision": choice.kind, "why": why, "entries": [made.reference for made in entries]}
    record_change(connection, "statement-lines", line_name(*key), None, after)


def accept_proposal(
    connection: Connection, key: LineKey, number: int, *, recorded_at: datetime, terms: Terms
) -> LineKind:
    """Decide a line by one of its proposals as things stand, from 1; gives its kind. Raises as `decide` does."""
    change_receivables(connection)
    (proposals,) = propose(connection, [require_line(connection, key).line], terms)
    if not 0 < number <= len(proposals):
        remedy = "say what it is: whose money, which cheque, which account or entry"
        count = len(proposals)
        listed = counted(count, "proposal is made", "proposals are made")
        problem = f"{listed} for {line_name(*key)}" if count else "nothing is proposed"
        raise refused("proposal", str(number), problem, remedy)
    chosen = proposals[number - 1]
    decide(
        connection, key, choice_of(chosen), why=chosen.why.text, recorded_at=recorded_at, terms=terms,
        confidence=chosen.confidence,
    )  # fmt: skip
    return chosen.kind


def _require_cheques(row: LineRow, choice: Choice) -> None:
    if not choice.receipts:
        raise refused("receipts", None, "are missing", "name the receipts of the cheques or bills")
    if (row.line.amount > 0) != (choice.kind == LineKind.CLEARED):
        money = "money that came in" if row.line.amount > 0 else "money that left"
        remedy = "a cheque is cleared by a credit; by a debit it bounces, or a transfer comes back"
        raise refused("kind", choice.kind, f"is not what {money} can be", remedy)


def _require_amount(connection: Connection, row: LineRow, entries: Sequence[LineEntry]) -> None:
    """Raise Refused unless those entries move the bank's account by what the line does."""
    moved = connection.scalar(
        select(func.coalesce(func.sum(posting.c.amount), 0))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(entry.c.reference.in_([made.reference for made in entries]), moves_bank_account())
    )
    if int(moved or 0) != row.line.amount:
        amounts = f"{format_amount(int(moved or 0))}, the line is {format_amount(row.line.amount)}"
        remedy = "choose what makes exactly the line, or decide it otherwise"
        raise refused("amount", None, f"move {BANK_ACCOUNT} by {amounts}", remedy)


def _require_account(account: str, allowed: Sequence[str]) -> str:
    """Return the account that a person names for a bank's own movement; raises Refused for one that is not allowed."""
    try:
        label = label_of(account) if account else ""
    except UnknownAccount:
        label = ""
    if not label or not account.isdecimal() or account[0] in "09":
        raise refused("account", account, "is no account of the chart", "give one of classes 1 to 7, such as 6147")
    if any(account.startswith(proved) for proved in PROVED_ACCOUNTS):
        remedy = "money of tenants is received, placed or refunded; a cheque is cleared"
        raise refused("account", account, f"({label}) is proved by documents and receipts", remedy)
    if not account.startswith(tuple(allowed)):
        problem = f"({label}) is no account that bank lines are booked to"
        remedy = "these are in statements.booked_accounts (TERMS_FILE): 6147, 6311, 4411, 5115 and others"
        raise refused("account", account, problem, remedy)
    return account


def _book(connection: Connection, row: LineRow, decision_no: int, account: str, *, recorded_at: datetime) -> LineEntry:
    """Book the bank's own movement, between its account and the one a person named."""
    made = own_movement_entry(
        line_name(*row.key),
        decision_no,
        first_open_day(connection, row.line.booked_on),
        row.line.text or row.line.counterparty or row.line.code or label_of(account),
        amount=row.line.amount,
        account=account,
    )
    post(connection, [made], recorded_at=recorded_at, insert=insert_rows)
    return LineEntry(made.reference)


def _require_entry(connection: Connection, reference: str) -> LineEntry:
    """Return an entry that the books had before, and that stands for no other line."""
    referenced = select(entry.c.id).where(entry.c.reference == reference)
    if connection.scalar(referenced) is None:
        raise Unknown(f"no entry has the reference {reference}")
    if connection.scalar(referenced.where(is_unlinked())) is None:
        raise refused("entry", reference, "is the entry of another line", "an entry stands for one line alone")
    return LineEntry(reference)
