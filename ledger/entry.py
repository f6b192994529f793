"""A journal entry as a value. Debit is positive; the postings sum to zero (R22)."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ledger.errors import MixedEntry, UnbalancedEntry

SALES = "VTE"
CROSS_SUBSIDY = "PER"
BANK = "BQ"
CASH = "CA"
MISCELLANEOUS = "OD"
RESULT = "RES"
OPENING = "AN"
# What a park brought from before this service is booked in this journal too, under references of this beginning.
TAKEN_ON = f"{OPENING}/reprise/"
# The reference of an entry that takes another back is the other's with this ending.
REVERSED = "/annulation"
JOURNAL_LABELS = {
    SALES: "Ventes",
    CROSS_SUBSIDY: "Péréquation",
    BANK: "Banque",
    CASH: "Caisse",
    MISCELLANEOUS: "Opérations diverses",
    RESULT: "Détermination du résultat",
    OPENING: "À-nouveaux",
}


class Posting(NamedTuple):
    """One movement: centimes, debit positive, credit negative."""

    account: str
    amount: int
    auxiliary: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A complete entry, before it is posted.

    `reference` names it for ever: posting the same reference again changes nothing. `piece` is the
    supporting document (law.md section 6: origin, content, account, reference). Raises
    UnbalancedEntry or MixedEntry.
    """

    reference: str
    journal: str
    effective_on: date
    label: str
    piece: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        postings = self.postings
        # Lists, not generators: this runs for every entry of a month.
        if len(postings) < 2 or sum([posting.amount for posting in postings]) != 0:
            raise UnbalancedEntry(f"{self.reference}: an entry has two postings or more, which sum to zero")
        if len({posting.account[0] == "9" for posting in postings}) > 1:
            raise MixedEntry(f"{self.reference}: class 9 accounts never stand beside others in an entry")


def reversal(of: Entry, reference: str, effective_on: date, label: str) -> Entry:
    """Return the entry that takes another back: the same postings with opposite signs."""
    return Entry(
        reference=reference,
        journal=of.journal,
        effective_on=effective_on,
        label=label,
        piece=of.piece,
        postings=tuple(p._replace(amount=-p.amount) for p in of.postings),
    )
