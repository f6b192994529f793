"""Proof of the closed months: their trial balances, summed from the postings, are those they were closed with."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, case, func, select

from billing.check.proof import Step
from ledger.balances import AccountBalance
from ledger.models import period_balance, posting
from ledger.periods import CLOSE, Closing, closings, digest, last_day
from pricing.money import format_amount
from pricing.period import format_month


def periods(connection: Connection, _step: Step) -> Iterator[str]:
    """Months were closed one after the other, and nothing has moved in a closed one since (R22)."""
    found = closings(connection)
    closed: dict[date, Closing] = {}
    for place, closing in enumerate(found, 1):
        yield from _order_faults(place, closing, closed)
        if closing.action == CLOSE:
            closed[closing.month] = closing
            yield from _kept_faults(connection, closing)
        else:
            closed.pop(closing.month, None)
    if closed:
        yield from _moved_since(connection, closed)


def _order_faults(place: int, closing: Closing, closed: dict[date, Closing]) -> Iterator[str]:
    told = f"closing {closing.number} ({closing.action} {format_month(closing.month)})"
    if closing.number != place:
        yield f"{told} stands where number {place} should: closings are missing"
    last = max(closed, default=None)
    expected: date | None
    if closing.action == CLOSE:
        expected = last_day(closing.month)
    else:
        before = sorted(closed)[:-1]
        expected = last_day(before[-1]) if before else None
        if closing.month != last:
            yield f"{told}: that month was not the one closed last"
        elif closing.digest != closed[closing.month].digest:
            yield f"{told}: its digest is not that of the closing it undoes"
        if not closing.reason:
            yield f"{told} bears no reason"
    if closing.closed_through != expected:
        yield f"{told} leaves the books closed through {closing.closed_through}, {expected} follows from the acts"


def _kept_faults(connection: Connection, closing: Closing) -> Iterator[str]:
    """The checkpoint kept with a closing has the closing's digest."""
    b = period_balance.c
    rows = connection.execute(
        select(b.account, b.debit, b.credit).where(b.closing == closing.number).order_by(b.account)
    )
    kept = [AccountBalance(account, "", debit, credit) for account, debit, credit in rows]
    if digest(closing.month, kept) != closing.digest:
        yield f"closing {closing.number} ({format_month(closing.month)}): its balances are not those of its digest"


def _moved_since(connection: Connection, closed: dict[date, Closing]) -> Iterator[str]:
    """The trial balance of each closed month, summed from postings, has the digest it was closed with."""
    moved = _moved_by_month(connection, last_day(max(closed)))
    sums: dict[str, list[int]] = {}
    months = sorted({*moved, *closed})
    for month in months:
        for account, debit, credit in moved.get(month, ()):
            total = sums.setdefault(account, [0, 0])
            total[0] += debit
            total[1] += credit
        if month in closed:
            balances = [AccountBalance(account, "", *sums[account]) for account in sorted(sums)]
            if digest(month, balances) != closed[month].digest:
                debits = format_amount(sum(debit for debit, _ in sums.values()))
                yield f"{format_month(month)} is closed and has moved since: its postings up to its end debit {debits}"


def _moved_by_month(connection: Connection, until: date) -> dict[date, list[tuple[str, int, int]]]:
    p = posting.c
    days = (
        select(
            p.account,
            p.effective_on,
            func.sum(case((p.amount > 0, p.amount), else_=0)),
            func.sum(case((p.amount < 0, -p.amount), else_=0)),
        )
        .where(p.effective_on <= until)
        .group_by(p.account, p.effective_on)
    )
    found: dict[date, list[tuple[str, int, int]]] = {}
    for account, day, debit, credit in connection.execute(days):
        found.setdefault(day.replace(day=1), []).append((account, int(debit), int(credit)))
    return found
