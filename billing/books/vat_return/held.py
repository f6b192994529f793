"""Money held at the end of a month that settles nothing and bears no VAT yet, and the VAT that it would bear.

CGI art. 95 taxes advances on receipt; unless a setting does so (`billing.books.vat_return.advances`), VAT falls due
once money settles an invoice (R26). The paper says how much that leaves out, so that whoever declares can add it.
"""

from collections import Counter
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from billing.books.vat_return.advances import ExpectedRates, advances_held
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import credits as unallocated_credits
from pricing.money import vat_included


class HeldCredit(NamedTuple):
    """What an account holds of such money, in centimes, and the rate that it is shown at."""

    account: str
    amount: int
    rate: int

    @property
    def vat(self) -> int:
        """Return the VAT that the money would bear: it is included in it."""
        return vat_included(self.amount, self.rate)

    @property
    def base(self) -> int:
        """Return the money without that VAT."""
        return self.amount - self.vat


def held_credits(connection: Connection, on: date, terms: Terms) -> list[HeldCredit]:
    """Return what 4421, 4428 and 4497 hold at the end of a day, cleared cheques included, at the highest rate in force.

    What it pays is not known yet, and neither is its rate: the highest leaves nothing out. Advances that bear VAT on
    receipt are left out.
    """
    taxed = {(advance.receipt, advance.tenant) for advance in advances_held(connection, on, terms)}
    sums: Counter[str] = Counter()
    for credit in unallocated_credits(connection, on=on):
        if credit.is_money and (credit.receipt, credit.tenant) not in taxed:
            sums[credit.account] += credit.left
    rate = ExpectedRates(connection, on, set()).of(None, on)
    return [HeldCredit(account, amount, rate) for account, amount in sorted(sums.items())]
