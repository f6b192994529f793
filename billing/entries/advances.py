"""The entry of the VAT on a tenant's credit that settles nothing yet: pure (law.md section 3).

4421 and 4428 hold the credit with its VAT; what of it is declared stands on 34587 until the credit settles or goes
back. So 4455 is what was declared, and an invoice that the credit pays later moves its VAT as any other does (R26).
"""

from datetime import date

from billing.entries.accounts import ADVANCES_VAT, VAT_DUE
from billing.frame.codes import RECEIPT
from ledger.entry import MISCELLANEOUS, Entry, Posting

# What the references of these entries begin with; the number of the change follows.
ADVANCE = f"{MISCELLANEOUS}/AR-"


def advance_entry(key: int, on: date, receipt: int, tenant: str, vat: int) -> Entry | None:
    """Book the VAT of what a receipt holds more for a tenant at a month's end, or less (below zero); None: the same."""
    if not vat:
        return None
    number = RECEIPT.format(receipt)
    return Entry(
        reference=f"{ADVANCE}{key}",
        journal=MISCELLANEOUS,
        effective_on=on,
        label=f"TVA sur avance {'reçue' if vat > 0 else 'reprise'} {number} - {tenant}",
        piece=number,
        postings=(Posting(ADVANCES_VAT, vat, tenant), Posting(VAT_DUE, -vat)),
    )
