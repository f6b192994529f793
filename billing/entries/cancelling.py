"""The entry that takes another back, whose act should never have been entered (R25): pure."""

from datetime import date

from ledger.entry import REVERSED, Entry, reversal


def cancellation(of: Entry, on: date) -> Entry:
    """Return the same postings with opposite signs, named after the entry that they take back."""
    return reversal(of, f"{of.reference}{REVERSED}", on, f"Annulation {of.label}")
