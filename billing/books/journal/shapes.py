"""The shapes of the books: entries with their postings, accounts, balances."""

from collections.abc import Iterable
from typing import Annotated, Any

from sqlalchemy import Row

from billing.frame.shapes import Account as AccountNumber
from billing.frame.shapes import Day, Instant, Money, Serial, Shape, SiteCode, Text, about
from ledger.balances import AccountBalance, totals
from pricing.money import format_amount


class Posting(Shape, frozen=True):
    """One movement: a debit or a credit."""

    account: AccountNumber
    auxiliary: Annotated[str | None, about("The tenant, or the grant, that it concerns; null: none")]
    site: Annotated[SiteCode | None, about("The site it concerns; null: none")]
    debit: Annotated[Money, about("0.00 where the account is credited")]
    credit: Annotated[Money, about("0.00 where the account is debited")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Posting":
        """Return the posting whose row is given."""
        return cls(
            account=row.account,
            auxiliary=row.auxiliary,
            site=row.site,
            debit=format_amount(max(row.amount, 0)),
            credit=format_amount(max(-row.amount, 0)),
        )


class Entry(Shape, frozen=True):
    """A journal entry; its debits equal its credits (R22)."""

    number: Serial
    reference: Annotated[Text, about("Names what the entry books; no two entries share it")]
    journal: Annotated[str, about("The journal's code: VTE, BQ, OD ...")]
    effective_on: Annotated[Day, about("The day it is booked on")]
    recorded_at: Annotated[Instant, about("When it was recorded")]
    label: Annotated[Text, about("What it books, in French")]
    piece: Annotated[Text, about("The voucher: an invoice's number, say")]
    postings: Annotated[list[Posting], about("Its movements, in order")]


class Account(Shape, frozen=True):
    """An account of the chart."""

    account: AccountNumber
    label: Annotated[Text, about("What the chart calls it, in French")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Account":
        """Return the account whose row is given."""
        return cls(account=row.code, label=row.label)


class Balance(Shape, frozen=True):
    """The balance of an account: debit less credit."""

    account: AccountNumber
    label: Annotated[Text, about("What the chart calls it, in French")]
    debit: Annotated[Money, about("All it was debited")]
    credit: Annotated[Money, about("All it was credited")]
    balance: Annotated[Money, about("Debit less credit")]

    @classmethod
    def of(cls, balance: AccountBalance) -> "Balance":
        """Return the balance of an account, as the ledger sums it."""
        return cls(
            account=balance.account,
            label=balance.label,
            debit=format_amount(balance.debit),
            credit=format_amount(balance.credit),
            balance=format_amount(balance.balance),
        )


class DebitAndCredit(Shape, frozen=True):
    """Two sums, which are equal."""

    debit: Money
    credit: Money

    @classmethod
    def of(cls, balances: Iterable[AccountBalance]) -> "DebitAndCredit":
        """Return the sums over several accounts."""
        debit, credit = totals(balances)
        return cls(debit=format_amount(debit), credit=format_amount(credit))


class BalanceTotals(Shape, frozen=True):
    """The general ledger's totals and class 9's, never mixed (R21)."""

    general: Annotated[DebitAndCredit, about("Classes 1 to 8")]
    analytic: Annotated[DebitAndCredit, about("Class 9")]


class TrialBalance(Shape, frozen=True):
    """Every account with postings (contract)."""

    until: Annotated[Day | None, about("The last day counted; null: nothing is booked")]
    accounts: Annotated[list[Balance], about("By number")]
    totals: Annotated[BalanceTotals, about("The sums over these accounts")]
