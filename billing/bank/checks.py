"""Proof of bank statements: each goes on from the one before, its lines make its balance, each decision its entries."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, exists, func, not_, select

from billing.bank.matching.values import UNDONE, LineKind
from billing.bank.naming import line_name, statement_name
from billing.bank.queries import is_latest, is_of_decision, is_withdrawn, moves_bank_account
from billing.bank.reconciling import reconcile
from billing.bank.tables import bank_line, bank_statement, bank_statement_withdrawal, line_decision, line_entry
from billing.entries.accounts import BANK_ACCOUNT
from billing.frame.checking import Proof, Step, streamed
from billing.frame.codes import RECEIPT
from billing.receivables.tables.receipts import receipt, receipt_cancellation
from ledger.entry import BANK
from ledger.models import entry, posting
from pricing.money import format_amount


def statements(connection: Connection, _step: Step) -> Iterator[str]:
    """Statements go on from one another, lines sum to balances, and what lines were found to be is booked."""
    yield from _chains(connection)
    yield from _decision_order(connection)
    yield from _bookings(connection)
    yield from _entries_twice(connection)
    yield from _entries_of_no_decision(connection)
    yield from _receipts(connection)
    yield from _own_entries(connection)
    yield from _withdrawn(connection)
    c = bank_statement.c
    for account in connection.scalars(select(c.account).where(not_(is_withdrawn())).distinct().order_by(c.account)):
        reconciliation = reconcile(connection, account)
        if reconciliation.unexplained:
            difference = format_amount(reconciliation.difference)
            unexplained = format_amount(reconciliation.unexplained)
            yield (
                f"account {account} on {reconciliation.on}: bank and books differ by {difference}, of "
                f"which {unexplained} nothing explains"
            )


def _chains(connection: Connection) -> Iterator[str]:
    """Check that places have no gap, each opens where the one before closed, and lines make the difference."""
    x = bank_line.c
    sums = (
        select(
            x.statement_id,
            func.sum(x.amount).label("amount"),
            func.count().label("lines"),
            func.max(x.line_no).label("last"),
            func.max(x.booked_on).label("latest"),
        )
        .group_by(x.statement_id)
        .subquery()
    )
    c = bank_statement.c
    rows = connection.execute(
        select(
            bank_statement,
            sums.c.amount,
            sums.c.lines,
            sums.c.last,
            sums.c.latest,
            is_withdrawn().label("is_withdrawn"),
        )
        .outerjoin(sums, sums.c.statement_id == c.id)
        .order_by(c.account, c.place)
    )
    account, place = None, 0
    # The last one that was not withdrawn: each goes on from it.
    before: Any = None
    for row in rows:
        if row.account != account:
            account, place, before = row.account, 0, None
        place += 1
        if row.place != place:
            yield f"{statement_name(row.id)}: a statement of account {row.account} is missing before it"
            place = row.place
        elif not row.is_withdrawn:
            yield from _sequence_faults(before, row)
        yield from _line_faults(row)
        before = before if row.is_withdrawn else row


def _sequence_faults(before: Any, row: Any) -> Iterator[str]:
    """Yield the faults between a statement and the one it goes on from; None where it is the first."""
    name = statement_name(row.id)
    if before is not None and row.opening != before.closing:
        opening, closing = format_amount(row.opening), format_amount(before.closing)
        yield f"{name} opens with {opening}, {statement_name(before.id)} closes with {closing}"
    if before is not None and row.closed_on < before.closed_on:
        yield f"{name} of {row.closed_on} follows {statement_name(before.id)} of {before.closed_on}"


def _line_faults(row: Any) -> Iterator[str]:
    """Yield the faults between a statement and its lines."""
    name = statement_name(row.id)
    if (row.lines or 0) != row.line_count or (row.last or 0) != row.line_count:
        yield f"{name} has {row.lines or 0} lines of {row.line_count}, or they are not numbered without gap"
    moved, difference = int(row.amount or 0), row.closing - row.opening
    if moved != difference:
        yield f"{name}: its lines sum to {format_amount(moved)}, its balances differ by {format_amount(difference)}"
    if row.latest is not None and row.latest > row.closed_on:
        yield f"{name} of {row.closed_on} has a line of {row.latest}"


def _decision_order(connection: Connection) -> Iterator[str]:
    """Decisions about a line are numbered without gap, and none follows but one that was undone or undoes."""
    d = line_decision.c
    rows = streamed(
        connection,
        select(d.statement_id, d.line_no, d.decision_no, d.kind).order_by(d.statement_id, d.line_no, d.decision_no),
    )
    line: tuple[int, int] | None = None
    last, kind = 0, UNDONE
    for statement_id, line_no, decision_no, next_kind in rows:
        if (statement_id, line_no) != line:
            line, last, kind = (statement_id, line_no), 0, UNDONE
        name = line_name(statement_id, line_no)
        if decision_no != last + 1:
            yield f"{name}: its decision {decision_no} follows {last}"
        if (kind == UNDONE) == (next_kind == UNDONE):
            yield f"{name}: its decision {decision_no} ({next_kind}) follows one that is {kind}"
        last, kind = decision_no, next_kind


def _bookings(connection: Connection) -> Iterator[str]:
    """A decision that counts names entries that move the bank's account by exactly the line."""
    d, x, line = line_decision.c, line_entry.c, bank_line.c
    moved = (
        select(posting.c.entry_id, func.sum(posting.c.amount).label("amount"))
        .where(moves_bank_account())
        .group_by(posting.c.entry_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            d.statement_id, d.line_no, d.kind, line.amount, func.coalesce(func.sum(moved.c.amount), 0).label("booked")
        )
        .join(bank_line, and_(line.statement_id == d.statement_id, line.line_no == d.line_no))
        .outerjoin(line_entry, is_of_decision())
        .outerjoin(entry, entry.c.reference == x.entry)
        .outerjoin(moved, moved.c.entry_id == entry.c.id)
        .where(is_latest(), d.kind != UNDONE)
        .group_by(d.statement_id, d.line_no, d.kind, line.amount)
        .having(func.coalesce(func.sum(moved.c.amount), 0) != line.amount)
        .order_by(d.statement_id, d.line_no)
    )
    for row in rows:
        booked = format_amount(int(row.booked))
        yield (
            f"{line_name(row.statement_id, row.line_no)} of {format_amount(row.amount)} is {row.kind}, the entries it "
            f"names move {BANK_ACCOUNT} by {booked}"
        )


def _entries_twice(connection: Connection) -> Iterator[str]:
    """An entry stands for one line that counts."""
    x = line_entry.c
    rows = connection.execute(
        select(x.entry)
        .join(line_decision, is_of_decision())
        .where(is_latest())
        .group_by(x.entry)
        .having(func.count() > 1)
        .order_by(x.entry)
    )
    for reference in rows.scalars():
        yield f"entry {reference} stands for several lines of statements"


def _withdrawn(connection: Connection) -> Iterator[str]:
    """No line of a statement that was withdrawn is decided."""
    d, x = line_decision.c, bank_statement_withdrawal.c
    rows = connection.execute(
        select(d.statement_id, d.line_no, d.kind)
        .join(bank_statement_withdrawal, x.statement_id == d.statement_id)
        .where(is_latest(), d.kind != UNDONE)
        .order_by(d.statement_id, d.line_no)
    )
    for row in rows:
        yield f"{line_name(row.statement_id, row.line_no)} is {row.kind}, though its statement was withdrawn"


def _entries_of_no_decision(connection: Connection) -> Iterator[str]:
    """An entry is named by a decision."""
    x = line_entry.c
    rows = connection.execute(
        select(x.statement_id, x.line_no, x.entry)
        .where(not_(exists(select(line_decision.c.kind).where(is_of_decision()))))
        .order_by(x.statement_id, x.line_no, x.entry)
    )
    for row in rows:
        yield f"{line_name(row.statement_id, row.line_no)}: no decision says that {row.entry} books it"


def _receipts(connection: Connection) -> Iterator[str]:
    """A line received is a receipt under its name, one for all decisions about it but for those that were cancelled."""
    d, x = line_decision.c, line_entry.c
    rows = connection.execute(
        select(
            d.statement_id, d.line_no, receipt.c.reference, receipt.c.id,
            receipt_cancellation.c.receipt_id.label("cancelled"),
        )
        .join(line_entry, is_of_decision())
        .outerjoin(receipt, receipt.c.id == x.receipt_id)
        .outerjoin(receipt_cancellation, receipt_cancellation.c.receipt_id == receipt.c.id)
        .where(d.kind == LineKind.RECEIVED)
        .order_by(d.statement_id, d.line_no, d.decision_no)
    )  # fmt: skip
    receipts: dict[str, int] = {}
    for row in rows:
        name = line_name(row.statement_id, row.line_no)
        if row.reference is None or not (row.reference == name or row.reference.startswith(f"{name}/")):
            yield f"{name} is received, but its receipt {row.reference or 'is missing'} is not of that name"
        elif row.cancelled is None and receipts.setdefault(name, row.id) != row.id:
            first, other = RECEIPT.format(receipts[name]), RECEIPT.format(row.id)
            yield f"{name} is received, and is both {first} and {other}"


def _own_entries(connection: Connection) -> Iterator[str]:
    """Check that each entry under a line's own name was decided so."""
    x, d = line_entry.c, line_decision.c
    is_decided = exists(
        select(x.entry)
        .join(line_decision, is_of_decision())
        .where(x.entry == entry.c.reference, d.kind == LineKind.BOOKED)
    )
    rows = connection.scalars(
        select(entry.c.reference)
        .where(
            entry.c.reference.like(f"{BANK}/RE-%"),
            not_(entry.c.reference.like("%/annulation")),
            not_(is_decided),
        )
        .order_by(entry.c.reference)
    )
    for reference in rows:
        yield f"entry {reference} books a line of a statement that was not decided so"


CHECKS: tuple[Proof, ...] = (statements,)
