"""Read balances at any day: the newest checkpoint before it, and what the accounts moved each day since.

So a balance costs the open months, however long the books; `check` computes checkpoints and days again.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Connection, Date, bindparam, func, select

from ledger.models import CLOSE, account, account_day, period_act, period_balance, posting

_DAY = account_day.c
_ON = bindparam("on", type_=Date)
_ACCOUNT: BindParameter[str] = bindparam("account")

_CHECKPOINT: BindParameter[int] = bindparam("checkpoint")
_SINCE = bindparam("since", type_=Date)
_KEPT = period_balance.c
# Before the first checkpoint nothing was closed, and every day counts.
_NO_CHECKPOINT, _EVER = 0, date.min
_NEVER = date.max

_OF_ACCOUNT = select(
    select(func.coalesce(func.sum(_KEPT.debit - _KEPT.credit), 0))
    .where(_KEPT.closing == _CHECKPOINT, _KEPT.account == _ACCOUNT)
    .scalar_subquery()
    + select(func.coalesce(func.sum(_DAY.debit - _DAY.credit), 0))
    .where(_DAY.account == _ACCOUNT, _DAY.day > _SINCE, _DAY.day <= _ON)
    .scalar_subquery()
)
_OF_AUXILIARY = select(func.coalesce(func.sum(posting.c.amount), 0)).where(
    posting.c.auxiliary == bindparam("auxiliary"), posting.c.account == _ACCOUNT
)
_ACCOUNTS = (
    select(_DAY.account, account.c.label, func.sum(_DAY.debit), func.sum(_DAY.credit))
    .join(account, account.c.code == _DAY.account)
    .where(_DAY.day <= _ON)
    .group_by(_DAY.account, account.c.label)
    .order_by(_DAY.account)
)
_OPEN_DAYS = (_DAY.account == account.c.code, _DAY.day > _SINCE, _DAY.day <= _ON)


def _total(brought_forward: ColumnElement[int], moved: ColumnElement[int]) -> ColumnElement[int]:
    """Return what the checkpoint kept and what the account moved since."""
    since = select(func.sum(moved)).where(*_OPEN_DAYS).scalar_subquery()
    return func.coalesce(brought_forward, 0) + func.coalesce(since, 0)


# Account by account: each reads its own few days by key, whatever the database knows of the table.
_ACCOUNTS_SINCE = (
    select(account.c.code, account.c.label, _total(_KEPT.debit, _DAY.debit), _total(_KEPT.credit, _DAY.credit))
    .outerjoin(period_balance, (_KEPT.closing == _CHECKPOINT) & (_KEPT.account == account.c.code))
    .where(_KEPT.account.is_not(None) | select(_DAY.day).where(*_OPEN_DAYS).exists())
    .order_by(account.c.code)
)
_CLOSED_THROUGH = select(period_act.c.closed_through).order_by(period_act.c.id.desc()).limit(1).scalar_subquery()
# A month reopened is not counted: its closing, if it is closed again, is a later one.
_NEWEST_CHECKPOINT = (
    select(period_act.c.id, period_act.c.closed_through)
    .where(
        period_act.c.action == CLOSE,
        period_act.c.closed_through <= _ON,
        period_act.c.closed_through <= _CLOSED_THROUGH,
    )
    .order_by(period_act.c.closed_through.desc(), period_act.c.id.desc())
    .limit(1)
)


class AccountBalance(NamedTuple):
    """An account's debits and credits, in centimes."""

    account: str
    label: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Return debit less credit."""
        return self.debit - self.credit

    @property
    def is_analytic(self) -> bool:
        """Return whether the account is of class 9, whose totals never mix with the general ledger's (R21)."""
        return self.account[0] == "9"


class Totals(NamedTuple):
    """The debits and credits of a set of accounts, in centimes; both are equal when the books balance."""

    debit: int
    credit: int


def trial_balance(connection: Connection, until: date | None = None) -> list[AccountBalance]:
    """Return every account with postings up to and including `until` (None: all), by account."""
    start = _from_checkpoint(connection, until)
    rows = connection.execute(_ACCOUNTS if start["since"] == _EVER else _ACCOUNTS_SINCE, start)
    return [AccountBalance(code, label, int(debit), int(credit)) for code, label, debit, credit in rows]


def _from_checkpoint(connection: Connection, until: date | None) -> dict[str, Any]:
    """Return up to which day to count, and from which checkpoint: the newest not after it."""
    on = _NEVER if until is None else until
    newest = connection.execute(_NEWEST_CHECKPOINT, {"on": on}).one_or_none()
    checkpoint, since = (_NO_CHECKPOINT, _EVER) if newest is None else newest
    return {"on": on, "checkpoint": checkpoint, "since": since}


def totals(balances: Iterable[AccountBalance]) -> Totals:
    """Return what accounts moved together: those of the general ledger, or those of class 9, never both (R21)."""
    summed = list(balances)
    return Totals(sum(b.debit for b in summed), sum(b.credit for b in summed))


def last_day(connection: Connection) -> date | None:
    """Return the latest day on which anything is booked; None in empty books."""
    latest: date | None = connection.scalar(select(func.max(_DAY.day)))
    return latest


def account_balance(connection: Connection, account: str, on: date | None = None) -> int:
    """Return the account's balance at the end of a day (None: of all days), in centimes, debit positive.

    Reads at most one row a day since the newest checkpoint, however much was posted.
    """
    return int(connection.scalar(_OF_ACCOUNT, {"account": account} | _from_checkpoint(connection, on)) or 0)


def auxiliary_balance(connection: Connection, account: str, auxiliary: str, on: date | None = None) -> int:
    """Return the balance of one tenant or grant within an account at the end of a day, in centimes, debit positive.

    Read from the index of the auxiliary's own postings.
    """
    statement = _OF_AUXILIARY if on is None else _OF_AUXILIARY.where(posting.c.effective_on <= _ON)
    values = {"account": account, "auxiliary": auxiliary} | ({} if on is None else {"on": on})
    return int(connection.scalar(statement, values) or 0)
