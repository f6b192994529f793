"""Proof of the closed months: their trial balances, summed from the postings, are those they were closed with."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, case, func, select

from billing.books.periods.closing import DECEMBER
from billing.frame.checking import Proof, Step
from ledger.balances import AccountBalance
from ledger.entry import OPENING
from ledger.models import CLOSE, entry, period_balance, posting
from ledger.openings import AWAITING_APPROPRIATION, opens_a_year
from ledger.periods import Closing, closings, digest, last_day
from pricing.money import format_amount
from pricing.period import format_month


def periods(connection: Connection, _step: Step) -> Iterator[str]:
    """Months were closed one after the other, and nothing has moved in a closed one since (R22)."""
    closed: dict[date, Closing] = {}
    for place, closing in enumerate(closings(connection), 1):
        yield from _order_faults(place, closing, closed)
        if closing.action == CLOSE:
            closed[closing.month] = closing
            yield from _balance_faults(connection, closing)
        else:
            closed.pop(closing.month, None)
    if closed:
        yield from _moved_since(connection, closed)
    yield from _year_ends(connection, closed)


def _order_faults(place: int, closing: Closing, closed: dict[date, Closing]) -> Iterator[str]:
    name = f"closing {closing.number} ({closing.action} {format_month(closing.month)})"
    if closing.number != place:
        yield f"{name} stands where number {place} should: closings are missing"
    last = max(closed, default=None)
    expected: date | None
    if closing.action == CLOSE:
        expected = last_day(closing.month)
    else:
        before = sorted(closed)[:-1]
        expected = last_day(before[-1]) if before else None
        if closing.month != last:
            yield f"{name}: that month was not the one closed last"
        elif closing.digest != closed[closing.month].digest:
            yield f"{name}: its digest is not that of the closing it undoes"
        if not closing.reason:
            yield f"{name} bears no reason"
    if closing.closed_through != expected:
        yield f"{name} leaves the books closed through {closing.closed_through}, {expected} follows from the acts"


def _balance_faults(connection: Connection, closing: Closing) -> Iterator[str]:
    """The checkpoint kept with a closing has the closing's digest."""
    b = period_balance.c
    rows = connection.execute(
        select(b.account, b.debit, b.credit).where(b.closing == closing.number).order_by(b.account)
    )
    balances = [AccountBalance(account, "", debit, credit) for account, debit, credit in rows]
    if digest(closing.month, balances) != closing.digest:
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
    by_month: dict[date, list[tuple[str, int, int]]] = {}
    for account, day, debit, credit in connection.execute(days):
        by_month.setdefault(day.replace(day=1), []).append((account, int(debit), int(credit)))
    return by_month


def _year_ends(connection: Connection, closed: Iterable[date]) -> Iterator[str]:
    """Opening entries move results alone, class 8 is left with nothing, and closed years have no income left."""
    yield from _opening_faults(connection)
    passing = _balances_of(connection, ("8",), date.max)
    for account, total in passing:
        yield f"account {account} is left with {format_amount(total)}: results pass through class 8"
    for month in sorted(month for month in closed if month.month == DECEMBER):
        for account, total in _balances_of(connection, ("6", "7"), last_day(month)):
            yield f"{month.year} is closed and account {account} still holds {format_amount(total)} of it"
        yield from _result_faults(connection, last_day(month))


def _opening_faults(connection: Connection) -> Iterator[str]:
    """Yield what opening entries change, a result apart that they carry to where it awaits its appropriation (R31)."""
    p, e = posting.c, entry.c
    opened = (
        select(e.effective_on, p.account, p.auxiliary, p.site, func.sum(p.amount))
        .join(entry, e.id == p.entry_id)
        .where(opens_a_year())
        .group_by(e.effective_on, p.account, p.auxiliary, p.site)
        .having(func.sum(p.amount) != 0)
    )
    changes: dict[tuple[date, str, str, str], int] = defaultdict(int)
    for on, account, auxiliary, site, total in connection.execute(opened):
        changes[on, AWAITING_APPROPRIATION.get(account, account), auxiliary or "", site or ""] += int(total)
    for (_, *of_account), total in sorted(changes.items()):
        if total:
            place = " ".join(part for part in of_account if part)
            yield f"the opening entries (journal {OPENING}) change account {place} by {format_amount(total)}"


def _result_faults(connection: Connection, end: date) -> Iterator[str]:
    """Yield where a closed year's result has left its account in part: wholly, or as years before R31 not at all."""
    p, e = posting.c, entry.c
    carried = (
        select(p.account, func.sum(p.amount))
        .join(entry, e.id == p.entry_id)
        .where(opens_a_year(), e.effective_on == end + timedelta(days=1), p.account.in_([*AWAITING_APPROPRIATION]))
        .group_by(p.account)
    )
    held = dict(_balances_of(connection, ("1",), end))
    for account, amount in connection.execute(carried):
        balance = held.get(account, 0)
        if amount and int(amount) != -balance:
            carried_on = format_amount(-int(amount))
            yield f"{end.year} left {format_amount(balance)} on account {account}: {carried_on} of it was carried on"


def _balances_of(connection: Connection, classes: Sequence[str], until: date) -> list[tuple[str, int]]:
    p = posting.c
    balances = (
        select(p.account, func.sum(p.amount))
        .where(func.substr(p.account, 1, 1).in_(classes), p.effective_on <= until)
        .group_by(p.account)
        .having(func.sum(p.amount) != 0)
        .order_by(p.account)
    )
    return [(account, int(total)) for account, total in connection.execute(balances)]


CHECKS: tuple[Proof, ...] = (periods,)
