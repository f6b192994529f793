"""What the journal refuses.

LedgerError
├── UnbalancedEntry       debits and credits differ, or there are fewer than two postings (R22)
├── MixedEntry            analytic class 9 and general ledger accounts in one entry (R21)
├── UnknownAccount        an account outside the chart
├── UnknownFormat         a format the books are not exported in
└── ReferenceTaken        another entry bears that reference
"""


class LedgerError(Exception):
    """Base class; the message says what to do next."""


class UnbalancedEntry(LedgerError):
    """An entry has at least two postings and they sum to nil (R22)."""


class MixedEntry(LedgerError):
    """Class 9 is balanced by itself and never mixed with the general ledger (R21)."""


class UnknownAccount(LedgerError):
    """An account outside the chart of accounts."""


class UnknownFormat(LedgerError):
    """A format in which the books are not exported."""


class ReferenceTaken(LedgerError):
    """Another entry, with other postings, bears that reference."""
