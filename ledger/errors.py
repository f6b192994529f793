"""These errors say what the ledger refuses.

LedgerError
├── UnbalancedEntry       debits and credits differ, or there are fewer than two postings (R22)
├── MixedEntry            analytic class 9 and general ledger accounts in one entry (R21)
├── UnknownAccount        an account outside the chart
├── UnknownFormat         a format the books are not exported in
├── PeriodClosed          the day lies in a closed month
│   └── BeforeTheBooks    the day lies before that on which balances were taken on, which hold what happened then
├── PeriodNotYetOpen      so many months are open that this one can't be begun
├── PeriodOutOfOrder      months are closed one after the other, and reopened the other way round
├── ReferenceTaken        another entry bears that reference
└── NoteError             a signed note, or a key for it, that can't be used
    ├── BadNote           a checkpoint that is none, or that no known key has signed
    └── BadProofKey       a file that holds no key for checkpoints
"""

from datetime import date


class LedgerError(Exception):
    """Base class; the message says what to do next."""


class UnbalancedEntry(LedgerError):
    """An entry has at least two postings and they sum to zero (R22)."""


class MixedEntry(LedgerError):
    """Class 9 is balanced by itself and never mixed with the general ledger (R21)."""


class UnknownAccount(LedgerError):
    """An account outside the chart of accounts."""


class UnknownFormat(LedgerError):
    """A format in which the books are not exported."""


class PeriodClosed(LedgerError):
    """The day lies in a closed month: nothing is posted there any more."""


class BeforeTheBooks(PeriodClosed):
    """The day lies before that on which the books began with balances from before (R29)."""

    def __init__(self, day: date, begun_on: date) -> None:
        self.problem = f"is before {begun_on}, the day the park was taken on"
        self.remedy = (
            "what came before is in the balances that were taken on: leave it out, or give the day of what came since"
        )
        super().__init__(f"{day} {self.problem}: {self.remedy}")


class PeriodNotYetOpen(LedgerError):
    """As many months as may be are open already: close the oldest first."""


class PeriodOutOfOrder(LedgerError):
    """Months are closed one after the other; only the last closed can be reopened."""


class ReferenceTaken(LedgerError):
    """Another entry, with other postings, bears that reference."""


class NoteError(LedgerError):
    """A signed note, or a key for it, that can't be used."""


class BadNote(NoteError):
    """A checkpoint that is none, or that no known key has signed."""


class BadProofKey(NoteError):
    """A file that holds no key for checkpoints."""
