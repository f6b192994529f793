"""Accounting periods: months are closed one after the other, and nothing is posted into a closed one (R22).

Nothing closes by itself: until somebody closes a first month, any day can be posted to. From then on at most so many
months are open at once (law.md section 6, a setting): each closing says through which day may be posted. The
balances a closing reads are kept as a checkpoint, from which later ones start.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, exists, func, insert, not_, select

from ledger.balances import AccountBalance, trial_balance
from ledger.entry import REVERSED
from ledger.errors import BeforeTheBooks, PeriodClosed, PeriodNotYetOpen, PeriodOutOfOrder
from ledger.models import CLOSE, REOPEN, entry, entry_counter, period_act, period_balance
from ledger.openings import taken_on
from pricing.money import format_amount
from pricing.period import add_months, first_of_month, format_month, next_month

_DIGEST_VERSION = "technopark-trial-balance/1"


class Limits(NamedTuple):
    """The days between which entries may be posted: closed through the first, open through the second.

    `begun_on` is the day the books began with balances from before (R29); None: they began empty.
    """

    closed_through: date | None
    open_through: date | None
    begun_on: date | None = None

    def first_open(self, day: date) -> date:
        """Return a day, or the first open one if its month is closed: where what may be moved is posted."""
        closed = self.closed_through
        return day if closed is None or day > closed else closed + timedelta(days=1)

    def from_day(self, begun_on: date | None) -> "Limits":
        """Return the limits of books that begin on a day: they are closed before, since the balances hold that."""
        if begun_on is None:
            return self
        before = begun_on - timedelta(days=1)
        return Limits(max(before, self.closed_through or before), self.open_through, begun_on)

    def require_begun(self, day: date) -> None:
        """Raise BeforeTheBooks for a day before the books begin with balances from before."""
        if self.begun_on is not None and day < self.begun_on:
            raise BeforeTheBooks(day, self.begun_on)


NO_LIMITS = Limits(None, None)


class Closing(NamedTuple):
    """A month that was closed, or reopened: what the books say of it for ever."""

    number: int
    month: date
    action: str
    recorded_at: datetime
    reason: str | None
    digest: str
    closed_through: date | None
    open_through: date


_ACTS = select(
    period_act.c.id,
    period_act.c.month,
    period_act.c.action,
    period_act.c.recorded_at,
    period_act.c.reason,
    period_act.c.digest,
    period_act.c.closed_through,
    period_act.c.open_through,
)


def last_day(month: date) -> date:
    """Return the last day of the month that begins on `month`."""
    return next_month(month) - timedelta(days=1)


def closings(connection: Connection) -> list[Closing]:
    """Return every closing and reopening, in order."""
    return [Closing(*row) for row in connection.execute(_ACTS.order_by(period_act.c.id))]


def limits(connection: Connection) -> Limits:
    """Return the days between which entries may be posted now."""
    return _limits_of_acts(connection).from_day(taken_on(connection))


def _limits_of_acts(connection: Connection) -> Limits:
    """Return the limits that closing and reopening set."""
    c = period_act.c
    newest = connection.execute(select(c.closed_through, c.open_through).order_by(c.id.desc()).limit(1)).one_or_none()
    return NO_LIMITS if newest is None else Limits(*newest)


def first_open_day(connection: Connection, wanted: date) -> date:
    """Return `wanted`, or the first open day if its month is closed: where what may be moved is posted.

    Raises BeforeTheBooks for a day before a take-on: moved behind it, what the balances hold would be booked twice.
    """
    known = limits(connection)
    known.require_begun(wanted)
    return known.first_open(wanted)


def require_open(connection: Connection, day: date) -> None:
    """Raise PeriodClosed or PeriodNotYetOpen unless `day` can be posted to."""
    refuse(limits(connection), day)


def refuse(known: Limits, day: date) -> None:
    """Raise PeriodClosed, BeforeTheBooks or PeriodNotYetOpen where `day` lies outside the limits."""
    known.require_begun(day)
    closed, open_through = known.closed_through, known.open_through
    if closed is not None and day <= closed:
        first = closed + timedelta(days=1)
        raise PeriodClosed(f"{format_month(first_of_month(day))} is closed: give a day from {first} on")
    if open_through is not None and day > open_through:
        waiting = first_of_month(open_through) if closed is None else closed + timedelta(days=1)
        raise PeriodNotYetOpen(
            f"{format_month(first_of_month(day))} can't be begun while {format_month(waiting)} is open: close that "
            "month first, or let more months be open at once (OPEN_MONTHS_MAX)"
        )


def digest(month: date, balances: Iterable[AccountBalance]) -> str:
    """Return the SHA-256 of a month's trial balance, in hexadecimal: version, month, a line an account."""
    lines = [_DIGEST_VERSION, format_month(month)]
    lines += [f"{b.account}\t{format_amount(b.debit)}\t{format_amount(b.credit)}" for b in balances]
    return sha256(("\n".join(lines) + "\n").encode()).hexdigest()


def close_month(connection: Connection, month: date, *, recorded_at: datetime, open_months_max: int) -> Closing:
    """Close a month: nothing can be posted into it from now on; its trial balance is kept.

    `recorded_at` is a UTC instant. Raises PeriodOutOfOrder unless it is the oldest open month.
    """
    _keep_writers_out(connection)
    known = limits(connection)
    _require_next(connection, known.closed_through, month)
    end = last_day(month)
    balances = trial_balance(connection, end)
    newest = connection.scalar(select(func.max(entry.c.effective_on)))
    farthest = add_months(month, open_months_max)
    # Months that hold entries already when the first is closed stay open.
    open_through = last_day(farthest if newest is None else max(farthest, first_of_month(newest)))
    closing = Closing(
        number=_next_number(connection),
        month=month,
        action=CLOSE,
        recorded_at=recorded_at,
        reason=None,
        digest=digest(month, balances),
        closed_through=end,
        open_through=open_through,
    )
    _record(connection, closing)
    if balances:
        connection.execute(
            insert(period_balance),
            [{"closing": closing.number, "account": b.account, "debit": b.debit, "credit": b.credit} for b in balances],
        )
    return closing


def reopen_month(connection: Connection, month: date, *, reason: str, recorded_at: datetime) -> Closing:
    """Let a closed month be posted to again, for a reason that stays on record; its former closing stays too.

    `recorded_at` is a UTC instant. Raises PeriodOutOfOrder unless it is the month closed last.
    """
    _keep_writers_out(connection)
    known = _limits_of_acts(connection)
    if known.closed_through is None or known.open_through is None or last_day(month) != known.closed_through:
        closed = "none is" if known.closed_through is None else format_month(first_of_month(known.closed_through))
        raise PeriodOutOfOrder(f"{format_month(month)} is not the month closed last ({closed}): only that is reopened")
    c = period_act.c
    of_month = select(c.digest).where(c.month == month, c.action == CLOSE).order_by(c.id.desc()).limit(1)
    before = month - timedelta(days=1)
    was_closed = connection.scalar(select(c.id).where(c.closed_through == before).limit(1)) is not None
    closing = Closing(
        number=_next_number(connection),
        month=month,
        action=REOPEN,
        recorded_at=recorded_at,
        reason=reason,
        digest=str(connection.scalar(of_month)),
        closed_through=before if was_closed else None,
        open_through=known.open_through,
    )
    _record(connection, closing)
    return closing


def _keep_writers_out(connection: Connection) -> None:
    """Hold the counter that whoever posts must take: nothing is posted meanwhile."""
    connection.execute(select(entry_counter).with_for_update()).one()


def _require_next(connection: Connection, closed_through: date | None, month: date) -> None:
    if closed_through is not None:
        # Books may begin in the midst of a month, which is the first to be closed.
        due = first_of_month(closed_through + timedelta(days=1))
    else:
        back = entry.alias("back")
        taken_back = exists().where(back.c.reference == entry.c.reference.concat(REVERSED))
        # What was taken back again moves nothing: a receipt of a mistyped year leaves no year to be closed.
        moving = (not_(taken_back), entry.c.reference.not_like(f"%{REVERSED}"))
        earliest = connection.scalar(select(func.min(entry.c.effective_on)).where(*moving))
        # Before anything is booked any month can be the first to be closed.
        due = month if earliest is None else first_of_month(earliest)
    if month < due and closed_through is None:
        raise PeriodOutOfOrder(f"nothing is booked before {format_month(due)}: that month is closed first")
    if month < due:
        raise PeriodOutOfOrder(f"{format_month(month)} is closed already")
    if month > due:
        raise PeriodOutOfOrder(f"{format_month(due)} comes first: months are closed one after the other")


def _next_number(connection: Connection) -> int:
    return int(connection.scalar(select(func.coalesce(func.max(period_act.c.id), 0))) or 0) + 1


def _record(connection: Connection, closing: Closing) -> None:
    values = closing._asdict()
    connection.execute(insert(period_act).values({"id": values.pop("number")} | values))
