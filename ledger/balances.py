"""What accounts hold, at any day: read from what they moved each day, never from all that was posted."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sqlalchemy import BindParameter, Connection, Date, bindparam, func, select

from ledger.models import account, account_day, posting

_DAY = account_day.c
_ON = bindparam("on", type_=Date)
_ACCOUNT: BindParameter[str] = bindparam("account")

_OF_ACCOUNT = select(func.coalesce(func.sum(_DAY.debit - _DAY.credit), 0)).where(_DAY.account == _ACCOUNT)
_OF_AUXILIARY = select(func.coalesce(func.sum(posting.c.amount), 0)).where(
    posting.c.auxiliary == bindparam("auxiliary"), posting.c.account == _ACCOUNT
)
_AUXILIARIES = (
    select(posting.c.auxiliary, func.sum(posting.c.amount))
    .where(posting.c.auxiliary.is_not(None), posting.c.account == _ACCOUNT)
    .group_by(posting.c.auxiliary)
    .order_by(posting.c.auxiliary)
)
_ACCOUNTS = (
    select(_DAY.account, account.c.label, func.sum(_DAY.debit), func.sum(_DAY.credit))
    .join(account, account.c.code == _DAY.account)
    .group_by(_DAY.account, account.c.label)
    .order_by(_DAY.account)
)


class AccountBalance(NamedTuple):
    """An account's debits and credits, in centimes."""

    account: str
    label: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Debit less credit."""
        return self.debit - self.credit

    @property
    def is_analytic(self) -> bool:
        """Whether the account is of class 9, whose totals never mix with the general ledger's (R21)."""
        return self.account[0] == "9"


class Totals(NamedTuple):
    """What a set of accounts moved, in centimes; both are equal when the books balance."""

    debit: int
    credit: int


def trial_balance(connection: Connection, until: date | None = None) -> list[AccountBalance]:
    """Every account with postings up to and including `until` (None: all), by account."""
    statement = _ACCOUNTS if until is None else _ACCOUNTS.where(_DAY.day <= _ON)
    rows = connection.execute(statement, {} if until is None else {"on": until})
    return [AccountBalance(code, label, int(debit), int(credit)) for code, label, debit, credit in rows]


def totals(balances: Iterable[AccountBalance]) -> Totals:
    """What accounts moved together. Hand in those of the general ledger, or those of class 9: never both (R21)."""
    listed = list(balances)
    return Totals(sum(found.debit for found in listed), sum(found.credit for found in listed))


def last_day(connection: Connection) -> date | None:
    """The latest day on which anything is booked; None in empty books."""
    found: date | None = connection.scalar(select(func.max(_DAY.day)))
    return found


def account_balance(connection: Connection, account: str, on: date | None = None) -> int:
    """The account's balance at the end of a day (None: of all days), in centimes, debit positive; 0 if it never moved.

    Reads at most one row a day, however much was posted.
    """
    statement = _OF_ACCOUNT if on is None else _OF_ACCOUNT.where(_DAY.day <= _ON)
    return int(connection.scalar(statement, {"account": account} | ({} if on is None else {"on": on})) or 0)


def auxiliary_balance(connection: Connection, account: str, auxiliary: str, on: date | None = None) -> int:
    """The balance of one tenant or grant within an account at the end of a day, in centimes, debit positive.

    Read from the index of the auxiliary's own postings.
    """
    statement = _OF_AUXILIARY if on is None else _OF_AUXILIARY.where(posting.c.effective_on <= _ON)
    values = {"account": account, "auxiliary": auxiliary} | ({} if on is None else {"on": on})
    return int(connection.scalar(statement, values) or 0)


def auxiliary_balances(connection: Connection, account: str, until: date | None = None) -> dict[str, int]:
    """The balance of every tenant or grant within an account (`3421`, `9208`), in centimes, debit positive, by code."""
    statement = _AUXILIARIES if until is None else _AUXILIARIES.where(posting.c.effective_on <= _ON)
    rows = connection.execute(statement, {"account": account} | ({} if until is None else {"on": until}))
    return {auxiliary: int(balance) for auxiliary, balance in rows}
