"""The entries of grants received, in the cross-subsidy journal (R21)."""

from datetime import date

from billing.entries.accounts import GRANTS, GRANTS_COUNTERPART
from ledger.entry import CROSS_SUBSIDY, Entry, Posting

# The references of these entries begin so.
GRANTS_RECEIVED = f"{CROSS_SUBSIDY}/grant/"


def grant_reference(code: str, revision: int) -> str:
    """Return the reference of the entry by which a grant was received; a changed grant has another one."""
    return f"{GRANTS_RECEIVED}{code}/{revision}"


def grant_received(code: str, site: str | None, amount: int, granted_on: date, revision: int) -> Entry:
    """Book a grant received: debit 9210, credit 9208 (R21); `amount` is in centimes."""
    return Entry(
        reference=grant_reference(code, revision),
        journal=CROSS_SUBSIDY,
        effective_on=granted_on,
        label=f"Subvention reçue - {code}",
        piece=code,
        postings=(Posting(GRANTS_COUNTERPART, amount, code, site), Posting(GRANTS, -amount, code, site)),
    )
