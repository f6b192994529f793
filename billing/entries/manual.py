"""The entry of journal OD that an accountant makes by hand: pure (R30)."""

from datetime import date

from billing.frame.codes import MANUAL_ENTRY
from ledger.entry import MISCELLANEOUS, Entry, Posting

BY_HAND = f"{MISCELLANEOUS}/{MANUAL_ENTRY.prefix}-"


def reference_of(key: int) -> str:
    """Return the reference of a manual entry: `OD/EM-000012`."""
    return f"{MISCELLANEOUS}/{MANUAL_ENTRY.format(key)}"


def by_hand(key: int, on: date, label: str, voucher: str, postings: tuple[Posting, ...]) -> Entry:
    """Return the manual entry of a key; `voucher` is what it rests on."""
    return Entry(
        reference=reference_of(key),
        journal=MISCELLANEOUS,
        effective_on=on,
        label=label,
        piece=voucher,
        postings=postings,
    )
