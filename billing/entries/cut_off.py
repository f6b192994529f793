"""The entry of a year's cut-off, taken back on the first of January: pure (R31).

Net of VAT: the whole is taken back the next day, and VAT falls due with money or documents, not with revenue.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from billing.entries.accounts import CREDIT_NOTES_TO_ISSUE, INVOICED_AHEAD, INVOICES_TO_ISSUE
from billing.entries.cancelling import cancellation
from billing.frame.codes import CUT_OFF
from ledger.entry import MISCELLANEOUS, Entry, Posting

# What a year's own is billed, or credited, in the next; what it billed of the next.
TO_INVOICE, TO_CREDIT, AHEAD = "to_invoice", "to_credit", "ahead"
# Where each lies on 31 December, and the sign that it has there: debit positive.
_HELD_ON = {TO_INVOICE: (INVOICES_TO_ISSUE, 1), TO_CREDIT: (CREDIT_NOTES_TO_ISSUE, -1), AHEAD: (INVOICED_AHEAD, -1)}


class CutOffSum(NamedTuple):
    """So much of a kind, by site and revenue account, in centimes; below zero where more was booked before."""

    kind: str
    site: str
    account: str
    amount: int


def cut_off_entries(key: int, year: int, sums: Iterable[CutOffSum]) -> list[Entry]:
    """Return the entry of 31 December, by site and account, and its mirror image of 1 January."""
    moved: dict[tuple[str, str], int] = {}
    for kind, site, account, amount in sums:
        held_on, sign = _HELD_ON[kind]
        for code, signed in ((held_on, sign * amount), (account, -sign * amount)):
            moved[code, site] = moved.get((code, site), 0) + signed
    postings = tuple(Posting(code, amount, None, site) for (code, site), amount in sorted(moved.items()) if amount)
    made = Entry(
        reference=f"{MISCELLANEOUS}/{CUT_OFF.format(key)}",
        journal=MISCELLANEOUS,
        effective_on=date(year, 12, 31),
        label=f"Régularisations de l'exercice {year}",
        piece=f"Exercice {year}",
        postings=postings,
    )
    return [made, cancellation(made, date(year + 1, 1, 1))]
